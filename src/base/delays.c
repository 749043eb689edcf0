/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * delays.c - adds delays to a histogram. It counts all delays since the program started.
 */
#include "waymark/base/delays.h"

const int64_t delay_bounds_ms[DELAY_BUCKETS - 1] = {5,	 10,  25,   50,	  100,
						    250, 500, 1000, 2500, 10000};

void delays_add(struct delays *d, int64_t took_ms)
{
	unsigned bucket = 0;

	if (took_ms < 0)
		took_ms = 0;
	while (bucket < DELAY_BUCKETS - 1 && took_ms > delay_bounds_ms[bucket])
		bucket++;
	d->count[bucket]++;
	d->sum_ms += took_ms;
}
