/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_dump.c - compares a dump of the kernel's table with the known flows: which still exist,
 * which are new, which were lost. When waymarkd starts, the known flows come from the history.
 *
 * A dump entry may be older than a NEW or DESTROY that has been read since the dump began. Such an
 * entry changes no flow (is_outdated()).
 */
#include <errno.h>

#include "audit/audit_internal.h"

/* --- entries ------------------------------------------------------------------ */

/* Return whether the entry has no label, and its flow began before evidence was collected or at an
 * unknown time. */
static bool is_predating(const struct audit *a, const struct ct_event *ev)
{
	return !audit_has_labels(a, ev) &&
	       (!ev->start_ns || ev->start_ns / NS_PER_MS < a->evidence_since_ms);
}

/* Return whether a dump entry is older than a NEW or DESTROY that was already processed. */
static bool is_outdated(const struct audit *a, const struct ct_event *ev, flow_ref live)
{
	flow_ref ref = live;
	const struct flow *f;

	if (ref != FLOW_REF_NONE) {
		f = flows_get(a->flows, ref);
		return f->is_seen && !f->is_from_dump &&
		       (int64_t)f->started_ms >= a->dump_started_ms;
	}
	ref = flow_find(a, ev, FLOW_ENDED);
	if (ref == FLOW_REF_NONE)
		return false;
	f = flows_get(a->flows, ref);
	return !ev->start_ns || ev->start_ns / NS_PER_MS <= (int64_t)f->started_ms;
}

/* Return the flow of an entry that belongs to no live flow: a lost flow that is revived, or a new
 * one. */
static flow_ref dumped_begin(struct audit *a, const struct ct_event *ev, int64_t now_ms)
{
	flow_ref ref = flow_revive(a, ev, now_ms);
	struct flow *f;

	if (ref != FLOW_REF_NONE)
		return ref;
	ref = flow_begin(a, ev, now_ms);
	if (ref == FLOW_REF_NONE)
		return ref;
	f = flows_get(a->flows, ref);
	f->is_from_dump = 1;
	f->is_predating = is_predating(a, ev);
	if (!ev->start_ns)
		f->started_ms = 0;
	return ref;
}

/* Facts of a flow's row that a dump entry may change. */
struct row_facts {
	uint32_t mark;
	uint16_t egress_seen;
	bool is_entered, is_offloaded;
};

static struct row_facts row_facts(const struct flow *f)
{
	return (struct row_facts){f->mark, f->egress_seen, f->is_entered, f->is_offloaded};
}

static bool is_row_outdated(const struct audit *a, const struct flow *f, struct row_facts was)
{
	struct row_facts is = row_facts(f);

	if (is.mark != was.mark || is.egress_seen != was.egress_seen ||
	    is.is_entered != was.is_entered || is.is_offloaded != was.is_offloaded ||
	    f->verdict == VERDICT_NONE)
		return true;
	return f->verdict == VERDICT_LOCAL && audit_is_in_gap(a, f, 0);
}

void dump_take(struct audit *a, const struct ct_event *ev, int64_t now_ms)
{
	flow_ref ref = flow_find(a, ev, FLOW_LIVE);
	struct row_facts was;
	struct flow *f;

	if (is_outdated(a, ev, ref)) {
		sums_take_entry(a, ref, ev);
		return;
	}
	if (ref != FLOW_REF_NONE && flow_is_other(flows_get(a->flows, ref), ev, now_ms)) {
		flow_lose(a, ref);
		ref = FLOW_REF_NONE;
	}
	if (ref == FLOW_REF_NONE)
		ref = dumped_begin(a, ev, now_ms);
	if (ref == FLOW_REF_NONE)
		return;
	was = row_facts(flows_get(a->flows, ref));
	flow_apply(a, ref, ev, now_ms);
	f = flows_get(a->flows, ref);
	f->is_seen = 1;
	f->is_from_store = 0;
	gaps_settle_entry(a, f, ev, now_ms);
	sums_take_entry(a, ref, ev);
	flow_apply_tcp(a, ref, ev, now_ms);
	if (is_row_outdated(a, f, was))
		flow_touch(a, ref);
}

/* --- the history, and the dump as a whole ----------------------------------------- */

/* All live flows of the history are added, even beyond max_flows, because the row of each must be
 * continued or ended. */
int audit_preload(struct audit *a, const struct flow_record *r)
{
	flow_ref ref = flows_add_beyond(a->flows, r->proto, r->zone, r->tuple);
	struct flow *f;

	if (ref == FLOW_REF_NONE)
		return -errno;
	f = flows_get(a->flows, ref);
	f->ct_id = r->ct_id;
	f->id = r->id;
	f->started_ms = (uint64_t)r->started_ms;
	f->mark = r->mark;
	f->is_from_store = 1;
	f->former = SLOT_NONE;
	f->is_entered = r->ingress != SLOT_NONE;
	f->ingress = r->ingress;
	f->is_predating = r->reason == REASON_PREDATES;
	f->had_mismatch = r->verdict == VERDICT_MISMATCH;
	f->reason = f->had_mismatch ? r->reason : REASON_NONE;
	f->is_reported = audit_is_alert_worthy(r->verdict);
	f->has_gap = 1;
	f->is_unseen = r->verdict == VERDICT_UNKNOWN && r->reason == REASON_GAP;
	f->verdict = r->verdict;
	for (int d = 0; d < 2; d++) {
		flow_set_add(a, &f->stray[d], r->egress[d]);
		if (f->had_mismatch)
			flow_set_add(a, &f->reported, r->egress[d]);
	}
	f->is_closed = r->state == FLOW_CLOSED;
	flow_live_count(a, f, 1);
	a->stats.live += !f->is_closed;
	return 0;
}

static void see_not(void *data, flow_ref ref, struct flow *f)
{
	(void)data;
	(void)ref;
	f->is_seen = f->is_counted = 0;
}

void audit_dump_begin(struct audit *a, int64_t now_ms)
{
	a->dump_started_ms = now_ms;
	if (!a->heard_since_ms)
		a->heard_since_ms = now_ms;
	flows_each(a->flows, see_not, NULL);
	sums_dump_begin(a);
}

static void lose_unseen(void *data, flow_ref ref, struct flow *f)
{
	if (f->state == FLOW_LIVE && !f->is_seen)
		flow_lose(data, ref);
}

/* The dump has shown whether the flow may have sent unseen packets (is_unseen). If its verdict in
 * the history no longer fits, write its row again. */
static void flow_settle(void *data, flow_ref ref, struct flow *f)
{
	if (f->state == FLOW_LIVE && (f->is_unseen != (f->verdict == VERDICT_UNKNOWN)))
		flow_touch(data, ref);
}

/* Live flows that a complete dump did not show become lost. This includes flows that have just
 * ended and whose DESTROY has not been read yet: each counts as ended when its DESTROY is read. A
 * flow whose NEW has not been read yet is not in our table, so it cannot become lost. */
void audit_dump_end(struct audit *a, bool is_torn, int64_t now_ms)
{
	(void)now_ms;
	if (!is_torn) {
		flows_each(a->flows, lose_unseen, a);
		if (gaps_settle_dump(a))
			flows_each(a->flows, flow_settle, a);
	}
	sums_dump_end(a, is_torn);
}
