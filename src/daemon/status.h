/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.h - the replies of the control socket. It pulls from every module; no module
 * calls it.
 */
#ifndef WAYMARK_SRC_DAEMON_STATUS_H
#define WAYMARK_SRC_DAEMON_STATUS_H

#include <stdbool.h>

struct control_peer;
struct status;
struct daemon;
struct answer;

int status_open(struct daemon *d); /* 0 or -errno */
void status_close(struct daemon *d);
/* Fill in what the daemon reports; free it with answer_free, whatever is returned. 0 or
 * -errno. */
int status_fill(const struct daemon *d, struct answer *a);
/* Return the reply to a command as malloc'd JSON; data is the daemon. NULL with errno,
 * ENOENT: unknown command. */
char *status_answer(void *data, const char *command, const struct control_peer *peer);
/* Return whether this peer may send the command: everybody who can connect may ask, root
 * and the daemon's user may change. */
bool status_may(const struct control_peer *peer, const char *command);
/* Call once a second: updates the rates. */
void status_second(struct daemon *d);

#endif
