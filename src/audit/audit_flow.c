/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_flow.c - notes and returns the interfaces by which packets of a flow were seen to leave.
 */
#include "audit/audit_internal.h"

bool flow_has_turned(const struct flow *f)
{
	return !f->is_entered && f->ingress != SLOT_NONE;
}

/* Return the uplinks that labels show as egress. A flow that has turned (flow_has_turned()) also
 * has the label of the uplink that it came in by. Remove that uplink, unless the mark names it. */
static uint64_t labels_left(const struct audit *a, const struct flow *f)
{
	uint64_t left = flows_set(a->flows, f->egress_seen);

	if (flow_has_turned(f) && f->ingress != audit_slot_of_mark(a, f->mark))
		left &= ~(UINT64_C(1) << f->ingress);
	return left;
}

/* The mark names the uplink of one direction: replies if the flow came in by an uplink, otherwise
 * original packets. Labels count for this direction, although they do not show a direction. Uplinks
 * that logged packets of the other direction left by are left out, because those packets set
 * labels, too. In the other direction, only logged packets count. */
uint64_t flow_egress(const struct audit *a, const struct flow *f, enum direction d)
{
	enum direction standing = f->is_entered ? DIR_REPLY : DIR_ORIGINAL;
	enum direction other = !standing;
	uint64_t logged = flows_set(a->flows, f->stray[d]);

	if (d == standing)
		return logged | (labels_left(a, f) & ~flows_set(a->flows, f->stray[other]));
	return logged;
}

bool flow_has_left(const struct audit *a, const struct flow *f, enum direction d, struct egress e)
{
	if (e.slot == SLOT_NONE)
		return flows_set(a->flows, f->other[d]) >> e.other & 1;
	return flows_set(a->flows, f->stray[d]) >> e.slot & 1;
}

bool flow_note_egress(struct audit *a, struct flow *f, enum direction d, struct egress e)
{
	if (e.slot == SLOT_NONE)
		return flow_set_add(a, &f->other[d], UINT64_C(1) << e.other);
	return flow_set_add(a, &f->stray[d], UINT64_C(1) << e.slot);
}

bool flow_set_add(struct audit *a, uint16_t *number, uint64_t add)
{
	uint64_t set = flows_set(a->flows, *number);
	int merged;

	if ((set | add) == set)
		return false;
	merged = flows_set_intern(a->flows, set | add);
	if (merged < 0)
		return false;
	*number = (uint16_t)merged;
	return true;
}
