/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_labels.c - finds out whether existing flows might have connlabels from a time when the
 * label bits stood for other interfaces.
 */
#include <stdio.h>

#include "steering/steering_internal.h"

/* Return a hash of the interface names of all slots. Each slot has a label bit, which stands for
 * the slot's interface. */
static uint64_t label_slots_hash(const struct config *c)
{
	char text[UPLINKS_MAX * (IFNAMSIZ + 1) + 1];
	size_t used = 0;

	for (unsigned slot = 0; slot < UPLINKS_MAX; slot++) {
		const struct uplink_config *u = config_uplink_by_slot(c, slot);

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s/",
					 u ? u->ifname : "");
	}
	return text_hash(text);
}

unsigned steering_labels_stale_from(const struct steering *s)
{
	const struct steering_state *st = s->state;

	if (!st->label_slots)
		return LABELS_TOTAL;
	if (st->label_base != s->config->label_base)
		return s->config->label_base;
	return st->label_slots == label_slots_hash(s->config)
		       ? LABELS_TOTAL
		       : s->config->label_base + LABELS_RESERVED;
}

void steering_labels_keep(struct steering *s)
{
	s->state->label_base = s->config->label_base;
	s->state->label_slots = label_slots_hash(s->config);
}

int64_t steering_labels_since_ms(const struct steering *s)
{
	return s->state ? s->state->labels_since_ms : 0;
}
