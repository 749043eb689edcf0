/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coverage.h - compares the counters of rules and interfaces with those of the flows
 * after each resync. Opened after the audit, before the writer and the steering.
 */
#ifndef WAYMARK_SRC_DAEMON_COVERAGE_H
#define WAYMARK_SRC_DAEMON_COVERAGE_H

#include <stdint.h>

#include "waymark/base/record.h"

struct coverage;
struct daemon;

int coverage_open(struct daemon *d);  /* 0 or -errno */
void coverage_stop(struct daemon *d); /* before the writer stops */
void coverage_close(struct daemon *d);
void coverage_tick(struct daemon *d, int64_t now_ms);
/* A table dump is complete. */
void coverage_look(struct daemon *d, int64_t now_ms);
/* Ask for a comparison that begins now. */
void coverage_ask(struct daemon *d, int64_t now_ms);

struct coverage_stats {
	uint64_t comparisons;	  /* comparisons in the history */
	uint64_t comparisons_due; /* comparisons in the history and the pending one */
};
void coverage_stats(const struct daemon *d, struct coverage_stats *out);
/* Return the sum of an uplink since the start; started_ms 0: no interval yet. */
const struct coverage_record *coverage_sum(const struct daemon *d, uint8_t slot);
/* Return a number for this run of the kernel; 0: unknown. */
uint64_t coverage_boot(const struct daemon *d);
/* Forget the state of this slot: another uplink has it now, or none. */
void coverage_forget(struct daemon *d, uint8_t slot);

#endif
