/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit.c - processes conntrack events, which begin, change and end flows or show that a flow was
 * lost.
 *
 * A flow is identified by its conntrack id, its original tuple and its start, because the kernel
 * reuses ids. An ended flow is kept for late evidence. A flow that changed is written at the second
 * tick after the change, so that a short flow is written only once.
 */
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit_internal.h"

/* Tolerance when a start time from the kernel is compared with the start that we noted, because the
 * clock may have been adjusted in between. */
#define START_SLACK_MS 1000

/* linux/netfilter/nf_conntrack_common.h defines these only for kernel code. */
#ifndef IPS_OFFLOAD
#define IPS_OFFLOAD (1u << 14)
#endif
#ifndef IPS_HW_OFFLOAD
#define IPS_HW_OFFLOAD (1u << 15)
#endif

struct audit *audit_new(const struct audit_port *port, const struct audit_ids *ids,
			uint32_t max_flows)
{
	struct audit *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->port = *port;
	a->ids = *ids;
	a->pending = calloc(PENDING_MAX, sizeof(*a->pending));
	a->flows = flows_new(max_flows);
	if (!a->pending || !a->flows) {
		audit_free(a);
		errno = ENOMEM;
		return NULL;
	}
	flow_queue_init(&a->changed);
	flow_queue_init(&a->changing);
	for (unsigned i = 0; i < LINGER_TICKS; i++)
		flow_queue_init(&a->linger[i]);
	for (unsigned i = 0; i < LOST_TURNS; i++)
		flow_queue_init(&a->lost[i]);
	return a;
}

void audit_free(struct audit *a)
{
	if (!a)
		return;
	mismatch_free_all(a);
	flows_free(a->flows);
	free(a->pending);
	free(a->addresses);
	free(a);
}

void audit_set_evidence_since(struct audit *a, int64_t since_ms)
{
	a->evidence_since_ms = since_ms;
}

void audit_set_labels_stale(struct audit *a, bool are_stale)
{
	a->are_labels_stale = are_stale;
}

/* --- facts of an event ------------------------------------------------------ */

/* Return n label bits as a set: the label bit `first` becomes bit 0 of the set. */
static uint64_t labels_range(const struct connlabels *l, unsigned first, unsigned n)
{
	uint64_t bits = l->word[first / 64] >> (first % 64);

	if (first % 64 && first / 64 == 0)
		bits |= l->word[1] << (64 - first % 64);
	return n >= 64 ? bits : bits & ((UINT64_C(1) << n) - 1);
}

/* Only labels from label-base on are Waymark's. Other programs may use the labels below
 * label-base. */
bool audit_has_labels(const struct audit *a, const struct ct_event *ev)
{
	return ev->has_labels && !a->are_labels_stale &&
	       labels_range(&ev->labels, a->label_base, LABELS_TOTAL - a->label_base);
}

static void flow_set_entered(struct audit *a, struct flow *f)
{
	if (f->is_entered)
		return;
	f->is_entered = 1;
	f->ingress = audit_slot_of_mark(a, f->mark);
}

/* Note that the flow has turned: it came in by an uplink and was pinned to the uplink that it left
 * by. `left` is the set of uplinks whose label the flow has: these two uplinks. */
static void flow_set_turned(struct audit *a, struct flow *f, uint64_t left)
{
	uint8_t uplink = audit_slot_of_mark(a, f->mark);

	if (flow_has_turned(f))
		return;
	f->is_entered = 0;
	if (uplink != SLOT_NONE)
		left &= ~(UINT64_C(1) << uplink);
	f->ingress = left ? (uint8_t)__builtin_ctzll(left) : uplink;
}

static void flow_set_labels(struct audit *a, struct flow *f, const struct ct_event *ev)
{
	unsigned first = a->label_base + LABELS_RESERVED;
	uint64_t left;

	if (!audit_has_labels(a, ev))
		return;
	left = labels_range(&ev->labels, first, LABELS_TOTAL - first);
	if (labels_range(&ev->labels, a->label_base + LABEL_ENTERED, 1))
		flow_set_entered(a, f);
	else if (labels_range(&ev->labels, a->label_base + LABEL_TRANSIT, 1))
		flow_set_turned(a, f, left);
	if (flow_set_add(a, &f->egress_seen, left & ((UINT64_C(1) << UPLINKS_MAX) - 1)))
		f->is_disowned = 0;
}

