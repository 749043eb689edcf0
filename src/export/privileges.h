/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privileges.h - drops privileges: the exporter only reads the history and connects to targets.
 */
#ifndef WAYMARK_SRC_EXPORT_PRIVILEGES_H
#define WAYMARK_SRC_EXPORT_PRIVILEGES_H

#define EXPORT_USER "waymark-export"

/* If started by root, become the user of the service, with the group that may read the history. If
 * that user does not exist, keep root's id without any capability. Programs that are executed later
 * gain no privileges. Return 0 or -errno. */
int privileges_drop(const char *group);

#endif
