/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_emit.c - makes a flow's row: collects facts, decides the verdict, fills the record.
 */
#include <string.h>

#include "audit/audit_internal.h"

/* Return the uplink that owns the source address of the packets that leave. A flow that came in by
 * an uplink is answered from its destination address. Any other flow leaves with the address that
 * its replies are sent to. */
static uint8_t source_slot(const struct audit *a, const struct flow *f,
			   const struct endpoints tuple[2])
{
	const struct addr *source =
		f->is_entered ? &tuple[DIR_ORIGINAL].dst : &tuple[DIR_REPLY].dst;

	return audit_slot_of_address(a, source, (int64_t)f->started_ms,
				     audit_slot_of_mark(a, f->mark));
}

/* A closed flow that is lost counts as ended: it sent nothing after it was closed. */
static enum flow_state row_state(const struct flow *f)
{
	if (!f->is_closed || f->state == FLOW_ENDED)
		return f->state;
	return f->state == FLOW_LIVE ? FLOW_CLOSED : FLOW_ENDED;
}

static void facts_fill(const struct audit *a, const struct flow *f, const struct endpoints tuple[2],
		       struct verdict_facts *facts)
{
	*facts = (struct verdict_facts){
		.mark = f->mark,
		.uplink = audit_slot_of_flow(a, f),
		.is_entered = f->is_entered,
		.egress = {flow_egress(a, f, DIR_ORIGINAL), flow_egress(a, f, DIR_REPLY)},
		.other_egress = {flows_set(a->flows, f->other[0]),
				 flows_set(a->flows, f->other[1])},
		.source = source_slot(a, f, tuple),
		.had_mismatch = f->had_mismatch,
		.has_gap = f->has_gap || row_state(f) == FLOW_LOST,
		.is_unseen = f->is_unseen || gaps_may_hide(a, f),
		.is_offloaded = f->is_offloaded,
		.is_predating = f->is_predating,
	};
}

static void counters_fill(struct flow_record *r, const struct ct_event *ev)
{
	r->has_counters = ev->has_counters;
	for (int d = 0; d < 2; d++) {
		r->packets[d] = ev->packets[d];
		r->bytes[d] = ev->bytes[d];
	}
}

static void record_fill(struct audit *a, flow_ref ref, const struct ct_event *ev, int64_t ended_ms,
			struct flow_record *r)
{
	struct flow *f = flows_get(a->flows, ref);
	struct verdict_facts facts;

	*r = (struct flow_record){
		.id = f->id,
		.started_ms = f->started_ms,
		.ended_ms = ended_ms,
		.state = row_state(f),
		.proto = f->proto,
		.zone = f->zone,
		.ct_id = f->ct_id,
		.mark = f->mark,
		.ingress = f->is_entered ? f->ingress : SLOT_NONE,
	};
	flows_tuples(a->flows, ref, r->tuple);
	if (f->state == FLOW_LIVE && audit_is_in_gap(a, f, 0))
		f->has_gap = 1;
	facts_fill(a, f, r->tuple, &facts);
	r->uplink = facts.uplink;
	r->egress[0] = facts.egress[0];
	r->egress[1] = facts.egress[1];
	r->other_egress[0] = facts.other_egress[0];
	r->other_egress[1] = facts.other_egress[1];
	r->verdict = verdict_decide(&facts, &r->reason);
	if (r->verdict == VERDICT_MISMATCH)
		r->reason = f->reason;
	else if (f->is_flushed)
		r->reason = REASON_UPLINK_DOWN_FLUSH;
	if (ev)
		counters_fill(r, ev);
}

bool audit_is_alert_worthy(enum verdict v)
{
	return v == VERDICT_WRONG_SOURCE || v == VERDICT_FOREIGN || v == VERDICT_UNMARKED;
}

void flow_emit(struct audit *a, flow_ref ref, const struct ct_event *ev, int64_t ended_ms)
{
	struct record r = {.type = RECORD_FLOW, .event_ms = a->event_ms};
	struct flow *f = flows_get(a->flows, ref);

	record_fill(a, ref, ev, ended_ms, &r.flow);
	f->verdict = r.flow.verdict;
	a->port.emit(a->port.data, &r);
	if (!f->is_reported && audit_is_alert_worthy(r.flow.verdict)) {
		f->is_reported = 1;
		a->port.alert(a->port.data, &r.flow, NULL);
	}
}

void flow_touch(struct audit *a, flow_ref ref)
{
	struct flow *f = flows_get(a->flows, ref);

	if (f->state != FLOW_LIVE) {
		/* The row has been written with its end; write late evidence at once. */
		flow_emit(a, ref, NULL, 0);
		return;
	}
	if (!f->is_queued) {
		f->is_queued = 1;
		flow_queue_push(a->flows, &a->changing, ref);
	}
}