/* Set the mark and record the change. If the mark was not 0 before, packets may have left by the
 * uplinks of both marks (had_mark_change). A change from no mark to a mark is an adoption
 * (adopt.h). */
static void flow_set_mark(struct audit *a, struct flow *f, uint32_t mark, int64_t now_ms)
{
	struct record r = {.type = RECORD_MARK_CHANGE};

	if (mark == f->mark)
		return;
	r.mark_change = (struct mark_change_record){
		.time_ms = now_ms,
		.flow_id = f->id,
		.old_mark = f->mark,
		.new_mark = mark,
	};
	a->port.emit(a->port.data, &r);
	if (f->mark)
		f->had_mark_change = 1;
	f->former = audit_slot_of_mark(a, f->mark);
	flow_live_count(a, f, -1);
	f->mark = mark;
	flow_live_count(a, f, 1);
}

/* Return whether to apply the event's mark. A DESTROY may lack the mark. A dump entry may be older
 * than an event that was read since the dump began. Labels need no such test, because a flow's
 * labels are added and never removed. */
static bool is_mark_news(const struct audit *a, const struct flow *f, const struct ct_event *ev)
{
	switch (ev->type) {
	case CT_DESTROY:
		return ev->mark & a->mask;
	case CT_DUMP:
		return !f->is_seen;
	default:
		return true;
	}
}

/* Set the start to the kernel's time. It is more exact than ours, because we read an event some
 * milliseconds late. If this would change the hour of the start, keep our time: waymark-export may
 * have sent the row already, and ClickHouse replaces a row only by a row whose start is in the same
 * hour. */
static void flow_set_started(struct flow *f, int64_t started_ms)
{
	if (started_ms / MS_PER_HOUR == (int64_t)f->started_ms / MS_PER_HOUR)
		f->started_ms = (uint64_t)started_ms;
}

void flow_apply(struct audit *a, flow_ref ref, const struct ct_event *ev, int64_t now_ms)
{
	struct flow *f = flows_get(a->flows, ref);

	if (is_mark_news(a, f, ev))
		flow_set_mark(a, f, ev->mark & a->mask, now_ms);
	flow_set_labels(a, f, ev);
	if (ev->status & (IPS_OFFLOAD | IPS_HW_OFFLOAD))
		f->is_offloaded = 1;
	if (ev->start_ns)
		flow_set_started(f, ev->start_ns / NS_PER_MS);
	mismatch_suspect(a, ref, ev->type == CT_DUMP, now_ms);
}

/* --- closed TCP connections ------------------------------------------------------- */

void flow_live_count(struct audit *a, const struct flow *f, int n)
{
	if (!f->is_closed)
		audit_live_count(a, f->mark, n);
}

/* Values of the kernel's enum tcp_conntrack. */
#define TCP_CLOSE_WAIT 5
#define TCP_TIME_WAIT  7
#define TCP_CLOSE      8

static void flow_set_closed(struct audit *a, struct flow *f, bool is_closed)
{
	flow_live_count(a, f, -1);
	a->stats.live -= !f->is_closed;
	f->is_closed = is_closed;
	flow_live_count(a, f, 1);
	a->stats.live += !f->is_closed;
}

/* A connection in TIME_WAIT or CLOSE has ended: it sends no more data. If an update shows a state
 * before CLOSE_WAIT again, the ports were reused for another connection, and the flow is live
 * again. */
void flow_apply_tcp(struct audit *a, flow_ref ref, const struct ct_event *ev, int64_t now_ms)
{
	bool is_closed = ev->tcp_state == TCP_TIME_WAIT || ev->tcp_state == TCP_CLOSE;
	struct flow *f = flows_get(a->flows, ref);

	if (ev->proto != IPPROTO_TCP || !ev->tcp_state || f->state != FLOW_LIVE)
		return;
	if (is_closed && !f->is_closed) {
		flow_set_closed(a, f, true);
		if (ev->type == CT_DUMP && ev->idle_ms > 0)
			now_ms -= ev->idle_ms;
		flow_emit(a, ref, ev, now_ms > (int64_t)f->started_ms ? now_ms : f->started_ms);
	} else if (f->is_closed && ev->type == CT_UPDATE && ev->tcp_state < TCP_CLOSE_WAIT) {
		flow_set_closed(a, f, false);
		flow_touch(a, ref);
	}
}

