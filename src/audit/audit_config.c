/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_config.c - applies a configuration: sets which uplink each mark names. If a reload removes
 * a mark, the mark still names its uplink for a flow until a packet of the flow is seen to leave
 * after the reload.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit_internal.h"

static void former_add(struct audit *a, const struct mark_slot *m)
{
	if (a->n_former == UPLINKS_MAX) {
		memmove(a->former, a->former + 1, (UPLINKS_MAX - 1) * sizeof(*a->former));
		a->n_former--;
	}
	a->former[a->n_former++] = *m;
}

static bool is_mark_of(const struct config *c, uint32_t mark)
{
	return config_uplink_by_mark(c, mark) != NULL;
}

/* Arguments of flow_disown(). A flow whose mark no longer names an uplink keeps its verdict until
 * another of its packets is seen to leave. */
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
	/* The flow's uplink may have been removed while no daemon ran: do not raise an alert. */
	if (f->is_from_store && f->mark && !is_mark_of(d->config, f->mark))
		f->is_reported = 1;
}

static void flow_recount(void *data, flow_ref ref, struct flow *f)
{
	(void)ref;
	if (f->state == FLOW_LIVE)
		flow_live_count(data, f, 1);
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
