/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * commands.h - the commands of the control socket.
 */
#ifndef WAYMARK_SRC_DAEMON_COMMANDS_H
#define WAYMARK_SRC_DAEMON_COMMANDS_H

#include <stdbool.h>

struct control_peer;

/* Run a command of the control socket, and return the reply as malloc'd JSON. `data` is the struct
 * daemon. On failure return NULL with errno (ENOENT: unknown command). */
char *commands_answer(void *data, const char *command, const struct control_peer *peer);
/* Return whether this peer is allowed to send the command. Any peer can send a query. Only root and
 * waymarkd's user can send a command that changes something. */
bool commands_may(const struct control_peer *peer, const char *command);

#endif
