/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_drain.c - finds flows that should have avoided an uplink: new flows from inside that left
 * by it while it was drained or down by an operator's decision.
 *
 * Must not know who decides, nor how packets are routed.
 */
#include <linux/netfilter/nf_conntrack_common.h>

#include "audit/audit_internal.h"

/* A flow that begins less than this long after the decision may have been routed before the
 * decision. */
#define DRAIN_SLACK_MS 1000

void audit_set_avoided(struct audit *a, uint8_t slot, int64_t since_ms)
{
	a->avoided_since_ms[slot] = since_ms;
}

/* Return the avoided uplink by which the new flow left, or SLOT_NONE. Two kinds of flows may use an
 * avoided uplink: flows that came in by an uplink, and flows that another flow announced
 * (IPS_EXPECTED), such as FTP data connections. */
static uint8_t slot_avoided(const struct audit *a, const struct flow *f, const struct ct_event *ev)
{
	uint8_t slot = audit_slot_of_mark(a, f->mark);

	if (slot == SLOT_NONE || !a->avoided_since_ms[slot] || f->is_entered ||
	    f->ingress != SLOT_NONE || ev->status & IPS_EXPECTED)
		return SLOT_NONE;
	if ((int64_t)f->started_ms < a->avoided_since_ms[slot] + DRAIN_SLACK_MS)
		return SLOT_NONE;
	return flow_egress(a, f, DIR_ORIGINAL) >> slot & 1 ? slot : SLOT_NONE;
}

void drain_check(struct audit *a, flow_ref ref, const struct ct_event *ev, int64_t now_ms)
{
	struct audit_stray stray = {
		.expected = slot_avoided(a, flows_get(a->flows, ref), ev),
		.is_marked = true,
	};
	char object[OBJECT_MAX];
	struct endpoints tuple[2];

	if (stray.expected == SLOT_NONE || !a->port.is_undrained)
		return;
	flows_tuples(a->flows, ref, tuple);
	stray.src = tuple[DIR_ORIGINAL].src;
	stray.dst = tuple[DIR_REPLY].src;
	if (a->port.is_undrained(a->port.data, &stray, object))
		mismatch_add_undrained(a, ref, stray.expected, object, now_ms);
}
