/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage.h - computes the traffic of an uplink between two readings of its counters, and splits the
 * traffic into bins of time. Pure. Must not know where counters are read.
 */
#ifndef WAYMARK_AUDIT_USAGE_H
#define WAYMARK_AUDIT_USAGE_H

#include "waymark/base/record.h"

/* Add the traffic between two readings to *out, and copy the second reading to out->reading. A
 * counter that was reset (another boot, interface or table, or a lower value) counts from 0. If
 * from->time_ms is 0, no traffic is added. If a reading has no interface, the interface's counters
 * are skipped. If a reading has no table, the rules' counters are skipped. */
void usage_settle(const struct usage_reading *from, const struct usage_reading *to,
		  struct usage_record *out);

/* Add the counts of u to sum. */
void usage_merge(struct usage_record *sum, const struct usage_record *u);

/* Split the counts of an interval into bins of USAGE_BIN_MS, in proportion to how much of the
 * interval falls into each bin. Thus the traffic that passed while no daemon ran is spread evenly
 * over that time. fn is called for each bin in which something is counted, and always for the bin
 * that contains to_ms. The call for that bin is the last one, and its record has the reading of
 * *whole. A long interval gets longer bins, so that fn is called at most USAGE_PARTS_MAX + 1
 * times. */
#define USAGE_PARTS_MAX 512
typedef void usage_part_fn(void *data, const struct usage_record *part);
void usage_split(const struct usage_record *whole, int64_t from_ms, int64_t to_ms,
		 usage_part_fn *fn, void *data);

/* Return true if nothing was counted. */
bool usage_is_zero(const struct usage_record *u);

#endif
