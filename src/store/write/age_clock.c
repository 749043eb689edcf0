/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * age_clock.c - determines the time that retention uses.
 */
#include "store/write/age_clock.h"

#include <stdbool.h>

#define DAY_MS INT64_C(86400000)

void age_clock_init(struct age_clock *c, int64_t known_ms, int64_t steady_ms)
{
	*c = (struct age_clock){.believed = {.time_ms = known_ms, .steady_ms = steady_ms}};
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t expected_ms(const struct age_moment *then, const struct age_moment *now)
{
	return then->time_ms + now->steady_ms - then->steady_ms;
}

/* Return whether CLOCK_REALTIME has advanced since `then` as much as CLOCK_MONOTONIC, give or take
 * leap_ms. Return false if `then` has no reading. */
static bool is_near(const struct age_moment *then, const struct age_moment *now, int64_t leap_ms)
{
	int64_t off_ms = now->time_ms - expected_ms(then, now);

	return then->time_ms && off_ms <= leap_ms && off_ms >= -leap_ms;
}

int64_t age_clock_read(struct age_clock *c, const struct age_moment *now, int64_t keep_ms)
{
	int64_t leap_ms = least(keep_ms / 16, DAY_MS), proof_ms = least(keep_ms, DAY_MS);

	if (!is_near(&c->leapt, now, leap_ms))
		c->leapt = *now;
	if (!c->believed.time_ms || is_near(&c->believed, now, leap_ms) ||
	    now->steady_ms - c->leapt.steady_ms >= proof_ms) {
		c->believed = *now;
		return now->time_ms;
	}
	c->believed.time_ms = expected_ms(&c->believed, now);
	c->believed.steady_ms = now->steady_ms;
	return least(now->time_ms, c->believed.time_ms);
}
