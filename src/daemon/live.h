/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live.h - the counters and TCP states of the flows that live, for those who ask: taken
 * from a dump of the kernel's table that is made for them, kept for some seconds, handed
 * out in parts.
 */
#ifndef WAYMARK_SRC_DAEMON_LIVE_H
#define WAYMARK_SRC_DAEMON_LIVE_H

#include <stddef.h>
#include <stdint.h>

#include "waymark/base/event.h"

struct daemon;

int live_open(struct daemon *d); /* 0 or -errno */
void live_close(struct daemon *d);

/* The start of a dump, its entries, and its end; err: the dump is incomplete. */
void live_begin(struct daemon *d, int64_t now_ms);
void live_take(struct daemon *d, const struct ct_event *entries, size_t n);
void live_end(struct daemon *d, int err, int64_t now_ms);
/* Forget a snapshot that is no longer asked for. */
void live_tick(struct daemon *d, int64_t now_ms);

/* Answer "live FROM": JSON, malloc'd, or NULL with errno. Without a fresh dump it asks for
 * one, and says that it is not ready. */
char *live_answer(struct daemon *d, const char *from, int64_t now_ms);

#endif
