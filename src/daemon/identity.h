/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.h - the user that waymarkd runs as.
 */
#ifndef WAYMARK_SRC_DAEMON_IDENTITY_H
#define WAYMARK_SRC_DAEMON_IDENTITY_H

#include "waymark/config/config.h"

/* Look up users and groups in a child: the C library aborts where memory is short for the first
 * look-up. 0 or -errno, logged. */
int identity_rehearse(void);

/* Started by root: make the folders of history and state for keys user and group, become
 * that user, and keep CAP_NET_ADMIN alone; user = "root" stays root. Started by another
 * user: stay that. Then seal the process. 0 or -errno, logged. */
int identity_assume(const struct config *c);

/* Start the talker, as the user of section alert if we are root. NULL: logged. */
struct talker *identity_talker(const struct config *c);

#endif
