/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * delays.h - how long things took since the start, as a histogram that is only added to.
 */
#ifndef WAYMARK_BASE_DELAYS_H
#define WAYMARK_BASE_DELAYS_H

#include <stdint.h>

#define DELAY_BUCKETS 11

/* The longest delay of each bucket; the last bucket has no limit. */
extern const int64_t delay_bounds_ms[DELAY_BUCKETS - 1];

struct delays {
	int64_t count[DELAY_BUCKETS]; /* each without the others */
	int64_t sum_ms;
};

/* Count a delay. A negative one (the clock was set) counts as 0. */
void delays_add(struct delays *d, int64_t took_ms);

#endif
