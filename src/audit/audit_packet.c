/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_packet.c - finds the flow of each logged packet. A packet whose flow is not known waits for
 * an event of its flow.
 *
 * The rules log a packet because its flow's mark does not name the uplink that the packet leaves
 * by. Therefore a flow whose mark names that uplink does not match: the packet belongs to another
 * flow, or the mark has changed and we have not read the event yet.
 *
 * If a packet of a masqueraded flow strays, the kernel deletes the flow's conntrack entry. The
 * sender's next packet begins another flow with the same addresses, and may stray, too. So several
 * such flows may begin and end before we read a single event. Therefore, if the matching flow
 * already has evidence of this egress, the packet waits for a later flow with the same addresses.
 * This is not needed if the message contains the conntrack id (NFULA_CT). A packet in transit waits
 * in any case: the rules log one packet per flow in transit, so a second packet shows that another
 * flow uses the same ports.
 */
#include <string.h>

#include "audit/audit_internal.h"

/* If a flow's mark does not match a packet, packet_force() gives the packet to the flow only if the
 * flow was at least this old when the packet arrived. */
#define FORCE_AGE_MS 100

/* match_successor() ignores a flow that began more than this long after the packet arrived. */
#define REPEAT_LATE_MS 100

struct match {
	flow_ref ref;
	enum direction direction;
	unsigned n; /* number of flows that match as well as `ref` does */
	unsigned fit;
	int64_t first_id; /* id of the oldest matching flow */
	bool is_proven;	  /* the flow already has evidence of this egress */
};

/* Return whether the rules could have logged the packet p, which left by `egress`, if it belongs to
 * the flow f. */
static bool is_fitting(const struct audit *a, const struct flow *f, const struct stray_packet *p,
		       struct egress egress)
{
	switch (p->kind) {
	case STRAY_UNMARKED:
		return f->mark == 0;
	case STRAY_TRANSIT:
		return f->is_entered;
	case STRAY_ELSEWHERE:
		return audit_slot_of_mark(a, f->mark) != SLOT_NONE;
	default:
		return f->mark != 0 && audit_slot_of_mark(a, f->mark) != egress.slot;
	}
}

/* Return whether the flow began more than by_ms after the packet arrived. If it began CLOCK_SET_MS
 * or more after the packet, the clock was set: return false. */
static bool has_begun_after(const struct flow *f, const struct pending_packet *w, int64_t by_ms)
{
	int64_t after_ms = (int64_t)f->started_ms - w->arrived_ms;

	return after_ms > by_ms && after_ms < CLOCK_SET_MS;
}

/* fit() returns 0 if the packet cannot belong to the flow. Otherwise it returns 1, plus FIT_MARK if
 * the flow has the packet's mark, plus 1 if the flow is live. Thus an ended flow with the packet's
 * mark fits better than a live flow with another mark. */
#define FIT_MARK 2

static unsigned fit(const struct audit *a, const struct flow *f, const struct pending_packet *w)
{
	const struct stray_packet *p = &w->packet;

	if (!is_fitting(a, f, p, w->egress))
		return 0;
	return 1 + (f->state == FLOW_LIVE) + FIT_MARK * ((p->mark & a->mask) == f->mark);
}

static bool is_marked(unsigned fit)
{
	return fit > FIT_MARK;
}

static struct match match_best(const struct audit *a, const struct pending_packet *w,
			       bool is_proven_wanted)
{
	struct match best = {.ref = FLOW_REF_NONE};
	enum direction d;

	for (flow_ref ref = flows_find_packet(a->flows, &w->packet, FLOW_REF_NONE, &d);
	     ref != FLOW_REF_NONE; ref = flows_find_packet(a->flows, &w->packet, ref, &d)) {
		const struct flow *f = flows_get(a->flows, ref);
		unsigned this_fit = fit(a, f, w);

		if (!this_fit || (is_proven_wanted && !flow_has_left(a, f, d, w->egress)))
			continue;
		if (this_fit == best.fit)
			best.n++;
		if (this_fit > best.fit)
			best = (struct match){.ref = ref, .direction = d, .n = 1, .fit = this_fit};
		if (!best.first_id || f->id < best.first_id)
			best.first_id = f->id;
	}
	best.is_proven = is_proven_wanted;
	return best;
}

