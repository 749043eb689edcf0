/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_gap.c - intervals in which something may have been missed: written down,
 * and remembered for as long as flows of that time end.
 */
#include <stdio.h>

#include "audit/audit_internal.h"

#define OPEN INT64_MAX

/* What a flow that lives is asked for is noted after the latest tick. */
#define NOW_SLACK_MS 1000

static void gap_emit(struct audit *a, int64_t id, enum gap_source source, int64_t started_ms,
		     int64_t ended_ms, int64_t lost, const char *reason)
{
	struct record r = {.type = RECORD_GAP};

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
	if (first->ended_ms != OPEN && first->ended_ms > g->forgotten_ms)
		g->forgotten_ms = first->ended_ms;
	return first;
}

static void known_add(struct audit_gaps *g, int64_t id, int64_t started_ms, int64_t ended_ms)
{
	int64_t latest_ms = ended_ms == OPEN ? started_ms : ended_ms;

	*place_find(g) = (struct known_gap){
		.id = id,
		.started_ms = started_ms,
		.ended_ms = ended_ms,
	};
	if (latest_ms > g->latest_ms)
		g->latest_ms = latest_ms;
}

/* An end before the beginning: the clock was put back between them. What it said
 * then is not known, so that of the time after that everything until the end is in
 * the gap, and of the time before what was after its beginning. */
static void known_add_closed(struct audit *a, int64_t id, int64_t started_ms, int64_t ended_ms)
{
	if (ended_ms >= started_ms) {
		known_add(&a->gaps, id, started_ms, ended_ms);
		return;
	}
	known_add(&a->gaps, id, 0, ended_ms);
	known_add(&a->gaps, id, started_ms, a->now_ms > started_ms ? a->now_ms : started_ms);
}

int64_t audit_gap(struct audit *a, enum gap_source source, int64_t started_ms, int64_t ended_ms,
		  int64_t lost, const char *reason)
{
	a->stats.gaps++;
	gap_emit(a, ++a->ids.gap, source, started_ms, ended_ms, lost, reason);
	if (ended_ms)
		known_add_closed(a, a->ids.gap, started_ms, ended_ms);
	else
		known_add(&a->gaps, a->ids.gap, started_ms, OPEN);
	a->gaps.n_open += !ended_ms;
	return a->ids.gap;
}

static struct known_gap *open_find(struct audit_gaps *g, int64_t id)
{
	for (unsigned i = 0; i < g->n; i++) {
		if (g->list[i].id == id && g->list[i].ended_ms == OPEN)
			return &g->list[i];
	}
	return NULL;
}

void audit_gap_end(struct audit *a, int64_t id, enum gap_source source, int64_t started_ms,
		   int64_t ended_ms, int64_t lost, const char *reason)
{
	struct known_gap *known = open_find(&a->gaps, id);

	gap_emit(a, id, source, started_ms, ended_ms, lost, reason);
	a->gaps.n_open--;
	if (!known)
		return;
	started_ms = known->started_ms;
	*known = a->gaps.list[--a->gaps.n];
	known_add_closed(a, id, started_ms, ended_ms);
}

/* What it began before that is of a time that does not come again for it. */
static void flow_put_back(void *data, flow_ref ref, struct flow *f)
{
	const struct audit *a = data;

	(void)ref;
	if (f->state != FLOW_LIVE)
		return;
	if (audit_is_in_gap(a, f, 0))
		f->has_gap = 1;
	f->is_put_back = 1;
}

/* A gap that has ended only now may hold flows of which nobody has heard yet. */
static bool gap_put_back(struct known_gap *g, int64_t before_ms, int64_t now_ms)
{
	if (g->ended_ms != OPEN && g->ended_ms < before_ms - NOW_SLACK_MS)
		return false;
	g->started_ms = now_ms;
	if (g->ended_ms != OPEN)
		g->ended_ms = now_ms;
	return true;
}

void gaps_put_back(struct audit *a, int64_t before_ms, int64_t now_ms)
{
	struct audit_gaps *g = &a->gaps;
	unsigned n = 0;

	flows_each(a->flows, flow_put_back, a);
	for (unsigned i = 0; i < g->n; i++) {
		if (gap_put_back(&g->list[i], before_ms, now_ms))
			g->list[n++] = g->list[i];
	}
	g->n = n;
	g->latest_ms = now_ms;
	g->forgotten_ms = 0;
	g->put_back_ms = now_ms;
}

/* Nearly every flow that is asked for began after all of them. */
bool audit_is_in_gap(const struct audit *a, const struct flow *f, int64_t ended_ms)
{
	const struct audit_gaps *g = &a->gaps;
	int64_t started_ms = (int64_t)f->started_ms;

	if (f->is_put_back || (ended_ms && ended_ms < started_ms))
		started_ms = g->put_back_ms;
	if (!g->n_open && started_ms > g->latest_ms)
		return false;
	if (started_ms <= g->forgotten_ms)
		return true;
	if (!ended_ms)
		ended_ms = a->now_ms + NOW_SLACK_MS;
	for (unsigned i = 0; i < g->n; i++) {
		if (started_ms <= g->list[i].ended_ms && ended_ms >= g->list[i].started_ms)
			return true;
	}
	return false;
}
