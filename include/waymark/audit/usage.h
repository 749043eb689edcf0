/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage.h - computes the traffic of an uplink between two readings of its counters, and splits the
 * traffic into bins of time. Pure. Must not know where counters are read.
 */
#ifndef WAYMARK_AUDIT_USAGE_H
#define WAYMARK_AUDIT_USAGE_H

#include "waymark/base/record.h"

/* Add the traffic between two readings to *out, and copy the second reading to out->reading. If a
 * counter was reset between them (another boot, interface or table, or a lower value), add its
 * whole new value. If from->time_ms is 0, add nothing. If the interface was missing in a reading,
 * do not add the interface's counters. If the table was missing in a reading, do not add the rules'
 * counters. */
void usage_settle(const struct usage_reading *from, const struct usage_reading *to,
		  struct usage_record *out);

/* Add the counts of u to sum. */
void usage_merge(struct usage_record *sum, const struct usage_record *u);

/* Split the counts of the interval from from_ms to to_ms into bins of USAGE_BIN_MS. Each bin gets a
 * part in proportion to how much of the interval falls into the bin. Thus the traffic that passed
 * while waymarkd did not run is spread evenly over that time. Call fn for each bin in which
 * something is counted. The last call is for the bin that contains to_ms, even if nothing is
 * counted in it; its record has the reading of *whole. If the interval is long, the bins are
 * longer, so that fn is called at most USAGE_PARTS_MAX + 1 times. */
#define USAGE_PARTS_MAX 512
typedef void usage_part_fn(void *data, const struct usage_record *part);
void usage_split(const struct usage_record *whole, int64_t from_ms, int64_t to_ms,
		 usage_part_fn *fn, void *data);

/* Return true if nothing was counted. */
bool usage_is_zero(const struct usage_record *u);

#endif