/* The flow proven->ref matches, but already has evidence. If it has ended, the packet may belong to
 * a later flow with the same addresses. Return the oldest such flow that has no evidence: each
 * stray packet ended its flow, so packets arrive in the order of their flows. Consider only flows
 * that began after the oldest flow with evidence (proven->first_id). */
static struct match match_successor(const struct audit *a, const struct pending_packet *w,
				    const struct match *proven)
{
	struct match oldest = {.ref = FLOW_REF_NONE};
	enum direction d;

	if (flows_get(a->flows, proven->ref)->state == FLOW_LIVE)
		return oldest;
	for (flow_ref ref = flows_find_packet(a->flows, &w->packet, FLOW_REF_NONE, &d);
	     ref != FLOW_REF_NONE; ref = flows_find_packet(a->flows, &w->packet, ref, &d)) {
		const struct flow *f = flows_get(a->flows, ref);
		unsigned this_fit = fit(a, f, w);

		if (!this_fit || is_marked(this_fit) != is_marked(proven->fit) ||
		    flow_has_left(a, f, d, w->egress) || f->id < proven->first_id ||
		    has_begun_after(f, w, REPEAT_LATE_MS))
			continue;
		if (!oldest.n || f->id < oldest.first_id)
			oldest = (struct match){.ref = ref,
						.direction = d,
						.n = 1,
						.fit = this_fit,
						.first_id = f->id};
	}
	return oldest;
}

static bool is_against_mark(const struct stray_packet *p)
{
	return p->kind == STRAY_MISMATCH || p->kind == STRAY_ELSEWHERE;
}

/* Return whether a packet that matches a flow with evidence might belong to another flow. A packet
 * in transit might, because the rules log only one packet per flow in transit. A packet that left
 * against the mark might, if its conntrack id is unknown. If the id is known, return false: the
 * kernel reuses ids, but the rules log several such packets per flow, so most of them belong to the
 * flow with this id. */
static bool has_rivals(const struct stray_packet *p)
{
	return p->kind == STRAY_TRANSIT || (is_against_mark(p) && !p->has_ct_id);
}

static struct match match_find(const struct audit *a, const struct pending_packet *w)
{
	struct match best = match_best(a, w, false), proven, successor;

	if (!best.n || !has_rivals(&w->packet))
		return best;
	proven = match_best(a, w, true);
	if (!proven.n || is_marked(proven.fit) != is_marked(best.fit))
		return best;
	successor = match_successor(a, w, &proven);
	return successor.n ? successor : proven;
}

static void packet_give(struct audit *a, const struct match *m, const struct pending_packet *w,
			int64_t now_ms)
{
	struct flow *f = flows_get(a->flows, m->ref);
	bool is_news;

	if (m->n > 1)
		a->stats.ambiguous++;
	is_news = flow_note_egress(a, f, m->direction, w->egress);
	if (is_against_mark(&w->packet) && audit_slot_of_mark(a, f->mark) != SLOT_NONE &&
	    (m->direction == DIR_REPLY || !f->is_entered))
		mismatch_add_packet(a, m->ref, m->direction, w->egress, &w->packet, now_ms);
	if (is_news) {
		f->is_disowned = 0;
		flow_touch(a, m->ref);
	}
}

/* Give a packet to its flow. Return false if the packet must wait: no flow matches yet, or the flow
 * already has evidence and the packet is not due. */
static bool packet_take(struct audit *a, const struct pending_packet *w, bool is_due,
			int64_t now_ms)
{
	struct match m = match_find(a, w);

	if (m.ref == FLOW_REF_NONE)
		return false;
	if (m.is_proven && !is_due)
		return false;
	packet_give(a, &m, w, now_ms);
	return true;
}

