/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * latency.h - how long things took, over the last minute: a histogram by the
 * millisecond that keeps a value to an eighth. Knows nothing of what took long.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_LATENCY_H
#define WAYMARK_SRC_STORE_WRITE_LATENCY_H

#include <stdint.h>

#define LATENCY_BUCKETS 160 /* up to 2^22 ms, more than an hour */
#define LATENCY_TURNS	7   /* the set being filled, and those of the minute before it */

struct latency {
	uint32_t count[LATENCY_TURNS][LATENCY_BUCKETS];
	unsigned turn;
	int64_t turn_ms; /* when it began */
};

/* Times below 0, of a clock that was set, count as 0. */
void latency_add(struct latency *l, int64_t now_ms, int64_t took_ms);

/* Return the time that permille of a thousand did not exceed, rounded up by less than an eighth;
 * -1: no data. */
int64_t latency_quantile(struct latency *l, int64_t now_ms, unsigned permille);

#endif
