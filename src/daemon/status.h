/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status.h - collects the status of waymarkd from its modules. */
#ifndef WAYMARK_SRC_DAEMON_STATUS_H
#define WAYMARK_SRC_DAEMON_STATUS_H

struct status;
struct daemon;
struct answer;

int status_open(struct daemon *d); /* 0 or -errno */
void status_close(struct daemon *d);
/* Fill in the status. Return 0 or -errno. In both cases the caller must call answer_free(a). */
int status_fill(const struct daemon *d, struct answer *a);
/* Update the rates. Call once per second. */
void status_second(struct daemon *d);

#endif
