/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_duplicates.c - what the kernel tells twice, or too late. Where any listener that
 * asks for reliable delivery has no room for an event, the kernel tells all of them
 * again: of a flow whose beginning did not get through with each of its packets that it
 * begins, and of an entry that it ends, until that listener has heard it.
 *
 * What was processed before is known here, unless something was lost: in doubt it is news.
 */
#include <linux/netfilter/nf_conntrack_common.h>

#include "audit/audit_internal.h"

/* The end of an unknown flow is read sooner than this, as a rule, and the table knows
 * a flow that ended no longer ago. */
#define LATE_MS (LINGER_TICKS * AUDIT_TICK_MS / 2)

/* A flow that lives has begun already, unless its end may have been missed. The first
 * packet of another one is no reply. */
bool duplicate_is_begin(const struct audit *a, const struct flow *f, const struct ct_event *ev)
{
	return ev->status & IPS_SEEN_REPLY || !audit_is_in_gap(a, f, 0);
}

/* An event from another processor may come after the flow's end, which for a flow that
 * has no beginning yet is all that is known. A beginning is else another flow's. */
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

/* Whether it would be known if its end had not been processed: it began while everything was
 * heard and followed, and its end is not of now. */
static bool is_forgotten(const struct audit *a, const struct ct_event *ev, int64_t now_ms)
{
	const struct flow f = {.started_ms = (uint64_t)(ev->start_ns / NS_PER_MS)};

	return ev->start_ns && ev->stop_ns && a->heard_since_ms &&
	       (int64_t)f.started_ms > a->heard_since_ms &&
	       now_ms - ev->stop_ns / NS_PER_MS > LATE_MS && !audit_is_in_gap(a, &f, 0);
}

/* Of flows with this tuple and id the newest comes first: a beginning is of no other. */
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
