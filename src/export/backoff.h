/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backoff.h - how long to wait after a failure, and when a batch is due. Pure: time and
 * chance are passed in.
 */
#ifndef WAYMARK_SRC_EXPORT_BACKOFF_H
#define WAYMARK_SRC_EXPORT_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS	 300000

/* The wait after this many failures in a row (1 and more): it doubles from a second to
 * five minutes; between half of that and all of it, by chance. */
int64_t backoff_ms(unsigned failures, uint32_t random);

#define BATCH_ROWS	50000
#define BATCH_WAIT_MS	60000
#define BATCH_URGENT_MS 2000

/* The batch of one table that is being filled. */
struct pace {
	int64_t since_ms; /* when its first row was seen; 0: no row */
	int64_t wait_ms;
};

/* Return whether pending rows are due: there are enough for a batch, or the first of them has
 * waited long enough; that is a minute, less up to a quarter by chance, or two seconds where it is
 * urgent. now_ms: a steady clock, above 0. */
bool pace_is_due(struct pace *p, int64_t pending, bool is_urgent, int64_t now_ms, uint32_t random);

/* Note that the pending data has been sent. */
void pace_restart(struct pace *p);

#endif