/* --- begin and end ----------------------------------------------------------- */

flow_ref flow_begin(struct audit *a, const struct ct_event *ev, int64_t now_ms)
{
	flow_ref ref = flows_add(a->flows, ev->proto, ev->zone, ev->tuple);
	struct flow *f;

	if (ref == FLOW_REF_NONE) {
		a->stats.untracked++;
		a->heard_since_ms = now_ms;
		return ref;
	}
	f = flows_get(a->flows, ref);
	f->ct_id = ev->id;
	f->id = ++a->ids.flow;
	f->started_ms = (uint64_t)(ev->start_ns ? ev->start_ns / NS_PER_MS : now_ms);
	f->mark = ev->mark & a->mask;
	f->former = SLOT_NONE;
	audit_live_count(a, f->mark, 1);
	a->stats.flows++;
	a->stats.live++;
	return ref;
}

static void flow_close(struct audit *a, struct flow *f, enum flow_state state, int64_t ended_ms)
{
	if (audit_is_in_gap(a, f, ended_ms))
		f->has_gap = 1;
	gaps_settle_end(a, f, ended_ms);
	flow_live_count(a, f, -1);
	a->stats.live -= !f->is_closed;
	f->state = state;
}

/* End a flow. A flow can be in one queue only: if it is still in the queue of flows to write,
 * changed_emit() calls flow_linger() later. */
static void flow_end(struct audit *a, flow_ref ref, const struct ct_event *ev, int64_t ended_ms)
{
	struct flow *f = flows_get(a->flows, ref);

	flow_close(a, f, FLOW_ENDED, ended_ms);
	sums_take_end(a, ref, ev);
	flow_emit(a, ref, ev, ended_ms);
	a->stats.verdicts[f->verdict]++;
	if (ev->has_counters && audit_slot_of_mark(a, f->mark) != SLOT_NONE)
		a->uplink_bytes[audit_slot_of_mark(a, f->mark)] += ev->bytes[0] + ev->bytes[1];
	if (!f->is_queued)
		flow_linger(a, ref);
}

/* Queue the row instead of emitting it at once: one dump may find a million lost flows. */
void flow_lose(struct audit *a, flow_ref ref)
{
	struct flow *f = flows_get(a->flows, ref);

	a->stats.lost++;
	sums_take_loss(a, ref);
	flow_touch(a, ref);
	flow_close(a, f, FLOW_LOST, 0);
}

/* --- the kinds of events ------------------------------------------------------ */

flow_ref flow_find(const struct audit *a, const struct ct_event *ev, enum flow_state state)
{
	flow_ref ref = flows_find(a->flows, ev, FLOW_REF_NONE);

	while (ref != FLOW_REF_NONE && flows_get(a->flows, ref)->state != state)
		ref = flows_find(a->flows, ev, ref);
	return ref;
}

/* If the entry's start is later than the start of f, the entry belongs to another flow. If the
 * entry's start is in the future, the clock has been set back since then, and the start decides
 * nothing. */
bool flow_is_other(const struct flow *f, const struct ct_event *ev, int64_t now_ms)
{
	int64_t start_ms = ev->start_ns / NS_PER_MS;

	return ev->start_ns && f->started_ms && start_ms <= now_ms + START_SLACK_MS &&
	       start_ms > (int64_t)f->started_ms + START_SLACK_MS;
}

/* Copy everything that is known about a lost flow from its former entry to f, its new entry in the
 * flow table. */
static void flow_inherit(struct flow *f, const struct flow *from)
{
	struct flow own = *f;

	*f = *from;
	f->next = own.next;
	f->link = own.link;
	f->shape = own.shape;
	f->state = FLOW_LIVE;
	f->is_queued = 0;
	f->verdict = VERDICT_NONE; /* its row says lost and must be written again */
}

/* A revived flow gets a new entry in the flow table, but keeps its id, so that its row in the
 * history is continued. The former entry is forgotten later, like that of an ended flow. */
