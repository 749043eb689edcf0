/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * age_clock.h - determines the time that retention uses. A clock that was set far ahead, by mistake
 * or because of an empty battery, must not make all rows look old.
 *
 * A reading of the clock is accepted if it is close to the last accepted reading plus the time
 * passed since then. If the clock leaps to another time, its readings are accepted only after it
 * has run for a while without another leap. Until then, retention uses the last accepted reading
 * plus the time passed since then, or the clock's reading if that is less.
 *
 * Pure: it reads no clock.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_AGE_CLOCK_H
#define WAYMARK_SRC_STORE_WRITE_AGE_CLOCK_H

#include <stdint.h>

/* A reading of CLOCK_REALTIME (time_ms) and of CLOCK_MONOTONIC (steady_ms) at the same moment, in
 * ms. */
struct age_moment {
	int64_t time_ms; /* 0: no reading */
	int64_t steady_ms;
};

struct age_clock {
	/* believed: the last accepted reading plus the time passed since then; leapt: the first
	 * reading after the last leap */
	struct age_moment believed, leapt;
};

/* Start from known_ms, the last time that an earlier run accepted; 0: none. */
void age_clock_init(struct age_clock *c, int64_t known_ms, int64_t steady_ms);

/* Return the time to use for deleting rows older than keep_ms. A leap of the clock by at most
 * keep_ms / 16, and at most a day, is accepted at once. A greater leap is accepted after it has
 * lasted for keep_ms or for a day, whichever is less. */
int64_t age_clock_read(struct age_clock *c, const struct age_moment *now, int64_t keep_ms);

#endif
