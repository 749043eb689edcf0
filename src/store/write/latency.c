/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * latency.c - measures durations with a histogram. Buckets below 16 ms are 1 ms wide. From 16 ms
 * on, each doubling of the duration has eight buckets. Each turn of ten seconds has its own set of
 * buckets. A new turn reuses the set of the oldest turn.
 */
#include "store/write/latency.h"

#include <string.h>

#define TURN_MS	   10000
#define LARGEST_MS ((INT64_C(1) << 22) - 1)

static unsigned bucket_of(int64_t ms)
{
	unsigned octave;

	if (ms < 16)
		return ms < 0 ? 0 : (unsigned)ms;
	if (ms > LARGEST_MS)
		ms = LARGEST_MS;
	octave = 63 - (unsigned)__builtin_clzll((unsigned long long)ms);
	return (octave - 2) * 8 + (unsigned)(ms >> (octave - 3) & 7);
}

/* Return the largest time (ms) that falls into a bucket. */
static int64_t bucket_end(unsigned bucket)
{
	unsigned octave = bucket / 8 + 2;

	if (bucket < 16)
		return bucket;
	return ((int64_t)(8 + bucket % 8 + 1) << (octave - 3)) - 1;
}

static void turns_pass(struct latency *l, int64_t now_ms)
{
	int64_t passed = (now_ms - l->turn_ms) / TURN_MS;

	if (!passed && now_ms >= l->turn_ms)
		return;
	if (passed <= 0 || passed > LATENCY_TURNS)
		passed = LATENCY_TURNS;
	while (passed--) {
		l->turn = (l->turn + 1) % LATENCY_TURNS;
		memset(l->count[l->turn], 0, sizeof(l->count[l->turn]));
	}
	l->turn_ms = now_ms;
}

void latency_add(struct latency *l, int64_t now_ms, int64_t took_ms)
{
	turns_pass(l, now_ms);
	l->count[l->turn][bucket_of(took_ms)]++;
}

static uint64_t bucket_count(const struct latency *l, unsigned bucket)
{
	uint64_t n = 0;

	for (unsigned turn = 0; turn < LATENCY_TURNS; turn++)
		n += l->count[turn][bucket];
	return n;
}

int64_t latency_quantile(struct latency *l, int64_t now_ms, unsigned permille)
{
	uint64_t all = 0, seen = 0, wanted;

	turns_pass(l, now_ms);
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		all += bucket_count(l, i);
	if (!all)
		return -1;
	wanted = (all * permille + 999) / 1000;
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		seen += bucket_count(l, i);
		if (seen >= wanted)
			return bucket_end(i);
	}
	return LARGEST_MS;
}
