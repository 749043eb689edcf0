/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_mismatch.c - records mismatches: one per flow, direction and egress. The evidence is a
 * label, a logged packet or both, in any order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit_internal.h"

static struct mismatch **bucket_of(struct audit *a, flow_ref ref)
{
	return &a->mismatches[ref % MISMATCH_BUCKETS];
}

/* Return the flow's mismatch that has this direction (below 0: any direction) and this egress. A
 * label does not show the direction for certain, so a packet of either direction matches a mismatch
 * that only a label has shown. */
static struct mismatch *mismatch_find(struct audit *a, flow_ref ref, int direction,
				      struct egress egress)
{
	for (struct mismatch *m = *bucket_of(a, ref); m; m = m->next) {
		if (m->flow != ref || m->record.egress != egress.slot ||
		    m->record.other_egress != egress.other)
			continue;
		if (direction < 0 || (int)m->record.direction == direction ||
		    m->record.evidence == EVIDENCE_EGRESS_SEEN)
			return m;
	}
	return NULL;
}

static void mismatch_set_dirty(struct audit *a, struct mismatch *m)
{
	if (m->is_dirty)
		return;
	m->is_dirty = true;
	m->next_dirty = a->dirty;
	a->dirty = m;
}

/* Evidence of a mismatch. p is the logged packet, or NULL if there is only a label. is_old: the
 * label comes from a dump, so it may have been set before any event was received. */
struct clue {
	enum direction direction;
	struct egress egress;
	const struct stray_packet *p;
	bool is_old;
	const char *undrained; /* the reason is REASON_NOT_DRAINED, and this is the rule or route
				* that led the flow there, or ""; NULL: the reason is another one */
};

static enum reason diagnose(struct audit *a, flow_ref ref, const struct clue *c, bool is_marked,
			    char object[OBJECT_MAX])
{
	const struct flow *f = flows_get(a->flows, ref);
	struct audit_stray stray = {
		.expected = audit_slot_of_mark(a, f->mark),
		.is_marked = is_marked,
		.mark = c->p ? c->p->mark : f->mark,
		.iifindex = c->p ? c->p->iifindex : 0,
		.proto = f->proto,
	};
	struct endpoints tuple[2];

	if (!a->port.diagnose)
		return REASON_UNEXPLAINED;
	flows_tuples(a->flows, ref, tuple);
	stray.src = tuple[c->direction].src;
	stray.dst = tuple[!c->direction].src;
	stray.sport = tuple[c->direction].sport;
	stray.dport = tuple[!c->direction].sport;
	return a->port.diagnose(a->port.data, &stray, object);
}

/* Return whether the flow's first packet left by this uplink: the flow's NEW event already had the
 * label. No mark could be restored to that packet, because the flow had no mark yet. */
static bool is_first_packet(const struct audit *a, const struct flow *f, uint8_t egress)
{
	return f->is_born_astray && egress < UPLINKS_MAX &&
	       (flows_set(a->flows, f->egress_seen) >> egress & 1);
}

/* Return the reason of a mismatch, and set `object` to the rule or route that is the cause, or to
 * "". The first case that applies decides:
 * - The clue names the reason (`undrained`).
 * - The flow's previous mark named the egress: the mark was changed.
 * - Rules, routes or links show the reason (diagnose()).
 * - The packet's mark differs from the flow's mark: the mark was not restored. If the packet was
 *   the flow's first, there was no mark to restore: the mark was changed later.
 * - There is a new label, but no logged packet: the mark was changed. If the mark had not named the
 *   egress when the packet left, the rules would have logged the packet. A label from a dump
 *   (is_old) decides nothing. */
static enum reason reason_find(struct audit *a, flow_ref ref, const struct clue *c,
			       char object[OBJECT_MAX])
{
	const struct flow *f = flows_get(a->flows, ref);
	bool is_marked = !c->p || (c->p->mark & a->mask) == f->mark;
	enum reason reason;

	snprintf(object, OBJECT_MAX, "%s", c->undrained ? c->undrained : "");
	if (c->undrained)
		return REASON_NOT_DRAINED;
	if (c->egress.slot != SLOT_NONE && f->former == c->egress.slot)
		return REASON_MARK_CHANGED;
	reason = diagnose(a, ref, c, is_marked, object);
	if (reason != REASON_UNEXPLAINED)
		return reason;
	if (!is_marked)
		return is_first_packet(a, f, c->egress.slot) ? REASON_MARK_CHANGED
							     : REASON_RESTORE_MISSING;
	return c->p || c->is_old ? REASON_UNEXPLAINED : REASON_MARK_CHANGED;
}

