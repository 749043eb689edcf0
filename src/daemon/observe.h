/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * observe.h - feeds conntrack events and NFLOG messages to the audit.
 */
#ifndef WAYMARK_SRC_DAEMON_OBSERVE_H
#define WAYMARK_SRC_DAEMON_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>

struct observe;
struct daemon;

int observe_open(struct daemon *d); /* 0 or -errno, logged */
int observe_start(struct daemon *d);
void observe_close(struct daemon *d);
/* Prepare existing flows for the steering. Called after the rules are installed and before the
 * default route is changed. In mode steer, mark the flows that predate the steering (adoption.h).
 * In each mode, clear stale labels (relabel.h). `is_new` is true if the ruleset was just loaded. If
 * waymarkd is also starting, the audit learns that evidence exists only from now on. */
void observe_before(struct daemon *d, bool is_new);
void observe_tick(struct daemon *d, int64_t now_ms);
/* Read both sockets until they are empty, but only a limited number of times. */
void observe_drain(struct daemon *d);

struct observe_stats {
	int64_t last_event_ms;
	uint64_t held_back; /* how often events were left in the socket because the writer had
			     * fallen behind */
};
void observe_stats(const struct daemon *d, struct observe_stats *out);

#endif
