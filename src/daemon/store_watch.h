/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_watch.h - whether the history is written: one line and one alert when writing fails, one
 * when it works again. A new database that replaces a lost one gets the current state written
 * again.
 */
#ifndef WAYMARK_SRC_DAEMON_STORE_WATCH_H
#define WAYMARK_SRC_DAEMON_STORE_WATCH_H

#include <stdint.h>

struct daemon;

int store_watch_open(struct daemon *d); /* 0 or -errno */
void store_watch_close(struct daemon *d);
/* now_ms: steady. */
void store_watch_tick(struct daemon *d, int64_t now_ms);

#endif
