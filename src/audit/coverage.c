/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coverage.c - computes how much of the traffic that left is in the history.
 *
 * Must not know where counters are read. coverage_missing() attributes missing packets to causes in
 * the order of enum coverage_cause. The view "coverage" (sql/views.sql) computes the same in SQL.
 */
#include "waymark/audit/coverage.h"

#include <string.h>

static struct tally tally_minus(const struct tally *a, const struct tally *b)
{
	return (struct tally){a->packets - b->packets, a->bytes - b->bytes};
}

static void tally_plus(struct tally *t, const struct tally *by)
{
	t->packets += by->packets;
	t->bytes += by->bytes;
}

/* Return whether a counter has shrunk: its difference is below 0. */
static bool has_shrunk(const struct tally *t)
{
	return (int64_t)t->packets < 0 || (int64_t)t->bytes < 0;
}

/* --- an interval ------------------------------------------------------------------- */

static void link_settle(const struct coverage_reading *from, const struct coverage_reading *to,
			struct coverage_record *out)
{
	out->link = tally_minus(&to->link, &from->link);
	out->has_link = from->boot == to->boot && to->ifindex && from->ifindex == to->ifindex &&
			!has_shrunk(&out->link);
	if (!out->has_link)
		out->link = (struct tally){0};
}

static void rules_settle(const struct coverage_reading *from, const struct coverage_reading *to,
			 struct coverage_record *out)
{
	out->is_whole = from->boot == to->boot && to->table && from->table == to->table;
	for (int i = 0; i < RULE_COUNTS; i++) {
		out->rules[i] = tally_minus(&to->rules[i], &from->rules[i]);
		out->is_whole = out->is_whole && !has_shrunk(&out->rules[i]);
	}
	/* After a reset, the new value is a lower bound: packets before the reset are missing. */
	if (!out->is_whole)
		memcpy(out->rules, to->rules, sizeof(out->rules));
}

/* n[s] is the change of share s (enum flow_share) between two readings, in packets or bytes. If a
 * flow moves to another share, its packets are a decrease of the old share and an increase of the
 * new one. They must not count twice: subtract all decreases from the increases. Exception: if flows
 * of a share vanished (has_lost), its decrease is not subtracted. Return true if packets are
 * missing: flows vanished, or the decreases exceed the increases. */
static bool shares_balance(int64_t n[FLOW_SHARES], const bool has_lost[FLOW_SHARES])
{
	bool is_short = false;
	int64_t debt = 0;

	for (int i = 0; i < SHARE_SPLIT; i++) {
		if (n[i] >= 0)
			continue;
		is_short |= has_lost[i];
		debt -= has_lost[i] ? 0 : n[i];
		n[i] = 0;
	}
	for (int i = 0; debt && i < SHARE_SPLIT; i++) {
		int64_t paid = n[i] < debt ? n[i] : debt;

		n[i] -= paid;
		debt -= paid;
	}
	if (n[SHARE_SPLIT] < 0)
		n[SHARE_SPLIT] = 0;
	if (n[SHARE_SPLIT] > n[SHARE_SEEN])
		n[SHARE_SPLIT] = n[SHARE_SEEN];
	return is_short || debt > 0;
}

static void flows_settle(const struct coverage_reading *from, const struct coverage_reading *to,
			 struct coverage_record *out)
{
	int64_t packets[FLOW_SHARES], bytes[FLOW_SHARES];
	bool is_short;

	for (int i = 0; i < FLOW_SHARES; i++) {
		packets[i] = (int64_t)(to->flows[i].packets - from->flows[i].packets);
		bytes[i] = (int64_t)(to->flows[i].bytes - from->flows[i].bytes);
	}
	is_short = shares_balance(packets, out->has_lost);
	is_short |= shares_balance(bytes, out->has_lost);
	out->has_gap |= is_short;
	for (int i = 0; i < FLOW_SHARES; i++)
		out->flows[i] = (struct tally){(uint64_t)packets[i], (uint64_t)bytes[i]};
}

