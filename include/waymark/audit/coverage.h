/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coverage.h - how much of what left by an uplink the history accounts for: from two
 * readings of counters an interval, from intervals a sum, from a sum what is missing
 * and why. Pure.
 *
 * Three kinds of counters per uplink are compared. The rules' counters count what they see
 * leave. The flows' counters count what the history accounts for. The interface's counter
 * counts what it sent, whatever rules exist: it is used where the rules cannot have seen
 * everything. It counts frames (each frame of a large segment), so it is never less than what
 * left, and often more.
 */
#ifndef WAYMARK_AUDIT_COVERAGE_H
#define WAYMARK_AUDIT_COVERAGE_H

#include "waymark/base/record.h"

/* Compare two readings. A counter's difference is valid if boot, table and interface are the same
 * and it did not shrink; after a reset the difference is unknown, or known to be at least the new
 * value. Sets all of *out except slot and has_uncounted; has_lost is only read, has_gap only set:
 * flows that vanished make a gap. */
void coverage_settle(const struct coverage_reading *from, const struct coverage_reading *to,
		     struct coverage_record *out);

/* Our own load of the rules sets their counters back: from then on base counts on in
 * the new table from where the last reading of the old one left it. */
void coverage_rebase(struct coverage_reading *base, const struct coverage_reading *last,
		     uint64_t table);

/* Add an interval to a sum, which begins as zeros. */
void coverage_add(struct coverage_record *sum, const struct coverage_record *r);

/* Why what left is not in the history, the first that can explain it first. */
enum coverage_cause {
	CAUSE_UNTRACKED,
	CAUSE_RULES_MISSING, /* the interface sent it, our rules were not there to see it */
	CAUSE_OFFLOADED,
	CAUSE_PREDATING,
	CAUSE_GAP,
	CAUSE_UNCOUNTED, /* flows without counters */
	CAUSE_OTHER,	 /* ICMP errors, which are of no flow; the edges of the interval */
	COVERAGE_CAUSES,
};
/* "untracked", "rules-missing", ..., as the history's view spells them; for people. */
const char *coverage_cause_name(enum coverage_cause c);
const char *coverage_cause_text(enum coverage_cause c);

/* Packets that are missing, by cause; all of them. */
uint64_t coverage_missing(const struct coverage_record *sum, uint64_t by_cause[COVERAGE_CAUSES]);

/* The share in hundredths of a percent, cut off, so that only all is 10000; -1: nothing
 * left, or it is not known how much. */
int coverage_share(const struct coverage_record *sum);

#endif
