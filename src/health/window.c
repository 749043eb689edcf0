/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * window.c - a ring of running totals: the flows of an interval of any length are the difference of
 * two totals. The difference stays correct when a total wraps around, because it is unsigned.
 */
#include "health/window.h"

/* Return the totals as they were `age` samples ago. */
static const struct place *total_at(const struct window *w, uint32_t age)
{
	return &w->totals[(w->latest + WINDOW_TOTALS - age) % WINDOW_TOTALS];
}

void window_push(struct window *w, uint32_t started, uint32_t answered)
{
	struct place total = *total_at(w, 0);

	total.started += started;
	total.answered += answered;
	w->latest = (w->latest + 1) % WINDOW_TOTALS;
	w->totals[w->latest] = total;
}

struct place window_sum(const struct window *w, uint32_t first, uint32_t end)
{
	const struct place *after, *before;

	end = end < WINDOW_SAMPLES ? end : WINDOW_SAMPLES;
	if (first >= end)
		return (struct place){0, 0};
	after = total_at(w, first);
	before = total_at(w, end);
	return (struct place){after->started - before->started, after->answered - before->answered};
}
