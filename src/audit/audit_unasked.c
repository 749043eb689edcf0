/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_unasked.c - counts UDP answers whose source is not the address that the request was sent
 * to.
 *
 * A UDP server on a wildcard address lets routing choose the source address of its answers. If
 * routing does not choose the uplink that the request came in by, the answers have the address of
 * the chosen uplink. They become a new flow, and the client discards them.
 */
#include <netinet/in.h>

#include "audit/audit_internal.h"

/* Return whether the new flow in ev answers a request that was sent to `addr`. This is so if the
 * request's flow is live: it has the same client and ports, came in by an uplink, and no answer in
 * it has been seen. */
static bool is_asked_at(const struct audit *a, const struct ct_event *ev, const struct addr *addr)
{
	struct stray_packet answer = {
		.proto = ev->proto,
		.direction = -1,
		.tuple = ev->tuple[DIR_ORIGINAL],
	};
	flow_ref ref = FLOW_REF_NONE;
	enum direction d;

	answer.tuple.src = *addr;
	while ((ref = flows_find_packet(a->flows, &answer, ref, &d)) != FLOW_REF_NONE) {
		const struct flow *f = flows_get(a->flows, ref);

		if (f->state == FLOW_LIVE && f->is_entered && f->zone == ev->zone &&
		    d == DIR_REPLY && !flow_egress(a, f, DIR_REPLY))
			return true;
	}
	return false;
}

static bool is_own(const struct audit *a, const struct addr *addr)
{
	for (size_t i = 0; i < a->n_addresses; i++)
		if (!a->addresses[i].to_ms && addr_is_equal(&a->addresses[i].addr, addr))
			return true;
	return false;
}

void unasked_note(struct audit *a, const struct flow *f, const struct ct_event *ev)
{
	const struct endpoints *e = &ev->tuple[DIR_ORIGINAL];
	uint8_t slot = audit_slot_of_mark(a, f->mark);

	if (ev->proto != IPPROTO_UDP || slot == SLOT_NONE || f->is_entered || !is_own(a, &e->src))
		return;
	for (size_t i = 0; i < a->n_addresses; i++) {
		const struct owned_address *o = &a->addresses[i];

		if (o->to_ms || o->addr.family != e->src.family ||
		    addr_is_equal(&o->addr, &e->src) || !is_asked_at(a, ev, &o->addr))
			continue;
		a->unasked[slot].answers++;
		a->unasked[slot].example = *e;
		return;
	}
}

uint64_t audit_unasked_take(struct audit *a, uint8_t slot, struct endpoints *example)
{
	uint64_t answers = a->unasked[slot].answers;

	*example = a->unasked[slot].example;
	a->unasked[slot].answers = 0;
	return answers;
}
