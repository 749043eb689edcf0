/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage.c - computes how much counters grew between two readings, and splits the growth into bins
 * of time.
 */
#include "waymark/audit/usage.h"

#include <stddef.h>

#define NUMBERS 6

/* Fill out[] with pointers to all numbers of a record. */
static void numbers_of(struct usage_record *u, uint64_t *out[NUMBERS])
{
	uint64_t *all[NUMBERS] = {
		&u->sent.bytes,	      &u->sent.packets,	       &u->received.bytes,
		&u->received.packets, &u->flows.flows_started, &u->flows.flows_answered,
	};

	for (int i = 0; i < NUMBERS; i++)
		out[i] = all[i];
}

static bool has_shrunk(const struct tally *from, const struct tally *to)
{
	return to->packets < from->packets || to->bytes < from->bytes;
}

/* --- between two readings ------------------------------------------------------------------ */

static void tally_add(struct tally *sum, const struct tally *from, const struct tally *to)
{
	sum->packets += to->packets - from->packets;
	sum->bytes += to->bytes - from->bytes;
}

static void link_settle(const struct usage_reading *from, const struct usage_reading *to,
			struct usage_record *out)
{
	static const struct tally zero;
	bool goes_on = from->boot == to->boot && from->ifindex == to->ifindex &&
		       !has_shrunk(&from->sent, &to->sent) &&
		       !has_shrunk(&from->received, &to->received);

	if (!from->ifindex || !to->ifindex)
		return;
	tally_add(&out->sent, goes_on ? &from->sent : &zero, &to->sent);
	tally_add(&out->received, goes_on ? &from->received : &zero, &to->received);
}

static void flows_settle(const struct usage_reading *from, const struct usage_reading *to,
			 struct usage_record *out)
{
	const struct flow_counts *a = &from->flows, *b = &to->flows;
	bool goes_on = from->boot == to->boot && from->table == to->table &&
		       b->flows_started >= a->flows_started &&
		       b->flows_answered >= a->flows_answered;

	if (!from->table || !to->table)
		return;
	out->flows.flows_started += b->flows_started - (goes_on ? a->flows_started : 0);
	out->flows.flows_answered += b->flows_answered - (goes_on ? a->flows_answered : 0);
}

void usage_settle(const struct usage_reading *from, const struct usage_reading *to,
		  struct usage_record *out)
{
	out->reading = *to;
	if (!from->time_ms)
		return;
	link_settle(from, to, out);
	flows_settle(from, to, out);
}

void usage_merge(struct usage_record *sum, const struct usage_record *u)
{
	struct usage_record copy = *u;
	uint64_t *to[NUMBERS], *from[NUMBERS];

	numbers_of(sum, to);
	numbers_of(&copy, from);
	for (int i = 0; i < NUMBERS; i++)
		*to[i] += *from[i];
}

bool usage_is_zero(const struct usage_record *u)
{
	struct usage_record copy = *u;
	uint64_t *numbers[NUMBERS];

	numbers_of(&copy, numbers);
	for (int i = 0; i < NUMBERS; i++)
		if (*numbers[i])
			return false;
	return true;
}

/* --- bins ------------------------------------------------------------------------------------ */

/* Return the part of the count `all` that falls into the first `share` (0 to 1) of the interval. */
static uint64_t until(uint64_t all, double share)
{
	return share >= 1 ? all : (uint64_t)((double)all * share);
}

static void part_fill(struct usage_record *whole, double from, double to, struct usage_record *part)
{
	uint64_t *all[NUMBERS], *mine[NUMBERS];

	numbers_of(whole, all);
	numbers_of(part, mine);
	for (int i = 0; i < NUMBERS; i++)
		*mine[i] = until(*all[i], to) - until(*all[i], from);
}

void usage_split(const struct usage_record *whole, int64_t from_ms, int64_t to_ms,
		 usage_part_fn *fn, void *data)
{
	int64_t bins = from_ms < to_ms ? to_ms / USAGE_BIN_MS - from_ms / USAGE_BIN_MS + 1 : 1;
	int64_t step_ms = (bins + USAGE_PARTS_MAX - 1) / USAGE_PARTS_MAX * USAGE_BIN_MS;
	int64_t start_ms = from_ms - from_ms % USAGE_BIN_MS;
	double begun = 0, length = (double)(to_ms - from_ms);
	struct usage_record all = *whole;
	struct usage_record last = {
		.time_ms = to_ms, .slot = whole->slot, .reading = whole->reading};

	for (int64_t at_ms = start_ms; bins > 1 && at_ms + step_ms <= to_ms; at_ms += step_ms) {
		struct usage_record part = {.time_ms = at_ms, .slot = whole->slot};
		double share = (double)(at_ms + step_ms - from_ms) / length;

		part_fill(&all, begun, share, &part);
		if (!usage_is_zero(&part))
			fn(data, &part);
		begun = share;
	}
	part_fill(&all, begun, 1, &last);
	fn(data, &last);
}