static void mismatch_tell(struct audit *a, struct mismatch *m)
{
	const struct flow *f = flows_get(a->flows, m->flow);
	struct flow_record r = {
		.id = f->id,
		.started_ms = f->started_ms,
		.state = f->state,
		.proto = f->proto,
		.zone = f->zone,
		.ct_id = f->ct_id,
		.mark = f->mark,
		.uplink = m->record.expected,
		.ingress = f->is_entered ? f->ingress : SLOT_NONE,
		.egress = {flow_egress(a, f, DIR_ORIGINAL), flow_egress(a, f, DIR_REPLY)},
		.other_egress = {flows_set(a->flows, f->other[0]),
				 flows_set(a->flows, f->other[1])},
		.verdict = VERDICT_MISMATCH,
		.reason = m->record.reason,
	};

	m->reported = m->record.reason;
	flows_tuples(a->flows, m->flow, r.tuple);
	a->port.alert(a->port.data, &r, &m->record);
}

static void mismatch_announce(struct audit *a, struct mismatch *m)
{
	struct record row = {.type = RECORD_MISMATCH, .mismatch = m->record};

	flow_emit(a, m->flow, NULL, 0);
	a->port.emit(a->port.data, &row);
	mismatch_tell(a, m);
}

static struct mismatch *mismatch_new(struct audit *a, flow_ref ref, const struct clue *c,
				     int64_t now_ms)
{
	struct mismatch *m = calloc(1, sizeof(*m));
	struct flow *f = flows_get(a->flows, ref);
	uint8_t expected = audit_slot_of_mark(a, f->mark);
	struct endpoints tuple[2];

	if (!m)
		return NULL;
	flows_tuples(a->flows, ref, tuple);
	m->flow = ref;
	m->record = (struct mismatch_record){
		.id = ++a->ids.mismatch,
		.time_ms = now_ms,
		.flow_id = f->id,
		.proto = f->proto,
		.tuple = tuple[DIR_ORIGINAL],
		.direction = c->direction,
		.mark = f->mark,
		.expected = expected,
		.egress = c->egress.slot,
		.other_egress = c->egress.other,
		.evidence = c->p ? EVIDENCE_STRAY_PACKET : EVIDENCE_EGRESS_SEEN,
		.packets = c->p ? 1 : 0,
	};
	m->record.reason = reason_find(a, ref, c, m->record.object);
	m->next = *bucket_of(a, ref);
	*bucket_of(a, ref) = m;
	f->had_mismatch = 1;
	f->reason = m->record.reason;
	if (c->egress.slot != SLOT_NONE)
		flow_set_add(a, &f->reported, UINT64_C(1) << c->egress.slot);
	a->stats.mismatches++;
	a->uplink_mismatches[expected]++;
	a->uplink_reasons[expected][m->record.reason]++;
	mismatch_announce(a, m);
	return m;
}

void mismatch_add_undrained(struct audit *a, flow_ref ref, uint8_t slot, const char *object,
			    int64_t now_ms)
{
	struct clue clue = {
		.direction = DIR_ORIGINAL,
		.egress.slot = slot,
		.undrained = object,
	};

	mismatch_new(a, ref, &clue, now_ms);
}

static bool is_reported(const struct audit *a, flow_ref ref, struct egress egress)
{
	const struct flow *f = flows_get(a->flows, ref);

	return egress.slot != SLOT_NONE && flows_set(a->flows, f->reported) >> egress.slot & 1;
}

/* Complete a mismatch that only a label has shown. The clue is a logged packet of the same flow and
 * egress. Unlike a label, it shows the direction and the packet mark, and the mark may show the
 * reason. */
static void mismatch_prove(struct audit *a, struct mismatch *m, const struct clue *c)
{
	char object[OBJECT_MAX];
	enum reason reason = reason_find(a, m->flow, c, object);

	m->record.evidence = EVIDENCE_STRAY_PACKET;
	m->record.direction = c->direction;
	/* If no reason is found now, keep the former one. But REASON_MARK_CHANGED may have been
	 * concluded from the missing packet: replace it. */
	if (reason != REASON_UNEXPLAINED || m->record.reason == REASON_MARK_CHANGED) {
		m->record.reason = reason;
		memcpy(m->record.object, object, sizeof(object));
	}
	flows_get(a->flows, m->flow)->reason = m->record.reason;
}

