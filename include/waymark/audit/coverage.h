/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coverage.h - computes how much of the traffic that left by an uplink is in the history. An
 * interval lies between two readings of the counters. Intervals are added to a sum. A sum shows how
 * many packets are missing from the history, and why. Pure.
 *
 * Three kinds of counters per uplink are compared. The rules' counters count the packets that the
 * rules see leave. The flows' counters count the packets that the history accounts for. The
 * interface's counter counts the packets that the interface sent, whether rules exist or not. This
 * counter is used where the rules cannot have seen every packet. The interface counts each frame
 * into which a large segment is split. Its count is therefore never less than the number of packets
 * that left, and often more.
 */
#ifndef WAYMARK_AUDIT_COVERAGE_H
#define WAYMARK_AUDIT_COVERAGE_H

#include "waymark/base/record.h"

/* Compare two readings. Set the times, all counters, has_link, has_left, is_whole and the reading
 * in *out. has_gap is set if packets are missing from the sums of flows, and is never cleared.
 * has_lost is only read. All other members are left as they are. If boot or table differ between
 * the readings, the table was missing, or a rules' counter shrank, is_whole is false and the rules'
 * counters in *out are the new values, which are lower bounds. If boot or interface differ, the
 * interface was missing, or the interface's counter shrank, has_link is false and link is 0. */
void coverage_settle(const struct coverage_reading *from, const struct coverage_reading *to,
		     struct coverage_record *out);

/* Call after we have loaded our rules again, because loading resets their counters. `last` is the
 * last reading of the old table; `table` identifies the new table. Adjust the earlier reading
 * *base, so that the difference between *base and a reading of the new table includes the packets
 * that the old table has counted since *base. If *base and *last are not readings of one table, set
 * base->table to 0: the next difference then counts as a reset. */
void coverage_rebase(struct coverage_reading *base, const struct coverage_reading *last,
		     uint64_t table);

/* Add an interval to a sum. An empty sum is all zeros. */
void coverage_add(struct coverage_record *sum, const struct coverage_record *r);

/* Why packets that left are not in the history. A packet counts for the first cause that
 * applies. */
enum coverage_cause {
	CAUSE_UNTRACKED,
	CAUSE_RULES_MISSING, /* sent by the interface while our rules were missing */
	CAUSE_OFFLOADED,
	CAUSE_PREDATING,
	CAUSE_GAP,
	CAUSE_UNCOUNTED, /* flows without counters */
	CAUSE_OTHER,	 /* such as ICMP errors, which belong to no flow, and packets at the edges
			  * of the interval */
	COVERAGE_CAUSES,
};
/* coverage_cause_name() returns the name of a cause as the view "coverage" of the history spells it
 * ("untracked", "rules-missing"). coverage_cause_text() returns its text for people. */
const char *coverage_cause_name(enum coverage_cause c);
const char *coverage_cause_text(enum coverage_cause c);

/* Set by_cause to the number of missing packets per cause. Return the number of all missing
 * packets. */
uint64_t coverage_missing(const struct coverage_record *sum, uint64_t by_cause[COVERAGE_CAUSES]);

/* Return the share of the packets that are not missing, in hundredths of a percent. The share is
 * rounded down: 10000 means that no packet is missing. Return -1 if no packet left by the uplink,
 * or if the number of packets that left is unknown. */
int coverage_share(const struct coverage_record *sum);

#endif
