/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * window.c - a ring of samples.
 */
#include "health/window.h"

void window_push(struct window *w, uint32_t started, uint32_t answered)
{
	w->places[w->at] = (struct place){started, answered};
	w->at = (w->at + 1) % WINDOW_SAMPLES;
}

const struct place *window_place(const struct window *w, uint32_t age)
{
	return &w->places[(w->at + 2 * WINDOW_SAMPLES - 1 - age) % WINDOW_SAMPLES];
}

struct place window_sum(const struct window *w, uint32_t first, uint32_t end)
{
	struct place sum = {0, 0};

	for (uint32_t age = first; age < end && age < WINDOW_SAMPLES; age++) {
		sum.started += window_place(w, age)->started;
		sum.answered += window_place(w, age)->answered;
	}
	return sum;
}
