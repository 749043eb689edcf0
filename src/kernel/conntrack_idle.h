/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack_idle.h - how long an entry has been without a packet, from its remaining
 * timeout. For the conntrack adapter only.
 */
#ifndef WAYMARK_SRC_KERNEL_CONNTRACK_IDLE_H
#define WAYMARK_SRC_KERNEL_CONNTRACK_IDLE_H

#include <stddef.h>
#include <stdint.h>

#define CONNTRACK_TIMEOUTS_MAX 24

/* The timeouts that the states of each protocol begin with, in seconds. */
struct conntrack_timeouts {
	struct {
		uint8_t proto;
		uint32_t seconds;
	} list[CONNTRACK_TIMEOUTS_MAX];
	size_t n;
};

/* Read them as they are set now. */
void conntrack_timeouts_read(struct conntrack_timeouts *t);

/* For how many ms at least the entry had no packet; -1: not known. Its state does not
 * matter: of the timeouts that can have begun, the one that says least counts. */
int64_t conntrack_idle_ms(const struct conntrack_timeouts *t, uint8_t proto, uint32_t remaining_s);

#endif
