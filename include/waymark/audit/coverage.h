/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coverage.h - computes how much of the traffic that left by an uplink is in the history. Two
 * readings of the counters give the record of an interval. The records of several intervals are
 * added to a sum, which shows how many packets are missing from the history, and why. Pure.
 *
 * Three kinds of counters per uplink are compared. The rules' counters count the packets that the
 * rules see leave. The flows' counters count the packets that the history accounts for. The
 * interface's counter counts the packets that the interface sent, whether rules exist or not. It is
 * used if the rules cannot have seen every packet. If a large segment is split into several frames
 * (GSO), the rules count one packet, but the interface counts each frame. Therefore the interface's
 * count is never below the number of packets that left, and often above it.
 */
#ifndef WAYMARK_AUDIT_COVERAGE_H
#define WAYMARK_AUDIT_COVERAGE_H

#include "waymark/base/record.h"

/* Fill in the record *out of the interval between two readings. The caller sets has_lost before the
 * call. The function sets the times, all counters, has_link, has_left, is_whole and `reading`. It
 * sets has_gap if packets are missing from the flows' counters, and never clears it. It does not
 * change the other members. If a rules' counter may have been reset (another boot or table, no
 * table, or a lower value), is_whole is false and the rules' counters in *out are the new values,
 * which are lower bounds. If the interface's counter may have been reset (another boot or
 * interface, no interface, or a lower value), has_link is false and `link` is 0. */
void coverage_settle(const struct coverage_reading *from, const struct coverage_reading *to,
		     struct coverage_record *out);

/* Call after we have loaded our rules again, which resets their counters. *base is an earlier
 * reading, *last is the last reading of the old table, and `table` identifies the new table.
 * Subtract from *base what the old table has counted, so that a later comparison of *base with a
 * reading of the new table includes these packets. If *base and *last are not readings of the same
 * table, set base->table to 0: the comparison then finds that the counters were reset. */
void coverage_rebase(struct coverage_reading *base, const struct coverage_reading *last,
		     uint64_t table);

/* Add the record of an interval to a sum. The caller fills an empty sum with zeros. */
void coverage_add(struct coverage_record *sum, const struct coverage_record *r);

/* Why packets that left by an uplink are not in the history. If several causes apply to a packet,
 * it counts for the first one in this list. */
enum coverage_cause {
	CAUSE_UNTRACKED,
	CAUSE_RULES_MISSING, /* sent by the interface while our rules were missing */
	CAUSE_OFFLOADED,
	CAUSE_PREDATING,
	CAUSE_GAP,
	CAUSE_UNCOUNTED, /* of flows without counters */
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