flow_ref flow_revive(struct audit *a, const struct ct_event *ev, int64_t now_ms)
{
	flow_ref was = flow_find(a, ev, FLOW_LOST), ref;
	struct flow *f, *lost;

	if (was == FLOW_REF_NONE || flow_is_other(flows_get(a->flows, was), ev, now_ms))
		return FLOW_REF_NONE;
	ref = flows_add(a->flows, ev->proto, ev->zone, ev->tuple);
	if (ref == FLOW_REF_NONE)
		return ref;
	f = flows_get(a->flows, ref);
	lost = flows_get(a->flows, was);
	lost->state = FLOW_ENDED;
	flow_inherit(f, lost);
	f->has_gap = 1; /* more events of this flow may be missing */
	flow_live_count(a, f, 1);
	a->stats.lost--;
	a->stats.live += !f->is_closed;
	return ref;
}

static void take_update(struct audit *a, const struct ct_event *ev, int64_t now_ms)
{
	flow_ref ref = flow_find(a, ev, FLOW_LIVE);

	if (ref == FLOW_REF_NONE)
		ref = flow_revive(a, ev, now_ms);
	if (ref == FLOW_REF_NONE && duplicate_has_ended(a, ev)) {
		a->stats.duplicates++;
		return;
	}
	if (ref == FLOW_REF_NONE) {
		ref = flow_begin(a, ev, now_ms);
		if (ref == FLOW_REF_NONE)
			return;
		/* The flow's NEW event was missed, and events with labels may have been missed,
		 * too. */
		flows_get(a->flows, ref)->has_gap = 1;
	}
	flows_get(a->flows, ref)->is_seen = 1;
	flows_get(a->flows, ref)->is_from_dump = 0;
	flow_apply(a, ref, ev, now_ms);
	flow_apply_tcp(a, ref, ev, now_ms);
	flow_touch(a, ref);
}

static void take_new(struct audit *a, const struct ct_event *ev, int64_t now_ms)
{
	flow_ref ref = flow_find(a, ev, FLOW_LIVE);
	struct flow *f = ref == FLOW_REF_NONE ? NULL : flows_get(a->flows, ref);

	if (!f && duplicate_has_ended(a, ev)) {
		a->stats.duplicates++;
		return;
	}
	if (f && !f->is_from_dump) {
		if (duplicate_is_begin(a, f, ev)) {
			a->stats.duplicates++;
			take_update(a, ev, now_ms);
			return;
		}
		/* The DESTROY of the previous flow with this id and tuple was missed. */
		flow_lose(a, ref);
		ref = FLOW_REF_NONE;
	}
	if (ref == FLOW_REF_NONE)
		ref = flow_begin(a, ev, now_ms);
	if (ref == FLOW_REF_NONE)
		return;
	f = flows_get(a->flows, ref);
	f->is_from_dump = 0;
	f->is_seen = 1;
	flow_apply(a, ref, ev, now_ms);
	f->is_born_astray = mismatch_is_suspect(a, f);
	drain_check(a, ref, ev, now_ms);
	unasked_note(a, f, ev);
	flow_touch(a, ref);
}

static int64_t stop_ms(const struct ct_event *ev, int64_t now_ms)
{
	return ev->stop_ns ? ev->stop_ns / NS_PER_MS : now_ms;
}

/* Set the end of a flow that was given up as lost and whose DESTROY has been read now. A flow that
 * expires during a dump may be missing from the dump before its DESTROY is read. In that case no
 * event was missed, so has_gap is not set. */
static void lost_found(struct audit *a, flow_ref ref, const struct ct_event *ev, int64_t now_ms)
{
	struct flow *f = flows_get(a->flows, ref);

	a->stats.lost--;
	f->state = FLOW_ENDED;
	f->is_flushed = ev->is_flushed;
	sums_take_end(a, ref, ev);
	flow_emit(a, ref, ev, stop_ms(ev, now_ms));
	if (f->is_queued) /* changed_emit() has not counted it as lost */
		a->stats.verdicts[f->verdict]++;
}

