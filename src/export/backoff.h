/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backoff.h - how long to wait after a failure, and when a batch is due. Pure: time and random
 * numbers are passed in.
 */
#ifndef WAYMARK_SRC_EXPORT_BACKOFF_H
#define WAYMARK_SRC_EXPORT_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS	 300000

/* Return how long to wait after this many consecutive failures (at least 1). A limit starts at one
 * second, and doubles with each failure up to five minutes. The returned time is random, between
 * half of the limit and the limit. */
int64_t backoff_ms(unsigned failures, uint32_t random);

#define BATCH_ROWS	50000
#define BATCH_WAIT_MS	60000
#define BATCH_URGENT_MS 2000

/* The waiting time of the pending rows of one table. */
struct pace {
	int64_t since_ms; /* when the first pending row was seen; 0: no row is pending */
	int64_t wait_ms;  /* how long this row waits at most */
};

/* Return whether the `pending` rows must be sent now: they fill a batch, or the first of them has
 * waited for one minute (if is_urgent is set, for two seconds), less a random part of up to a
 * quarter. now_ms comes from a steady clock and is above 0. */
bool pace_is_due(struct pace *p, int64_t pending, bool is_urgent, int64_t now_ms, uint32_t random);

/* Note that the pending rows have been sent. */
void pace_restart(struct pace *p);

#endif
