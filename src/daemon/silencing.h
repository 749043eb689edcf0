/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * silencing.h - alerts silenced by an operator, for maintenance.
 */
#ifndef WAYMARK_SRC_DAEMON_SILENCING_H
#define WAYMARK_SRC_DAEMON_SILENCING_H

struct daemon;
struct control_peer;

/* Obey "silence SECONDS [UPLINK]" (0 seconds: end it) or "silences". The answer lists what
 * is silenced: JSON, malloc'd; NULL with errno: ENOENT: another command. */
char *silencing_answer(struct daemon *d, const char *command, const struct control_peer *peer);

#endif
