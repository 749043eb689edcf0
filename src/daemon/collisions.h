/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collisions.h - reports at start what on this host conflicts with Waymark.
 */
#ifndef WAYMARK_SRC_DAEMON_COLLISIONS_H
#define WAYMARK_SRC_DAEMON_COLLISIONS_H

struct daemon;

/* Log the findings; never refuses. 0. */
int collisions_report(struct daemon *d);

#endif
