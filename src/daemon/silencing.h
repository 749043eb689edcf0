/* SPDX-License-Identifier: GPL-2.0-or-later */
/* silencing.h - lets an operator silence alerts, for maintenance. */
#ifndef WAYMARK_SRC_DAEMON_SILENCING_H
#define WAYMARK_SRC_DAEMON_SILENCING_H

struct daemon;
struct control_peer;

/* Run the command "silence SECONDS [UPLINK]" (0 seconds: end the silence) or "silences". Return
 * malloc'd JSON with the silences in force, or with an error if the request is invalid. Return NULL
 * with errno ENOENT if the command is another one. */
char *silencing_answer(struct daemon *d, const char *command, const struct control_peer *peer);

#endif
