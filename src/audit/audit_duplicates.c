/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_duplicates.c - recognizes events that the kernel sends twice, or too late. If a listener
 * with reliable delivery has no room for an event, the kernel sends the event to all listeners
 * again. A NEW is repeated with each later packet of the flow. A DESTROY is repeated until that
 * listener has received it.
 *
 * If events may have been lost, an event that may be a duplicate counts as new.
 */
#include <linux/netfilter/nf_conntrack_common.h>

#include "audit/audit_internal.h"

/* A DESTROY is usually read within this time after the flow's end, and the flow table still has all
 * flows that ended within this time. */
#define LATE_MS (LINGER_TICKS * AUDIT_TICK_MS / 2)

/* This NEW event is a duplicate in two cases. It has IPS_SEEN_REPLY: a flow that has just begun has
 * no reply yet. Or f has lived in no gap: then the DESTROY of f cannot have been missed, so the
 * event begins no other flow. */
bool duplicate_is_begin(const struct audit *a, const struct flow *f, const struct ct_event *ev)
{
	return ev->status & IPS_SEEN_REPLY || !audit_is_in_gap(a, f, 0);
}

/* Return whether the flow f has ended and the event is about f. An event from another CPU may
 * arrive after the flow's DESTROY. A NEW is about f only if the NEW of f was missed (has_gap);
 * otherwise the NEW begins another flow. */
static bool is_ended_already(const struct audit *a, const struct flow *f, const struct ct_event *ev)
{
	if (f->state != FLOW_ENDED)
		return false;
	if (ev->type == CT_NEW)
		return f->has_gap;
	if (ev->type == CT_UPDATE && ev->status & IPS_DYING)
		return true;
	return ev->start_ns ? (int64_t)f->started_ms == ev->start_ns / NS_PER_MS
			    : !audit_is_in_gap(a, f, 0);
}

/* The flow of this DESTROY is not in the flow table. Return whether the DESTROY must have been
 * processed before. Two conditions show this. The flow was in the table, because all events since
 * its begin were received and the table had room for each flow. And it ended more than LATE_MS ago,
 * so this is no first DESTROY that is read late. */
static bool is_forgotten(const struct audit *a, const struct ct_event *ev, int64_t now_ms)
{
	const struct flow f = {.started_ms = (uint64_t)(ev->start_ns / NS_PER_MS)};

	return ev->start_ns && ev->stop_ns && a->heard_since_ms &&
	       (int64_t)f.started_ms > a->heard_since_ms &&
	       now_ms - ev->stop_ns / NS_PER_MS > LATE_MS && !audit_is_in_gap(a, &f, 0);
}

/* A NEW event can be about an ended flow only if the entry is already being deleted (IPS_DYING).
 * Such an event is compared with the newest flow only, which flows_find() returns first. */
bool duplicate_has_ended(const struct audit *a, const struct ct_event *ev)
{
	bool has_ended = false;
	flow_ref ref;

	if (ev->type == CT_NEW && !(ev->status & IPS_DYING))
		return false;
	ref = flows_find(a->flows, ev, FLOW_REF_NONE);
	while (ref != FLOW_REF_NONE && !has_ended) {
		has_ended = is_ended_already(a, flows_get(a->flows, ref), ev);
		ref = ev->type == CT_NEW ? FLOW_REF_NONE : flows_find(a->flows, ev, ref);
	}
	return has_ended;
}

bool duplicate_is_end(const struct audit *a, const struct ct_event *ev, int64_t now_ms)
{
	return duplicate_has_ended(a, ev) || is_forgotten(a, ev, now_ms);
}
