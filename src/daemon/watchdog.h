/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watchdog.h - the loop feeds the service manager's watchdog; a thread logs what the loop
 * was doing when it misses a second.
 */
#ifndef WAYMARK_SRC_DAEMON_WATCHDOG_H
#define WAYMARK_SRC_DAEMON_WATCHDOG_H

struct loop;

/* Watch the loop until watchdog_stop, which comes before the loop is freed. 0 or -errno. */
int watchdog_start(const struct loop *l);
void watchdog_stop(void);
/* Call from the loop, once a second. */
void watchdog_feed(void);

#endif
