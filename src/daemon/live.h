/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live.h - provides the counters and TCP states of live flows to clients. A request starts a dump
 * of the kernel's table. The snapshot from this dump is kept for some seconds and sent in parts.
 */
#ifndef WAYMARK_SRC_DAEMON_LIVE_H
#define WAYMARK_SRC_DAEMON_LIVE_H

#include <stddef.h>
#include <stdint.h>

#include "waymark/base/event.h"

struct daemon;

int live_open(struct daemon *d); /* 0 or -errno */
void live_close(struct daemon *d);

/* resync.c calls these three functions for a table dump: at its start, with its entries, and at its
 * end. If `err` is not 0, the dump failed and will be repeated. */
void live_begin(struct daemon *d, int64_t now_ms);
void live_take(struct daemon *d, const struct ct_event *entries, size_t n);
void live_end(struct daemon *d, int err, int64_t now_ms);
/* Free a snapshot that clients no longer request. */
void live_tick(struct daemon *d, int64_t now_ms);

/* Return the reply to the command "live FROM" as malloc'd JSON: the part of the snapshot that
 * begins at row FROM. If FROM is 0 and no fresh snapshot exists, request a dump and reply that the
 * snapshot is not ready. On failure return NULL with errno. */
char *live_answer(struct daemon *d, const char *from, int64_t now_ms);

#endif
