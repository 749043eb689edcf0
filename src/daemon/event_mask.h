/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event_mask.h - chooses which conntrack events the kernel generates.
 */
#ifndef WAYMARK_SRC_DAEMON_EVENT_MASK_H
#define WAYMARK_SRC_DAEMON_EVENT_MASK_H

#include <stdbool.h>
#include <stdint.h>

struct event_mask;
struct daemon;

int event_mask_open(struct daemon *d); /* 0 or -errno */
void event_mask_close(struct daemon *d);
void event_mask_tick(struct daemon *d, int64_t now_ms);

struct event_mask_stats {
	bool is_minimal; /* the kernel generates only the events that the audit needs */
	int listeners;	 /* other listeners to conntrack events; -errno: unknown */
};
void event_mask_stats(const struct daemon *d, struct event_mask_stats *out);

#endif
