/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_mismatch.c - mismatches: one a flow, direction and uplink, whether a
 * label, a logged packet or both prove it, in whatever order they come.
 */
#include <stdlib.h>

#include "audit_internal.h"

static struct mismatch **bucket_of(struct audit *a, flow_ref ref)
{
	return &a->mismatches[ref % MISMATCH_BUCKETS];
}

/* A label does not know the direction for sure, so a packet that proves the
 * same uplink makes the label's mismatch its own. */
static struct mismatch *mismatch_find(struct audit *a, flow_ref ref, int direction, uint8_t egress)
{
	for (struct mismatch *m = *bucket_of(a, ref); m; m = m->next) {
		if (m->flow != ref || m->record.egress != egress)
			continue;
		if (direction < 0 || (int)m->record.direction == direction ||
		    m->record.evidence == EVIDENCE_LABEL)
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

/* Why: the flow's own history first, then what the packet shows, then what the
 * kernel has now. */
static enum reason reason_find(struct audit *a, const struct flow *f, uint8_t expected,
			       const struct endpoints tuple[2], const struct nflog_packet *p)
{
	if (f->had_mark_change)
		return REASON_MARK_CHANGED;
	if (p && (p->mark & a->mask) != f->mark)
		return REASON_RESTORE_MISSING;
	if (!a->port.diagnose)
		return REASON_UNEXPLAINED;
	return a->port.diagnose(a->port.data, expected, tuple[DIR_ORIGINAL].src.family);
}

static void mismatch_announce(struct audit *a, flow_ref ref, const struct mismatch *m)
{
	const struct flow *f = flowtable_get(a->flows, ref);
	struct record row = { .type = RECORD_MISMATCH, .mismatch = m->record };
	struct flow_record r = {
		.id = f->id,
		.started_ms = f->started_ms,
		.proto = f->proto,
		.mark = f->mark,
		.uplink = m->record.expected,
		.ingress = f->ingress,
		.egress = { flow_egress(a, f, DIR_ORIGINAL), flow_egress(a, f, DIR_REPLY) },
		.verdict = VERDICT_MISMATCH,
		.reason = m->record.reason,
	};

	flow_emit(a, ref, NULL, 0);
	a->port.emit(a->port.data, &row);
	flowtable_tuples(a->flows, ref, r.tuple);
	a->port.alert(a->port.data, &r, &m->record);
}

static struct mismatch *mismatch_new(struct audit *a, flow_ref ref, enum direction d,
				     uint8_t egress, const struct nflog_packet *p, int64_t now_ms)
{
	struct mismatch *m = calloc(1, sizeof(*m));
	struct flow *f = flowtable_get(a->flows, ref);
	uint8_t expected = audit_slot_of_mark(a, f->mark);
	struct endpoints tuple[2];

	if (!m)
		return NULL;
	flowtable_tuples(a->flows, ref, tuple);
	m->flow = ref;
	m->record = (struct mismatch_record){
		.id = ++a->ids.mismatch,
		.time_ms = now_ms,
		.flow_id = f->id,
		.proto = f->proto,
		.tuple = tuple[DIR_ORIGINAL],
		.direction = d,
		.mark = f->mark,
		.expected = expected,
		.egress = egress,
		.reason = reason_find(a, f, expected, tuple, p),
		.evidence = p ? EVIDENCE_NFLOG : EVIDENCE_LABEL,
		.packets = p ? 1 : 0,
	};
	m->next = *bucket_of(a, ref);
	*bucket_of(a, ref) = m;
	f->had_mismatch = 1;
	f->reason = m->record.reason;
	flow_set_add(a, &f->reported, UINT64_C(1) << egress);
	a->stats.mismatches++;
	a->uplink_mismatches[expected]++;
	mismatch_announce(a, ref, m);
	return m;
}

static bool is_reported(const struct audit *a, flow_ref ref, uint8_t egress)
{
	const struct flow *f = flowtable_get(a->flows, ref);

	return flowtable_set(a->flows, f->reported) >> egress & 1;
}

void mismatch_add_packet(struct audit *a, flow_ref ref, enum direction d, uint8_t egress,
			 const struct nflog_packet *p, int64_t now_ms)
{
	struct mismatch *m = mismatch_find(a, ref, (int)d, egress);

	if (!m) {
		/* One that an earlier run has recorded is not recorded again. */
		if (!is_reported(a, ref, egress) || mismatch_find(a, ref, -1, egress))
			mismatch_new(a, ref, d, egress, p, now_ms);
		return;
	}
	if (m->record.evidence == EVIDENCE_LABEL) {
		m->record.evidence = EVIDENCE_NFLOG;
		m->record.direction = d;
	}
	m->record.packets++;
	mismatch_set_dirty(a, m);
}

void mismatch_check(struct audit *a, flow_ref ref, int64_t now_ms)
{
	const struct flow *f = flowtable_get(a->flows, ref);
	enum direction d = f->is_entered ? DIR_REPLY : DIR_ORIGINAL;
	uint8_t uplink = audit_slot_of_mark(a, f->mark);
	uint64_t wrong;

	if (uplink == SLOT_NONE)
		return;
	wrong = flow_egress(a, f, d) & ~(UINT64_C(1) << uplink) &
		~flowtable_set(a->flows, f->reported);
	for (; wrong; wrong &= wrong - 1) {
		uint8_t egress = (uint8_t)__builtin_ctzll(wrong);

		mismatch_new(a, ref, d, egress, NULL, now_ms);
	}
}

/* Unlinked from the dirty list by writing it: nothing that was counted is lost. */
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

void mismatch_emit_dirty(struct audit *a)
{
	while (a->dirty) {
		struct mismatch *m = a->dirty;
		struct record r = { .type = RECORD_MISMATCH, .mismatch = m->record };

		a->dirty = m->next_dirty;
		m->is_dirty = false;
		a->port.emit(a->port.data, &r);
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