static uint64_t more(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Set how many packets left. The number is that of the rules' counters. If the rules cannot have
 * seen every packet, add the packets that only the interface counted. */
static void left_settle(struct coverage_record *out)
{
	const struct tally *neighbours = &out->rules[RULE_NEIGHBOURS];
	bool is_seen_whole = out->is_whole && !out->flows[SHARE_OFFLOADED].packets;

	out->left = out->rules[RULE_OUT];
	tally_plus(&out->left, &out->rules[RULE_UNTRACKED]);
	out->has_left = out->is_whole || out->has_link;
	out->skipped = (struct tally){0};
	if (is_seen_whole || !out->has_link)
		return;
	out->skipped.packets = more(out->link.packets, out->left.packets + neighbours->packets);
	out->skipped.bytes = more(out->link.bytes, out->left.bytes + neighbours->bytes);
	tally_plus(&out->left, &out->skipped);
}

void coverage_settle(const struct coverage_reading *from, const struct coverage_reading *to,
		     struct coverage_record *out)
{
	out->started_ms = from->time_ms;
	out->ended_ms = to->time_ms;
	link_settle(from, to, out);
	rules_settle(from, to, out);
	flows_settle(from, to, out);
	left_settle(out);
	out->reading = *to;
}

void coverage_rebase(struct coverage_reading *base, const struct coverage_reading *last,
		     uint64_t table)
{
	bool goes_on = base->boot == last->boot && last->table && base->table == last->table;

	for (int i = 0; i < RULE_COUNTS; i++) {
		struct tally counted = tally_minus(&last->rules[i], &base->rules[i]);

		goes_on = goes_on && !has_shrunk(&counted);
		base->rules[i] = tally_minus(&base->rules[i], &last->rules[i]);
	}
	base->table = goes_on ? table : 0;
}

/* --- sums -------------------------------------------------------------------------- */

void coverage_add(struct coverage_record *sum, const struct coverage_record *r)
{
	bool is_first = !sum->started_ms;

	if (is_first)
		sum->started_ms = r->started_ms;
	sum->slot = r->slot;
	sum->ended_ms = r->ended_ms;
	sum->has_link = r->has_link && (is_first || sum->has_link);
	sum->has_left = r->has_left && (is_first || sum->has_left);
	sum->is_whole = r->is_whole && (is_first || sum->is_whole);
	sum->has_gap |= r->has_gap;
	sum->has_uncounted |= r->has_uncounted;
	tally_plus(&sum->link, &r->link);
	tally_plus(&sum->left, &r->left);
	tally_plus(&sum->skipped, &r->skipped);
	for (int i = 0; i < RULE_COUNTS; i++)
		tally_plus(&sum->rules[i], &r->rules[i]);
	for (int i = 0; i < FLOW_SHARES; i++)
		tally_plus(&sum->flows[i], &r->flows[i]);
}

static const struct {
	const char *name, *text;
} causes[COVERAGE_CAUSES] = {
	[CAUSE_UNTRACKED] = {"untracked", "untracked"},
	[CAUSE_RULES_MISSING] = {"rules-missing", "sent while the rules were missing"},
	[CAUSE_OFFLOADED] = {"offloaded", "offloaded"},
	[CAUSE_PREDATING] = {"predating", "of flows that predate the rules"},
	[CAUSE_GAP] = {"gap", "in a gap"},
	[CAUSE_UNCOUNTED] = {"uncounted", "of flows without counters"},
	[CAUSE_OTHER] = {"other", "other"},
};

const char *coverage_cause_name(enum coverage_cause c)
{
	return causes[c].name;
}

const char *coverage_cause_text(enum coverage_cause c)
{
	return causes[c].text;
}

static uint64_t part_take(uint64_t *left, uint64_t part)
{
	if (part > *left)
		part = *left;
	*left -= part;
	return part;
}

static enum coverage_cause cause_of_rest(const struct coverage_record *sum)
{
	if (sum->has_gap)
		return CAUSE_GAP;
	return sum->has_uncounted ? CAUSE_UNCOUNTED : CAUSE_OTHER;
}

uint64_t coverage_missing(const struct coverage_record *sum, uint64_t by_cause[COVERAGE_CAUSES])
{
	uint64_t missing = more(sum->left.packets, sum->flows[SHARE_SEEN].packets), rest = missing;

	memset(by_cause, 0, COVERAGE_CAUSES * sizeof(by_cause[0]));
	by_cause[CAUSE_UNTRACKED] = part_take(&rest, sum->rules[RULE_UNTRACKED].packets);
	if (!sum->is_whole)
		by_cause[CAUSE_RULES_MISSING] = part_take(&rest, sum->skipped.packets);
	by_cause[CAUSE_OFFLOADED] = part_take(&rest, sum->flows[SHARE_OFFLOADED].packets);
	if (sum->is_whole)
		by_cause[CAUSE_OFFLOADED] += part_take(&rest, sum->skipped.packets);
	by_cause[CAUSE_PREDATING] = part_take(&rest, sum->flows[SHARE_PREDATING].packets);
	by_cause[CAUSE_GAP] = part_take(&rest, sum->flows[SHARE_GAP].packets);
	by_cause[cause_of_rest(sum)] += rest;
	return missing;
}

int coverage_share(const struct coverage_record *sum)
{
	uint64_t by_cause[COVERAGE_CAUSES], seen;

	if (!sum->has_left || !sum->left.packets)
		return -1;
	seen = sum->left.packets - coverage_missing(sum, by_cause);
	return (int)(seen * 10000 / sum->left.packets);
}
