/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.h - what the daemon reports about itself. It pulls from every module.
 */
#ifndef WAYMARK_SRC_DAEMON_STATUS_H
#define WAYMARK_SRC_DAEMON_STATUS_H

struct status;
struct daemon;
struct answer;

int status_open(struct daemon *d); /* 0 or -errno */
void status_close(struct daemon *d);
/* Fill in the daemon's answer; free it with answer_free, whatever is returned. Return 0 or
 * -errno. */
int status_fill(const struct daemon *d, struct answer *a);
/* Call once a second: updates the rates. */
void status_second(struct daemon *d);

#endif
