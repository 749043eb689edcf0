/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * delays.h - a histogram of delays since the program started; counts never decrease.
 */
#ifndef WAYMARK_BASE_DELAYS_H
#define WAYMARK_BASE_DELAYS_H

#include <stdint.h>

#define DELAY_BUCKETS 11

/* The longest delay that each bucket counts. The last bucket has no limit. */
extern const int64_t delay_bounds_ms[DELAY_BUCKETS - 1];

struct delays {
	int64_t count[DELAY_BUCKETS]; /* number of delays in this bucket alone: shorter delays are
				       * not included */
	int64_t sum_ms;
};

/* Count a delay. A negative delay counts as 0; it occurs when the clock was set back. */
void delays_add(struct delays *d, int64_t took_ms);

#endif
