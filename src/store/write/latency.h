/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * latency.h - a histogram of the durations of the last minute, from which percentiles are computed.
 * The precision is an eighth of the duration, but not finer than 1 ms. Knows nothing of what is
 * measured.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_LATENCY_H
#define WAYMARK_SRC_STORE_WRITE_LATENCY_H

#include <stdint.h>

#define LATENCY_BUCKETS 160 /* they cover durations up to 2^22 ms (70 minutes) */
/* A turn is an interval of ten seconds. There are seven: the current turn, and the six turns of the
 * minute before it. */
#define LATENCY_TURNS 7

struct latency {
	uint32_t count[LATENCY_TURNS][LATENCY_BUCKETS];
	unsigned turn;
	int64_t turn_ms; /* when the current turn began */
};

/* Add a duration. Negative durations, which a clock step causes, count as 0. */
void latency_add(struct latency *l, int64_t now_ms, int64_t took_ms);

/* Return a percentile of the durations; -1: there is no data. For example, permille 990 is p99. The
 * result is rounded up by less than an eighth. */
int64_t latency_quantile(struct latency *l, int64_t now_ms, unsigned permille);

#endif
