/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * window.h - the increments of an uplink's and family's counters in the last two minutes,
 * one place per sample.
 */
#ifndef WAYMARK_SRC_HEALTH_WINDOW_H
#define WAYMARK_SRC_HEALTH_WINDOW_H

#include <stdint.h>

#define WINDOW_SAMPLES 240

struct window {
	struct place {
		uint32_t started, answered;
	} places[WINDOW_SAMPLES];
	uint32_t at; /* of the next sample */
};

/* Add a sample. */
void window_push(struct window *w, uint32_t started, uint32_t answered);

/* Return the sample that is so many samples old; 0: the latest. */
const struct place *window_place(const struct window *w, uint32_t age);

/* Sum the samples of the ages from first to before end. */
struct place window_sum(const struct window *w, uint32_t first, uint32_t end);

#endif
