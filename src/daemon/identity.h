/* SPDX-License-Identifier: GPL-2.0-or-later */
/* identity.h - sets the user that waymarkd runs as. */
#ifndef WAYMARK_SRC_DAEMON_IDENTITY_H
#define WAYMARK_SRC_DAEMON_IDENTITY_H

#include "waymark/config/config.h"

/* Look up users and groups once in a child process, because the C library aborts if memory is short
 * at the first look-up. Return 0 or -errno, logged. */
int identity_rehearse(void);

/* Choose the user. If we are root and key user is not "root": check or create the folders of
 * history and state for the configured user and group, become that user, and keep only
 * CAP_NET_ADMIN; stay root if only root may enter a folder (identity.c). Else keep the current
 * user. In each case drop all other privileges for good. Return 0 or -errno, logged. */
int identity_assume(const struct config *c);

/* Start the talker. If we are root, the talker runs as the user of section alert or, if none is
 * set, as waymarkd's user. Return NULL on failure, logged. */
struct talker *identity_talker(const struct config *c);

#endif
