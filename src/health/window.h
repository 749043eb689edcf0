/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * window.h - the new and answered flows of one uplink and address family in the last two minutes,
 * sample by sample.
 */
#ifndef WAYMARK_SRC_HEALTH_WINDOW_H
#define WAYMARK_SRC_HEALTH_WINDOW_H

#include <stdint.h>

#define WINDOW_SAMPLES 240
#define WINDOW_TOTALS  (WINDOW_SAMPLES + 1)

struct place {
	uint32_t started, answered;
};

/* A zeroed window has no flows. */
struct window {
	struct place totals[WINDOW_TOTALS]; /* a ring: the totals after each sample, and the totals
					     * before the oldest sample */
	uint32_t latest;
};

/* Add a sample. */
void window_push(struct window *w, uint32_t started, uint32_t answered);

/* Return the sum of the samples of ages `first` to `end` - 1. The latest sample has age 0. */
struct place window_sum(const struct window *w, uint32_t first, uint32_t end);

#endif
