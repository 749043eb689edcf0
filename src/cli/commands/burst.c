/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * burst.c - suppresses lines if many lines of the same kind come in a short time.
 *
 * The first line of a kind starts an interval, in which the first BURST_SHOWN lines are printed and
 * the others are suppressed. If an interval had suppressed lines, all lines of the next interval
 * are suppressed. An interval without suppressed lines ends the burst.
 */
#include "cli/commands/burst.h"

#include <stdio.h>
#include <string.h>

static struct burst_kind *kind_get(struct burst *b, const char *name, int64_t now_ms)
{
	struct burst_kind *free_one = NULL;

	for (size_t i = 0; i < BURST_KINDS_MAX; i++) {
		struct burst_kind *k = &b->kinds[i];

		if (!strncmp(k->name, name, BURST_KIND - 1))
			return k;
		if (!k->name[0] && !free_one)
			free_one = k;
	}
	if (!free_one)
		return NULL;
	*free_one = (struct burst_kind){.began_ms = now_ms};
	snprintf(free_one->name, sizeof(free_one->name), "%s", name);
	return free_one;
}

bool burst_take(struct burst *b, const char *kind, bool is_again, int64_t now_ms)
{
	struct burst_kind *k = kind_get(b, kind, now_ms);

	if (!k)
		return true;
	if (is_again || k->is_going || k->shown == BURST_SHOWN) {
		k->held++;
		return false;
	}
	k->shown++;
	return true;
}

void burst_count(struct burst *b, int64_t now_ms,
		 void (*fn)(void *data, const char *kind, unsigned held), void *data)
{
	for (size_t i = 0; i < BURST_KINDS_MAX; i++) {
		struct burst_kind *k = &b->kinds[i];

		if (!k->name[0] || now_ms - k->began_ms < (k->is_going ? BURST_GOING_MS : BURST_MS))
			continue;
		if (k->held)
			fn(data, k->name, k->held);
		k->is_going = k->held > 0;
		k->held = k->shown = 0;
		k->began_ms = now_ms;
		if (!k->is_going)
			k->name[0] = '\0';
	}
}
