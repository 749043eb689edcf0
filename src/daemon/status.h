/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.h - the replies of the control socket. It pulls from every module; no module
 * calls it.
 */
#ifndef WAYMARK_SRC_DAEMON_STATUS_H
#define WAYMARK_SRC_DAEMON_STATUS_H

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
struct control_peer;
char *status_answer(void *data, const char *command, const struct control_peer *peer);
/* Call once a second: updates the rates. */
void status_second(struct daemon *d);

#endif
