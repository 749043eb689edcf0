/* SPDX-License-Identifier: GPL-2.0-or-later */
/* operator.h - runs the commands `waymark apply`, `confirm` and `remove` in a running daemon. */
#ifndef WAYMARK_SRC_DAEMON_OPERATOR_H
#define WAYMARK_SRC_DAEMON_OPERATOR_H

#include <stdint.h>

#include "daemon/control.h"

struct operator;
struct daemon;

int operator_open(struct daemon *d); /* 0 or -ENOMEM */
void operator_close(struct daemon *d);
/* Run the command if it is one of the three, and return the reply as malloc'd JSON. On failure
 * return NULL with errno (ENOENT: another command; EPERM: the peer is not allowed to send it). */
char *operator_answer(struct daemon *d, const char *command, const struct control_peer *peer);
/* Undo an apply that was not confirmed in time. */
void operator_tick(struct daemon *d, int64_t now_ms);
/* Stop waiting for the confirmation of an apply. Called when the apply was confirmed, another
 * configuration was loaded, or the steering was removed. */
void operator_forget(struct daemon *d);

#endif
