/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack_idle.h - computes from the remaining timeout of an entry how long the entry has had no
 * packet. For the conntrack adapter only.
 */
#ifndef WAYMARK_SRC_KERNEL_CONNTRACK_IDLE_H
#define WAYMARK_SRC_KERNEL_CONNTRACK_IDLE_H

#include <stddef.h>
#include <stdint.h>

#define CONNTRACK_TIMEOUTS_MAX 24

/* The initial timeouts of each protocol's states, in seconds. */
struct conntrack_timeouts {
	struct {
		uint8_t proto;
		uint32_t seconds;
	} list[CONNTRACK_TIMEOUTS_MAX];
	size_t n;
};

/* Read the conntrack timeouts from their sysctls. */
void conntrack_timeouts_read(struct conntrack_timeouts *t);

/* Return a lower bound of the time since the entry's last packet, in ms; -1: unknown. The entry's
 * state need not be known: the function uses the shortest timeout of `proto` that is at least
 * `remaining_s`. */
int64_t conntrack_idle_ms(const struct conntrack_timeouts *t, uint8_t proto, uint32_t remaining_s);

#endif
