/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watchdog.h - lets the event loop feed the service manager's watchdog. If the loop is busy with
 * one source for more than a second, a thread logs which source it is.
 */
#ifndef WAYMARK_SRC_DAEMON_WATCHDOG_H
#define WAYMARK_SRC_DAEMON_WATCHDOG_H

struct loop;

/* Watch the loop until watchdog_stop(), which must be called before the loop is freed. Return 0 or
 * -errno. */
int watchdog_start(const struct loop *l);
void watchdog_stop(void);
/* Feed the service manager's watchdog. Call this from the loop once per second, so that the service
 * manager restarts waymarkd if the loop hangs. */
void watchdog_feed(void);

#endif
