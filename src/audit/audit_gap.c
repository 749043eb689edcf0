/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_gap.c - records gaps (intervals in which events or evidence may have been missed), and
 * keeps the latest GAPS_MAX of them, to decide whether a flow lived in a gap.
 */
#include <stdio.h>

#include "audit/audit_internal.h"

#define OPEN INT64_MAX

/* audit_is_in_gap() assumes that a live flow lives until this long after the latest tick. */
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

/* Return a free element of the list or, if the list is full, the element of the gap that ended
 * first. Every flow that began before the end of a replaced gap counts as having lived in a gap. An
 * open gap is replaced only if all gaps are open. */
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

/* If the end is before the start, the clock was set back in between, by an unknown amount. The gap
 * then covers all times before its end on the new clock, and all times after its start on the old
 * clock. */
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

static void known_set_blind(struct audit_gaps *g, int64_t id)
{
	for (unsigned i = 0; i < g->n; i++) {
		if (g->list[i].id == id)
			g->list[i].is_blind = g->list[i].is_ruleless = true;
	}
}

void audit_gap_set_blind(struct audit *a, int64_t id)
{
	known_set_blind(&a->gaps, id);
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
	bool is_blind;

	gap_emit(a, id, source, started_ms, ended_ms, lost, reason);
	a->gaps.n_open--;
	if (!known)
		return;
	started_ms = known->started_ms;
	is_blind = known->is_blind;
	*known = a->gaps.list[--a->gaps.n];
	known_add_closed(a, id, started_ms, ended_ms);
	if (is_blind)
		known_set_blind(&a->gaps, id);
}

/* The clock was set back: note that the flow's start time is no longer comparable (is_set_back).
 * First decide with the old times whether the flow has lived in a gap. */
static void flow_set_back(void *data, flow_ref ref, struct flow *f)
{
	const struct audit *a = data;

	(void)ref;
	if (f->state != FLOW_LIVE)
		return;
	if (audit_is_in_gap(a, f, 0))
		f->has_gap = 1;
	f->is_set_back = 1;
}

/* The clock was set back from before_ms to now_ms: move the gap to now_ms. Return false if the gap
 * can be forgotten, because it ended long ago. A gap that has just ended is kept: it may contain
 * flows that are not known yet. */
static bool gap_set_back(struct known_gap *g, int64_t before_ms, int64_t now_ms)
{
	if (g->ended_ms != OPEN && g->ended_ms < before_ms - NOW_SLACK_MS)
		return false;
	g->started_ms = now_ms;
	if (g->ended_ms != OPEN)
		g->ended_ms = now_ms;
	return true;
}

static void gaps_set_back(struct audit *a, int64_t before_ms, int64_t now_ms)
{
	struct audit_gaps *g = &a->gaps;
	unsigned n = 0;

	flows_each(a->flows, flow_set_back, a);
	for (unsigned i = 0; i < g->n; i++) {
		if (gap_set_back(&g->list[i], before_ms, now_ms))
			g->list[n++] = g->list[i];
	}
	g->n = n;
	g->latest_ms = now_ms;
	g->forgotten_ms = 0;
	g->set_back_ms = now_ms;
}

void gaps_note_time(struct audit *a, int64_t now_ms)
{
	if (now_ms < a->now_ms)
		gaps_set_back(a, a->now_ms, now_ms);
	a->now_ms = now_ms;
}

/* Nearly every flow began after the end of all gaps. A cheap comparison therefore comes first. */
bool audit_is_in_gap(const struct audit *a, const struct flow *f, int64_t ended_ms)
{
	const struct audit_gaps *g = &a->gaps;
	int64_t started_ms = (int64_t)f->started_ms;

	if (f->is_set_back || (ended_ms && ended_ms < started_ms))
		started_ms = g->set_back_ms;
	if (!g->n_open && started_ms > g->latest_ms)
		return false;
	if (started_ms <= g->forgotten_ms)
		return true;
	if (!ended_ms)
		ended_ms = a->now_ms + NOW_SLACK_MS;
	for (unsigned i = 0; i < g->n; i++) {
		if (!g->list[i].is_ruleless && started_ms <= g->list[i].ended_ms &&
		    ended_ms >= g->list[i].started_ms)
			return true;
	}
	return false;
}

/* --- gaps without rules -------------------------------------------------------------- */

/* A flow was idle in a gap if its last packet came more than this long before the gap. */
#define IDLE_MARGIN_MS 2000

/* Return whether packets of the flow may have left by an uplink during the gap. A flow that began
 * before the gap and has neither a mark nor evidence of an egress uses no uplink. */
static bool may_leave_unseen(const struct audit *a, const struct flow *f, const struct known_gap *g)
{
	if (f->mark || flow_egress(a, f, DIR_ORIGINAL) || flow_egress(a, f, DIR_REPLY))
		return true;
	return !f->started_ms || (int64_t)f->started_ms >= g->started_ms;
}

static bool is_hidden_in(const struct audit *a, const struct flow *f, const struct known_gap *g,
			 int64_t ended_ms)
{
	return g->is_blind && (int64_t)f->started_ms <= g->ended_ms && ended_ms >= g->started_ms &&
	       may_leave_unseen(a, f, g);
}

bool gaps_may_hide(const struct audit *a, const struct flow *f)
{
	for (unsigned i = 0; f->state == FLOW_LIVE && i < a->gaps.n; i++) {
		if (is_hidden_in(a, f, &a->gaps.list[i], OPEN))
			return true;
	}
	return false;
}

void gaps_settle_end(struct audit *a, struct flow *f, int64_t ended_ms)
{
	for (unsigned i = 0; !f->is_unseen && i < a->gaps.n; i++)
		f->is_unseen = is_hidden_in(a, f, &a->gaps.list[i], ended_ms ? ended_ms : OPEN);
}

static bool was_idle(const struct ct_event *ev, const struct known_gap *g, int64_t now_ms)
{
	return ev->idle_ms > 0 && now_ms - ev->idle_ms < g->started_ms - IDLE_MARGIN_MS;
}

void gaps_settle_entry(struct audit *a, struct flow *f, const struct ct_event *ev, int64_t now_ms)
{
	for (unsigned i = 0; !f->is_unseen && i < a->gaps.n; i++) {
		const struct known_gap *g = &a->gaps.list[i];

		if (g->ended_ms <= a->dump_started_ms && is_hidden_in(a, f, g, OPEN) &&
		    !was_idle(ev, g, now_ms))
			f->is_unseen = 1;
	}
}

bool gaps_settle_dump(struct audit *a)
{
	bool is_news = false;

	for (unsigned i = 0; i < a->gaps.n; i++) {
		struct known_gap *g = &a->gaps.list[i];

		if (!g->is_blind || g->ended_ms > a->dump_started_ms)
			continue;
		g->is_blind = false;
		is_news = true;
	}
	return is_news;
}
