/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privileges.h - drops privileges: the exporter only reads the history and connects to targets.
 */
#ifndef WAYMARK_SRC_EXPORT_PRIVILEGES_H
#define WAYMARK_SRC_EXPORT_PRIVILEGES_H

#define EXPORT_USER "waymark-export"

/* If started by root, switch to EXPORT_USER with the supplementary group `group`, which can read
 * the history. If EXPORT_USER does not exist, stay root, but drop all capabilities. In any case, no
 * program that is executed later can gain privileges. Return 0 or -errno. */
int privileges_drop(const char *group);

#endif
