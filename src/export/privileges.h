/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privileges.h - the exporter needs none: it reads the history and talks to others.
 */
#ifndef WAYMARK_SRC_EXPORT_PRIVILEGES_H
#define WAYMARK_SRC_EXPORT_PRIVILEGES_H

#define EXPORT_USER "waymark-export"

/* Started by root, become the user of the unit, with the group that may read the
 * history; without that user, keep root's id but no capability. No program that is
 * executed later gains any. 0 or -errno. */
int privileges_drop(const char *group);

#endif
