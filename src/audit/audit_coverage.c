/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_coverage.c - sums conntrack's counters of the packets that left by each uplink. Ended flows
 * are added when they end, and live flows are added in each dump. No counters are kept per flow.
 *
 * Conntrack counts a packet when it arrives, the rules count it when it leaves. A packet that is
 * dropped in between is therefore only in these sums. A flow that vanishes without a DESTROY event
 * is no longer in the sums of live flows, and is not added to the sums of ended flows. Sums may
 * therefore shrink, and coverage_settle() then reports a gap.
 */
#include <string.h>

#include "audit/audit_internal.h"

typedef struct tally shares[FLOW_SHARES];

/* What to add to which sums: the packets and bytes that ev counted are added to `sums` or, if
 * is_off is set, subtracted from them. */
struct adding {
	const struct audit *audit;
	const struct ct_event *ev;
	shares *sums;
	bool is_off;
};

static void tally_add(const struct adding *add, uint8_t slot, enum flow_share share,
		      enum direction d)
{
	struct tally *t = &add->sums[slot][share];
	uint64_t packets = add->ev->packets[d], bytes = add->ev->bytes[d];

	t->packets += add->is_off ? -packets : packets;
	t->bytes += add->is_off ? -bytes : bytes;
}

/* All packets of a flow count for one uplink, even if they left by several. Return this uplink: the
 * mark's uplink if it is in the set `egress`, otherwise the first uplink in `egress`. */
static uint8_t slot_of_egress(const struct audit *a, const struct flow *f, uint64_t egress)
{
	uint8_t slot = audit_slot_of_flow(a, f);

	if (slot < UPLINKS_MAX && egress >> slot & 1)
		return slot;
	return (uint8_t)__builtin_ctzll(egress);
}

/* No evidence shows the flow's egress, so the flow can only count for the uplink of its mark.
 * Return the share in which the flow counts; FLOW_SHARES: the flow does not count. */
static enum flow_share share_without_evidence(const struct audit *a, const struct flow *f)
{
	if (f->is_predating)
		return SHARE_PREDATING;
	if (f->is_offloaded)
		return SHARE_OFFLOADED;
	if (f->is_unseen || gaps_may_hide(a, f))
		return SHARE_GAP;
	return f->has_gap || audit_is_in_gap(a, f, 0) ? SHARE_GAP : FLOW_SHARES;
}

static void add_by_mark(const struct adding *add, const struct flow *f, enum direction d)
{
	enum flow_share share = share_without_evidence(add->audit, f);
	uint8_t slot = audit_slot_of_flow(add->audit, f);

	if (slot < UPLINKS_MAX && share != FLOW_SHARES)
		tally_add(add, slot, share, d);
}

/* Count a flow for the uplink that evidence shows. An offloaded flow has a share of its own,
 * because the rules saw only its first packets. */
static void add_by_evidence(const struct adding *add, const struct flow *f, enum direction d,
			    uint64_t egress)
{
	uint8_t slot = slot_of_egress(add->audit, f, egress);

	tally_add(add, slot, f->is_offloaded ? SHARE_OFFLOADED : SHARE_SEEN, d);
	if (egress & (egress - 1) && !f->is_offloaded)
		tally_add(add, slot, SHARE_SPLIT, d);
}

static void flow_add(const struct adding *add, const struct flow *f)
{
	enum direction standing = f->is_entered ? DIR_REPLY : DIR_ORIGINAL;

	for (int d = 0; d < 2; d++) {
		uint64_t egress = flow_egress(add->audit, f, (enum direction)d);

		if (egress)
			add_by_evidence(add, f, (enum direction)d, egress);
		else if ((enum direction)d == standing)
			add_by_mark(add, f, standing);
	}
}

void sums_take_entry(struct audit *a, flow_ref ref, const struct ct_event *ev)
{
	struct adding add = {.audit = a, .ev = ev, .sums = a->sums.dumped};
	struct flow *f = ref == FLOW_REF_NONE ? NULL : flows_get(a->flows, ref);

	if (!f || !a->sums.is_dumping || f->is_counted)
		return;
	f->is_counted = 1;
	a->sums.uncounted += !ev->has_counters;
	if (ev->has_counters)
		flow_add(&add, f);
}

void sums_take_back(struct audit *a, flow_ref ref, const struct ct_event *ev)
{
	struct adding add = {.audit = a, .ev = ev, .sums = a->sums.dumped, .is_off = true};
	struct flow *f = flows_get(a->flows, ref);

	if (!a->sums.is_dumping || !f->is_counted)
		return;
	f->is_counted = 0;
	a->sums.uncounted -= !ev->has_counters;
	if (ev->has_counters)
		flow_add(&add, f);
}

/* If the running dump has already counted the flow, its counters are also added to sums.overtaken,
 * which sums_dump_end() subtracts, so that the flow does not count twice. */
void sums_take_end(struct audit *a, flow_ref ref, const struct ct_event *ev)
{
	struct adding ended = {.audit = a, .ev = ev, .sums = a->sums.ended};
	struct adding overtaken = {.audit = a, .ev = ev, .sums = a->sums.overtaken};
	const struct flow *f = flows_get(a->flows, ref);

	a->sums.uncounted += !ev->has_counters;
	if (!ev->has_counters)
		return;
	flow_add(&ended, f);
	if (a->sums.is_dumping && f->is_counted)
		flow_add(&overtaken, f);
}

void sums_take_loss(struct audit *a, flow_ref ref)
{
	static const struct ct_event one = {.packets = {1, 1}};
	struct adding add = {.audit = a, .ev = &one, .sums = a->sums.lost};

	flow_add(&add, flows_get(a->flows, ref));
}

void sums_dump_begin(struct audit *a)
{
	a->sums.is_dumping = true;
	memset(a->sums.dumped, 0, sizeof(a->sums.dumped));
	memset(a->sums.overtaken, 0, sizeof(a->sums.overtaken));
}

void sums_dump_end(struct audit *a, bool is_torn)
{
	struct audit_sums *s = &a->sums;

	s->is_dumping = false;
	for (int i = 0; !is_torn && i < UPLINKS_MAX; i++) {
		for (int k = 0; k < FLOW_SHARES; k++) {
			s->live[i][k].packets =
				s->dumped[i][k].packets - s->overtaken[i][k].packets;
			s->live[i][k].bytes = s->dumped[i][k].bytes - s->overtaken[i][k].bytes;
		}
	}
}

void audit_coverage(const struct audit *a, uint8_t slot, struct audit_coverage *out)
{
	memcpy(out->ended, a->sums.ended[slot], sizeof(out->ended));
	memcpy(out->live, a->sums.live[slot], sizeof(out->live));
	for (int i = 0; i < FLOW_SHARES; i++)
		out->lost[i] = a->sums.lost[slot][i].packets;
}

bool audit_flowless_take(struct audit *a, uint8_t slot, struct stray_packet *out)
{
	*out = a->flowless[slot];
	a->flowless[slot] = (struct stray_packet){0};
	return out->tuple.src.family != 0;
}

void audit_coverage_doubts(const struct audit *a, struct audit_doubts *out)
{
	*out = (struct audit_doubts){
		.uncounted = a->sums.uncounted,
		.lost = a->stats.lost + a->stats.untracked,
		.gaps = a->ids.gap,
		.gaps_open = a->gaps.n_open,
	};
}
