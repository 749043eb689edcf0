/* SPDX-License-Identifier: GPL-2.0-or-later */
/* identity.h - sets the user that waymarkd runs as. */
#ifndef WAYMARK_SRC_DAEMON_IDENTITY_H
#define WAYMARK_SRC_DAEMON_IDENTITY_H

#include "waymark/config/config.h"

/* Test in a child process whether users and groups can be looked up. If memory is short, the C
 * library aborts the process at the first look-up. Return 0 or -errno, logged. */
int identity_rehearse(void);

/* Set the user that waymarkd runs as, and drop for good all privileges that waymarkd does not need.
 * If waymarkd is root and key user names another user: check or create the folders of the history
 * and the control socket for that user, become that user, and keep only CAP_NET_ADMIN. If only root
 * may enter one of these folders, waymarkd stays root (identity.c). In all other cases the user
 * does not change. Return 0 or -errno, logged. */
int identity_assume(const struct config *c);

/* Start the talker. If waymarkd is root, the talker runs as the user of section alert; if this user
 * is not set, it runs as waymarkd's configured user. Return NULL on failure, logged. */
struct talker *identity_talker(const struct config *c);

#endif
