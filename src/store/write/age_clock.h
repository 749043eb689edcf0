/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * age_clock.h - the time to use for retention. A clock set far ahead, by mistake or by an empty
 * battery, must not make all rows old.
 *
 * A reading close to the last accepted one plus the time passed since is accepted. Any other is
 * accepted once it has held for a while; until then time continues from the accepted reading, or is
 * the clock's if that is less.
 *
 * Pure: it reads no clock.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_AGE_CLOCK_H
#define WAYMARK_SRC_STORE_WRITE_AGE_CLOCK_H

#include <stdint.h>

/* A time of CLOCK_REALTIME, ms, and CLOCK_MONOTONIC at that moment. */
struct age_moment {
	int64_t time_ms; /* 0: none */
	int64_t steady_ms;
};

struct age_clock {
	struct age_moment believed, leapt;
};

/* known_ms: the last time that was believed by an earlier run; 0: none was. */
void age_clock_init(struct age_clock *c, int64_t known_ms, int64_t steady_ms);

/* Return the time to use for deleting rows older than keep_ms. After a clock leap the time is ahead
 * by at most a sixteenth of keep_ms and at most a day; a greater leap is accepted once it has
 * lasted for keep_ms, or for a day. */
int64_t age_clock_read(struct age_clock *c, const struct age_moment *now, int64_t keep_ms);

#endif