/* The flow table has no room for the flow of this DESTROY: write its row from the DESTROY alone. */
static void emit_untracked_end(struct audit *a, const struct ct_event *ev, int64_t now_ms)
{
	struct record r = {.type = RECORD_FLOW};

	r.flow = (struct flow_record){
		.id = ++a->ids.flow,
		.started_ms = ev->start_ns / NS_PER_MS,
		.ended_ms = stop_ms(ev, now_ms),
		.state = FLOW_ENDED,
		.proto = ev->proto,
		.zone = ev->zone,
		.ct_id = ev->id,
		.tuple = {ev->tuple[0], ev->tuple[1]},
		.mark = ev->mark & a->mask,
		.uplink = audit_slot_of_mark(a, ev->mark & a->mask),
		.ingress = SLOT_NONE,
		.verdict = VERDICT_UNKNOWN,
		.reason = ev->is_flushed ? REASON_UPLINK_DOWN_FLUSH : REASON_GAP,
		.has_counters = ev->has_counters,
		.packets = {ev->packets[0], ev->packets[1]},
		.bytes = {ev->bytes[0], ev->bytes[1]},
	};
	a->port.emit(a->port.data, &r);
	a->stats.verdicts[VERDICT_UNKNOWN]++;
}

/* Return whether this DESTROY is about an earlier flow with the same id and tuple as f. A dump may
 * show f before the DESTROY of the earlier flow is read. */
static bool is_successor(const struct flow *f, const struct ct_event *ev)
{
	return f->is_from_dump && ev->start_ns && f->started_ms &&
	       (int64_t)f->started_ms != ev->start_ns / NS_PER_MS;
}

static void take_destroy(struct audit *a, const struct ct_event *ev, int64_t now_ms)
{
	flow_ref ref = flow_find(a, ev, FLOW_LIVE);

	if (ref != FLOW_REF_NONE && is_successor(flows_get(a->flows, ref), ev))
		ref = FLOW_REF_NONE;
	if (ref == FLOW_REF_NONE) {
		ref = flow_find(a, ev, FLOW_LOST);
		if (ref != FLOW_REF_NONE) {
			lost_found(a, ref, ev, now_ms);
			return;
		}
		if (duplicate_is_end(a, ev, now_ms)) {
			a->stats.duplicates++;
			return;
		}
		ref = flow_begin(a, ev, now_ms);
		if (ref == FLOW_REF_NONE) {
			emit_untracked_end(a, ev, now_ms);
			return;
		}
		flows_get(a->flows, ref)->has_gap = 1;
		if (!ev->start_ns)
			flows_get(a->flows, ref)->started_ms = 0;
	}
	flow_apply(a, ref, ev, now_ms);
	flows_get(a->flows, ref)->is_flushed = ev->is_flushed;
	flow_end(a, ref, ev, stop_ms(ev, now_ms));
}

void audit_marked(struct audit *a, const struct ct_event *ev, uint32_t mark, bool is_entered,
		  int64_t now_ms)
{
	flow_ref ref = flow_find(a, ev, FLOW_LIVE);

	if (ref == FLOW_REF_NONE)
		return;
	sums_take_back(a, ref, ev);
	flow_set_mark(a, flows_get(a->flows, ref), mark & a->mask, now_ms);
	if (is_entered)
		flow_set_entered(a, flows_get(a->flows, ref));
	sums_take_entry(a, ref, ev);
	flow_touch(a, ref);
}

void audit_ct_event(struct audit *a, const struct ct_event *ev, int64_t now_ms)
{
	switch (ev->type) {
	case CT_NEW:
		a->stats.events++;
		take_new(a, ev, now_ms);
		break;
	case CT_UPDATE:
		a->stats.events++;
		take_update(a, ev, now_ms);
		break;
	case CT_DESTROY:
		a->stats.events++;
		/* event_ms is the current time, not the flow's end, because the kernel may notice
		 * the end long after it. */
		a->event_ms = now_ms;
		take_destroy(a, ev, now_ms);
		a->event_ms = 0;
		break;
	case CT_DUMP:
		dump_take(a, ev, now_ms);
		break;
	}
}

void audit_ct_entries(struct audit *a, const struct ct_event *entries, size_t n, int64_t now_ms)
{
	flows_prefetch(a->flows, entries, n);
	for (size_t i = 0; i < n; i++)
		audit_ct_event(a, &entries[i], now_ms);
}

int64_t audit_live_id(const struct audit *a, const struct ct_event *ev)
{
	flow_ref ref = flow_find(a, ev, FLOW_LIVE);

	return ref == FLOW_REF_NONE ? 0 : flows_get(a->flows, ref)->id;
}

void audit_stats(const struct audit *a, struct audit_stats *out)
{
	*out = a->stats;
	out->pending = a->n_pending;
	out->gaps_open = a->gaps.n_open;
	out->bytes = flows_bytes(a->flows);
}
