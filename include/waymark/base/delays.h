/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * delays.h - a histogram of delays since the program started; counts never decrease.
 */
#ifndef WAYMARK_BASE_DELAYS_H
#define WAYMARK_BASE_DELAYS_H

#include <stdint.h>

#define DELAY_BUCKETS 11

/* The upper bound of each bucket, inclusive. The last bucket has no upper bound. */
extern const int64_t delay_bounds_ms[DELAY_BUCKETS - 1];

struct delays {
	int64_t count[DELAY_BUCKETS]; /* delays in this bucket alone, not cumulative */
	int64_t sum_ms;
};

/* Count a delay. A negative delay, which results from setting the clock, counts as 0. */
void delays_add(struct delays *d, int64_t took_ms);

#endif
