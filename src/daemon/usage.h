/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage.h - records the bytes that each uplink carries. The kernel's counters are read every few
 * seconds, and the usage is written in bins of five minutes. After a restart, waymarkd continues
 * from the last reading that was written.
 *
 * Call usage_open() after coverage_open() and before the writer starts.
 */
#ifndef WAYMARK_SRC_DAEMON_USAGE_H
#define WAYMARK_SRC_DAEMON_USAGE_H

#include <stdint.h>

#include "waymark/base/record.h"

struct usage;
struct daemon;

int usage_open(struct daemon *d); /* 0 or -errno, logged */
void usage_close(struct daemon *d);
void usage_tick(struct daemon *d, int64_t now_ms);
/* Read the counters, and write the usage that is not written yet. Call this before the writer
 * stops, and before a reload assigns slots to other uplinks. */
void usage_write(struct daemon *d, int64_t now_ms);
/* Read the counters. Call this immediately before and after a load of the ruleset, because a load
 * resets the counters. */
void usage_read(struct daemon *d, int64_t now_ms);
/* Forget the state of a slot that now belongs to another uplink or to none. */
void usage_forget(struct daemon *d, uint8_t slot);

/* Bytes that the uplink's interface has carried since this waymarkd first read the counters. */
struct usage_totals {
	uint64_t sent_bytes, received_bytes;
};
void usage_totals(const struct daemon *d, uint8_t slot, struct usage_totals *out);
/* Return how many of the uplink's flows started recently, and how many were answered. The counts
 * cover the latest written record of the usage and the usage since then, at most two minutes. */
struct flow_counts usage_recent_flows(const struct daemon *d, uint8_t slot);

#endif
