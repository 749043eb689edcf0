/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coverage.h - after each resync, compares the counters of rules and interfaces with the counters
 * of flows. Call coverage_open() after the audit is open, and before the writer and the steering
 * start.
 */
#ifndef WAYMARK_SRC_DAEMON_COVERAGE_H
#define WAYMARK_SRC_DAEMON_COVERAGE_H

#include <stdint.h>

#include "waymark/base/record.h"

struct coverage;
struct daemon;

int coverage_open(struct daemon *d);  /* 0 or -errno */
void coverage_stop(struct daemon *d); /* call it before the writer stops */
void coverage_close(struct daemon *d);
void coverage_tick(struct daemon *d, int64_t now_ms);
/* Compare now. Called when a table dump is complete. */
void coverage_look(struct daemon *d, int64_t now_ms);
/* Request a table dump that starts after this call, and a comparison at the end of this dump. */
void coverage_ask(struct daemon *d, int64_t now_ms);

struct coverage_stats {
	uint64_t comparisons;	  /* number of comparisons that the history contains */
	uint64_t comparisons_due; /* what `comparisons` will be when the history contains the
				   * comparison that was requested last */
};
void coverage_stats(const struct daemon *d, struct coverage_stats *out);
/* Return the sum of an uplink's intervals since the start of waymarkd. If no interval has ended,
 * `started_ms` of the sum is 0. */
const struct coverage_record *coverage_sum(const struct daemon *d, uint8_t slot);
/* Return a number that identifies this boot; 0: unknown. */
uint64_t coverage_boot(const struct daemon *d);
/* Forget the state of a slot that now belongs to another uplink or to none. */
void coverage_forget(struct daemon *d, uint8_t slot);

#endif