static void packet_wait_or_take(struct audit *a, const struct stray_packet *p, struct egress egress,
				int64_t now_ms)
{
	struct pending_packet w = {
		.packet = *p,
		.egress = egress,
		.arrived_ms = now_ms,
		.due_tick = a->ticks + PENDING_TICKS,
	};
	bool is_full = a->n_pending == PENDING_MAX;

	if (packet_take(a, &w, is_full, now_ms))
		return;
	if (is_full)
		a->stats.orphans++;
	else
		a->pending[a->n_pending++] = w;
}

void audit_packet(struct audit *a, const struct stray_packet *p, uint8_t egress, int64_t now_ms)
{
	a->stats.packets++;
	if (p->kind == STRAY_FLOWLESS && egress < UPLINKS_MAX && !p->is_icmp_error)
		a->flowless[egress] = *p;
	if (p->kind == STRAY_FLOWLESS || p->kind == STRAY_ELSEWHERE || p->kind == STRAY_OTHER ||
	    egress >= UPLINKS_MAX)
		return;
	packet_wait_or_take(a, p, (struct egress){.slot = egress}, now_ms);
}

void audit_packet_elsewhere(struct audit *a, const struct stray_packet *p, const char *ifname,
			    int64_t now_ms)
{
	struct egress egress = {.slot = SLOT_NONE};

	a->stats.packets++;
	if (p->kind != STRAY_ELSEWHERE)
		return;
	egress.other = audit_interface(a, ifname);
	packet_wait_or_take(a, p, egress, now_ms);
}

/* Match a flow by everything but its mark: another process may have changed the mark for this
 * packet and changed it back without an event. The packet is still evidence. */
static bool packet_force(struct audit *a, const struct pending_packet *w, int64_t now_ms)
{
	enum direction d;
	flow_ref ref = flows_find_packet(a->flows, &w->packet, FLOW_REF_NONE, &d);
	struct flow *f;

	if (ref == FLOW_REF_NONE || w->packet.kind != STRAY_MISMATCH)
		return false;
	f = flows_get(a->flows, ref);
	if (audit_slot_of_mark(a, f->mark) == SLOT_NONE || (d == DIR_ORIGINAL && f->is_entered))
		return false;
	/* A flow that began less than FORCE_AGE_MS before the packet, or after it, is a successor
	 * of the packet's flow. */
	if (has_begun_after(f, w, -FORCE_AGE_MS))
		return false;
	f->had_mark_change = 1;
	f->former = w->egress.slot;
	flow_note_egress(a, f, d, w->egress);
	mismatch_add_packet(a, ref, d, w->egress, &w->packet, now_ms);
	flow_touch(a, ref);
	return true;
}

/* Match the waiting packets again. Between ticks (SETTLE_SOME), match only a few of them, so that a
 * flood of packets without a flow does not delay events. A packet that is due and matches no flow
 * is dropped. If `how` is SETTLE_LAST, all waiting packets are due. */
void pending_settle(struct audit *a, int64_t now_ms, enum settle how)
{
	uint32_t n = a->n_pending, kept = 0;
	uint32_t tries = how != SETTLE_SOME ? n : (n < 64 ? n : 64);

	for (uint32_t i = 0; i < n; i++) {
		struct pending_packet *w = &a->pending[i];
		bool is_due = how == SETTLE_LAST || (how == SETTLE_TICK && w->due_tick <= a->ticks);

		if (i < tries && packet_take(a, w, is_due, now_ms))
			continue;
		if (is_due) {
			if (!packet_force(a, w, now_ms))
				a->stats.orphans++;
			continue;
		}
		if (kept != i)
			a->pending[kept] = *w;
		kept++;
	}
	a->n_pending = kept;
}

void audit_settle(struct audit *a, int64_t now_ms)
{
	if (a->n_pending)
		pending_settle(a, now_ms, SETTLE_SOME);
	mismatch_settle(a, now_ms);
}

bool audit_is_in_doubt(const struct audit *a)
{
	return a->n_suspects > 0;
}
