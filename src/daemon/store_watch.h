/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_watch.h - watches whether the history is written: logs one line and raises one alert when
 * writing fails, and again when it works. If a new database, or a new log of the database, replaces
 * a lost one, writes the current state to it.
 */
#ifndef WAYMARK_SRC_DAEMON_STORE_WATCH_H
#define WAYMARK_SRC_DAEMON_STORE_WATCH_H

#include <stdint.h>

struct daemon;

int store_watch_open(struct daemon *d); /* 0 or -errno */
void store_watch_close(struct daemon *d);
/* now_ms: steady clock. */
void store_watch_tick(struct daemon *d, int64_t now_ms);

#endif
