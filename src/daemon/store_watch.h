/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_watch.h - watches whether the history is written. When writing begins to fail, it logs one
 * line and raises one alert. When writing works again, it logs this and ends the alert. After the
 * writer has replaced a lost database or write-ahead log, store_watch has the live flows and the
 * states of the uplinks written again.
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