void mismatch_add_packet(struct audit *a, flow_ref ref, enum direction d, struct egress egress,
			 const struct stray_packet *p, int64_t now_ms)
{
	struct clue clue = {.direction = d, .egress = egress, .p = p};
	struct mismatch *m = mismatch_find(a, ref, (int)d, egress);

	if (!m) {
		/* Do not record a mismatch that a former run of waymarkd has recorded. */
		if (!is_reported(a, ref, egress) || mismatch_find(a, ref, -1, egress))
			mismatch_new(a, ref, &clue, now_ms);
		return;
	}
	if (m->record.evidence == EVIDENCE_EGRESS_SEEN)
		mismatch_prove(a, m, &clue);
	m->record.packets++;
	mismatch_set_dirty(a, m);
}

/* Return the uplinks that evidence shows as egress, except the uplink of the mark and the uplinks
 * whose mismatch is already recorded. */
static uint64_t labels_wrong(const struct audit *a, const struct flow *f, enum direction d)
{
	uint8_t uplink = audit_slot_of_mark(a, f->mark);

	if (uplink == SLOT_NONE)
		return 0;
	return flow_egress(a, f, d) & ~(UINT64_C(1) << uplink) & ~flows_set(a->flows, f->reported);
}

static void mismatch_check(struct audit *a, flow_ref ref, bool is_old, int64_t now_ms)
{
	const struct flow *f = flows_get(a->flows, ref);
	struct clue clue = {.direction = f->is_entered ? DIR_REPLY : DIR_ORIGINAL,
			    .is_old = is_old};
	uint64_t wrong = labels_wrong(a, f, clue.direction);

	for (; wrong; wrong &= wrong - 1) {
		clue.egress.slot = (uint8_t)__builtin_ctzll(wrong);
		mismatch_new(a, ref, &clue, now_ms);
	}
}

bool mismatch_is_suspect(const struct audit *a, const struct flow *f)
{
	return labels_wrong(a, f, f->is_entered ? DIR_REPLY : DIR_ORIGINAL) != 0;
}

void mismatch_suspect(struct audit *a, flow_ref ref, bool is_old, int64_t now_ms)
{
	if (!mismatch_is_suspect(a, flows_get(a->flows, ref)))
		return;
	if (is_old || a->n_suspects == SUSPECTS_MAX)
		mismatch_check(a, ref, is_old, now_ms);
	else
		a->suspects[a->n_suspects++] = ref;
}

void mismatch_settle(struct audit *a, int64_t now_ms)
{
	for (unsigned i = 0; i < a->n_suspects; i++)
		mismatch_check(a, a->suspects[i], false, now_ms);
	a->n_suspects = 0;
}

/* Forget the mismatches of a flow. Write all dirty mismatches first, so that no packet count is
 * lost and the dirty list has no pointer to freed memory. */
void mismatch_forget(struct audit *a, flow_ref ref)
{
	struct mismatch **at = bucket_of(a, ref);

	if (!*at)
		return;
	mismatch_emit_dirty(a);
	while (*at) {
		struct mismatch *m = *at;

		if (m->flow != ref) {
			at = &m->next;
			continue;
		}
		*at = m->next;
		free(m);
	}
}

/* Call when more packets of a mismatch were seen. If its alert is over, raise another one. */
static void mismatch_go_on(struct audit *a, struct mismatch *m)
{
	struct mismatch_record reported = m->record;

	reported.reason = m->reported;
	if (a->port.goes_on && !a->port.goes_on(a->port.data, &reported))
		mismatch_tell(a, m);
}

void mismatch_emit_dirty(struct audit *a)
{
	while (a->dirty) {
		struct mismatch *m = a->dirty;
		struct record r = {.type = RECORD_MISMATCH, .mismatch = m->record};

		a->dirty = m->next_dirty;
		m->is_dirty = false;
		a->port.emit(a->port.data, &r);
		mismatch_go_on(a, m);
	}
}

void mismatch_free_all(struct audit *a)
{
	for (unsigned i = 0; i < MISMATCH_BUCKETS; i++) {
		while (a->mismatches[i]) {
			struct mismatch *m = a->mismatches[i];

			a->mismatches[i] = m->next;
			free(m);
		}
	}
}

bool audit_is_live(const struct audit *a, const struct ct_event *entry, int64_t flow_id)
{
	flow_ref ref = flows_find(a->flows, entry, FLOW_REF_NONE);
	const struct flow *f;

	for (; ref != FLOW_REF_NONE; ref = flows_find(a->flows, entry, ref)) {
		f = flows_get(a->flows, ref);
		if (f->id == flow_id)
			return f->state == FLOW_LIVE;
	}
	return false;
}
