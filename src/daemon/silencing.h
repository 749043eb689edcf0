/* SPDX-License-Identifier: GPL-2.0-or-later */
/* silencing.h - lets an operator silence alerts, for maintenance. */
#ifndef WAYMARK_SRC_DAEMON_SILENCING_H
#define WAYMARK_SRC_DAEMON_SILENCING_H

struct daemon;
struct control_peer;

/* Run the command "silence SECONDS [UPLINK]" (0 seconds: end the silence) or "silences". Return the
 * silences in force as malloc'd JSON, or NULL with errno (ENOENT: the command is neither). */
char *silencing_answer(struct daemon *d, const char *command, const struct control_peer *peer);

#endif
