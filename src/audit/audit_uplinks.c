/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_uplinks.c - maps marks to uplinks: to the configured ones and, for flows that began before
 * a reload, to removed ones. Also returns the counts per uplink.
 */
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

void audit_live_count(struct audit *a, uint32_t mark, int n)
{
	uint8_t slot = audit_slot_of_mark(a, mark);

	if (slot != SLOT_NONE)
		a->live[slot] += (uint32_t)n;
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
