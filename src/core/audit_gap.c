/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_gap.c - intervals in which something may have been missed: written down,
 * and remembered for as long as flows of that time end.
 */
#include <stdio.h>

#include "audit_internal.h"

static void gap_emit(struct audit *a, int64_t id, enum gap_source source, int64_t started_ms,
		     int64_t ended_ms, int64_t lost, const char *reason)
{
	struct record r = { .type = RECORD_GAP };

	r.gap = (struct gap_record){
		.id = id,
		.started_ms = started_ms,
		.ended_ms = ended_ms,
		.source = source,
		.lost = lost,
	};
	snprintf(r.gap.reason, sizeof(r.gap.reason), "%s", reason);
	a->port.emit(a->port.data, &r);
}

/* The place of the gap that ended first makes room; of its time a flow is then
 * taken to be in it by its beginning alone. An open one is never forgotten. */
static struct known_gap *place_find(struct audit_gaps *g)
{
	struct known_gap *first = &g->list[0];

	if (g->n < GAPS_MAX)
		return &g->list[g->n++];
	for (unsigned i = 1; i < GAPS_MAX; i++) {
		if (g->list[i].ended_ms < first->ended_ms)
			first = &g->list[i];
	}
	if (first->ended_ms != INT64_MAX && first->ended_ms > g->forgotten_ms)
		g->forgotten_ms = first->ended_ms;
	return first;
}

static void latest_note(struct audit_gaps *g, int64_t ms)
{
	if (ms > g->latest_ms)
		g->latest_ms = ms;
}

int64_t audit_gap(struct audit *a, enum gap_source source, int64_t started_ms, int64_t ended_ms,
		  int64_t lost, const char *reason)
{
	struct audit_gaps *g = &a->gaps;

	gap_emit(a, ++a->ids.gap, source, started_ms, ended_ms, lost, reason);
	*place_find(g) = (struct known_gap){
		.id = a->ids.gap,
		.started_ms = started_ms,
		.ended_ms = ended_ms ? ended_ms : INT64_MAX,
	};
	g->n_open += !ended_ms;
	latest_note(g, ended_ms ? ended_ms : started_ms);
	return a->ids.gap;
}

void audit_gap_end(struct audit *a, int64_t id, enum gap_source source, int64_t started_ms,
		   int64_t ended_ms, int64_t lost, const char *reason)
{
	struct audit_gaps *g = &a->gaps;

	gap_emit(a, id, source, started_ms, ended_ms, lost, reason);
	for (unsigned i = 0; i < g->n; i++) {
		if (g->list[i].id == id)
			g->list[i].ended_ms = ended_ms;
	}
	g->n_open--;
	latest_note(g, ended_ms);
}

/* Nearly every flow that is asked for began after all of them. */
bool audit_is_in_gap(const struct audit *a, int64_t started_ms, int64_t ended_ms)
{
	const struct audit_gaps *g = &a->gaps;

	if (!g->n_open && started_ms > g->latest_ms)
		return false;
	if (started_ms <= g->forgotten_ms)
		return true;
	for (unsigned i = 0; i < g->n; i++) {
		if (started_ms <= g->list[i].ended_ms &&
		    (!ended_ms || ended_ms >= g->list[i].started_ms))
			return true;
	}
	return false;
}
