/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_uplinks.c - what the marks and addresses mean: which uplink they are of,
 * now and, for flows that a reload left behind, before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit_internal.h"

uint8_t audit_slot_of_mark(const struct audit *a, uint32_t mark)
{
	for (size_t i = 0; i < a->n_marks; i++) {
		if (a->marks[i].mark == mark)
			return a->marks[i].slot;
	}
	return SLOT_NONE;
}

uint8_t audit_slot_of_flow(const struct audit *a, const struct flow *f)
{
	uint8_t slot = audit_slot_of_mark(a, f->mark);

	for (size_t i = a->n_former; slot == SLOT_NONE && f->is_disowned && i-- > 0;) {
		if (a->former[i].mark == f->mark)
			slot = a->former[i].slot;
	}
	return slot;
}

static void former_add(struct audit *a, const struct mark_slot *m)
{
	if (a->n_former == UPLINKS_MAX) {
		memmove(a->former, a->former + 1, (UPLINKS_MAX - 1) * sizeof(*a->former));
		a->n_former--;
	}
	a->former[a->n_former++] = *m;
}

void audit_live_count(struct audit *a, uint32_t mark, int by)
{
	uint8_t slot = audit_slot_of_mark(a, mark);

	if (slot != SLOT_NONE)
		a->live[slot] += (uint32_t)by;
}

static bool is_mark_of(const struct config *c, uint32_t mark)
{
	return config_uplink_by_mark(c, mark) != NULL;
}

/* A flow whose mark names no uplink any more keeps its verdict until it is seen to
 * go on. */
struct disowning {
	struct audit *audit;
	const struct config *config;
};

static void flow_disown(void *data, flow_ref ref, struct flow *f)
{
	struct disowning *d = data;

	(void)ref;
	if (audit_slot_of_mark(d->audit, f->mark) != SLOT_NONE && !is_mark_of(d->config, f->mark))
		f->is_disowned = 1;
	/* Its uplink may have been taken away while no daemon ran: that is no news of it. */
	if (f->is_from_store && f->mark && !is_mark_of(d->config, f->mark))
		f->is_reported = 1;
}

static void flow_recount(void *data, flow_ref ref, struct flow *f)
{
	(void)ref;
	if (f->state == FLOW_LIVE)
		audit_live_count(data, f->mark, 1);
}

static void marks_replace(struct audit *a, const struct config *c)
{
	struct disowning d = {.audit = a, .config = c};

	flows_each(a->flows, flow_disown, &d);
	for (size_t i = 0; i < a->n_marks; i++) {
		if (!is_mark_of(c, a->marks[i].mark))
			former_add(a, &a->marks[i]);
	}
	a->n_marks = c->n_uplinks;
	for (size_t i = 0; i < c->n_uplinks; i++)
		a->marks[i] =
			(struct mark_slot){.mark = c->uplinks[i].mark, .slot = c->uplinks[i].slot};
	memset(a->live, 0, sizeof(a->live));
	flows_each(a->flows, flow_recount, a);
}

int audit_set_config(struct audit *a, const struct config *c, int64_t now_ms)
{
	struct record r = {.type = RECORD_UPLINKS,
			   .uplinks = {.time_ms = now_ms, .flow_id = a->ids.flow}};

	r.uplinks.uplinks = calloc(c->n_uplinks, sizeof(*r.uplinks.uplinks));
	if (!r.uplinks.uplinks)
		return -ENOMEM;
	gaps_note_time(a, now_ms);
	a->mask = c->mark_mask;
	a->label_base = c->label_base;
	marks_replace(a, c);
	r.uplinks.n = (uint8_t)c->n_uplinks;
	for (size_t i = 0; i < c->n_uplinks; i++) {
		const struct uplink_config *u = &c->uplinks[i];
		struct uplink_record *out = &r.uplinks.uplinks[i];

		out->slot = u->slot;
		out->mark = u->mark;
		memcpy(out->name, u->name, sizeof(out->name));
		memcpy(out->ifname, u->ifname, sizeof(out->ifname));
	}
	a->port.emit(a->port.data, &r);
	return 0;
}

void audit_uplink_counts(const struct audit *a, uint32_t live[UPLINKS_MAX],
			 uint64_t mismatches[UPLINKS_MAX], uint64_t bytes[UPLINKS_MAX])
{
	memcpy(live, a->live, sizeof(a->live));
	memcpy(mismatches, a->uplink_mismatches, sizeof(a->uplink_mismatches));
	memcpy(bytes, a->uplink_bytes, sizeof(a->uplink_bytes));
}

void audit_uplink_reasons(const struct audit *a, uint8_t slot, uint64_t reasons[REASONS])
{
	memcpy(reasons, a->uplink_reasons[slot], sizeof(a->uplink_reasons[slot]));
}
