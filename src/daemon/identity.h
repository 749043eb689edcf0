/* SPDX-License-Identifier: GPL-2.0-or-later */
/* identity.h - sets the user that waymarkd runs as. */
#ifndef WAYMARK_SRC_DAEMON_IDENTITY_H
#define WAYMARK_SRC_DAEMON_IDENTITY_H

#include "waymark/config/config.h"

/* Test whether users and groups can be looked up. The test runs in a child process, because the C
 * library aborts its process at the first look-up if memory is short. Return 0 or -errno,
 * logged. */
int identity_rehearse(void);

/* Set the user that waymarkd runs as, and drop for good all privileges that waymarkd does not need.
 * If waymarkd is root and key `user` names another user, check or create the folders of the history
 * and the control socket for that user, become that user, and keep only CAP_NET_ADMIN. But if only
 * root can enter one of these folders, waymarkd stays root (identity.c). Return 0 or -errno,
 * logged. */
int identity_assume(const struct config *c);

/* Start the talker. If waymarkd is root, the talker runs as the user of section `alert`, or as the
 * user of key `user` if that section sets none. If waymarkd is not root, the talker runs as the
 * same user as waymarkd. Return NULL on failure, logged. */
struct talker *identity_talker(const struct config *c);

#endif
