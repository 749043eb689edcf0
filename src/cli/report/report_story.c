/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_story.c - collects the events of a report: changes of uplinks, mismatches by cause,
 * tampering, gaps, other alerts. Each event is a sentence; events are in chronological order.
 *
 * Events that repeat within minutes are combined into one. Must not know how a page shows
 * events.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain/explain.h"
#include "cli/filter.h"
#include "cli/history.h"
#include "cli/report/report.h"
#include "waymark/base/sort.h"
#include "waymark/base/units.h"

/* Equal events are combined if they are at most this time apart, or two bins (REPORT_BINS) if these
 * are longer. */
#define APART_MIN_MS 60000

const char *report_reason_text(const char *reason)
{
	int parsed = reason_parse(reason);

	return explain_reason_words(parsed < 0 ? REASON_NONE : (enum reason)parsed);
}

const char *report_egress(char buf[REPORT_LONG_TEXT], const char *uplink, const char *interface)
{
	bool is_named = uplink[0] && strcmp(uplink, interface) != 0;

	snprintf(buf, REPORT_LONG_TEXT, is_named ? "%.100s (%.100s)" : "%.100s%.0s",
		 is_named ? uplink : interface, interface);
	return buf;
}

const char *report_egress_uplink(const struct report *r, const char *interface)
{
	for (size_t i = 0; i < r->n_causes; i++)
		if (!strcmp(r->causes[i].egress, interface))
			return r->causes[i].egress_uplink;
	return "";
}

static int64_t bin_ms(const struct report *r)
{
	int64_t span = r->span.until_ms - r->span.since_ms;

	return (span + REPORT_BINS - 1) / REPORT_BINS;
}

static int64_t apart_ms(const struct report *r)
{
	return 2 * bin_ms(r) > APART_MIN_MS ? 2 * bin_ms(r) : APART_MIN_MS;
}

static void text_copy(char *to, size_t size, const struct value *v)
{
	snprintf(to, size, "%s", v->kind == VALUE_TEXT ? v->text : "");
}

static int64_t number_of(const struct value *v)
{
	return v->kind == VALUE_INTEGER ? v->integer : 0;
}

/* --- events ------------------------------------------------------------------------ */

static struct report_event *event_new(struct report *r, enum report_event_kind kind,
				      int64_t started_ms, int64_t ended_ms)
{
	struct report_event *events = realloc(r->events, (r->n_events + 1) * sizeof(*events)), *e;

	if (!events)
		return NULL;
	r->events = events;
	e = &events[r->n_events++];
	*e = (struct report_event){
		.kind = kind, .started_ms = started_ms, .ended_ms = ended_ms, .count = 1};
	return e;
}

static int event_compare(const void *a, const void *b)
{
	const struct report_event *x = a, *y = b;

	if (x->started_ms != y->started_ms)
		return x->started_ms < y->started_ms ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

/* --- uplinks ------------------------------------------------------------------------ */

static int state_take(void *data, const struct value *v, size_t n)
{
	struct report *r = data;
	struct report_state *states = realloc(r->states, (r->n_states + 1) * sizeof(*states));
	struct report_state *s, *last;

	(void)n;
	if (!states)
		return -ENOMEM;
	r->states = states;
	s = &states[r->n_states];
	last = r->n_states ? s - 1 : NULL;
	*s = (struct report_state){
		.started_ms = number_of(&v[0]), .ended_ms = r->span.until_ms, .is_cut = true};
	text_copy(s->uplink, sizeof(s->uplink), &v[1]);
	text_copy(s->state, sizeof(s->state), &v[2]);
	text_copy(s->cause, sizeof(s->cause), &v[3]);
	text_copy(s->user, sizeof(s->user), &v[4]);
	if (last && !strcmp(last->uplink, s->uplink)) {
		last->ended_ms = s->started_ms;
		last->is_cut = false;
		if (!strcmp(last->state, s->state) && !strcmp(last->cause, s->cause)) {
			last->ended_ms = s->ended_ms;
			last->is_cut = true;
			return 0;
		}
	}
	r->n_states++;
	return 0;
}

/* Return the words that describe the state of an uplink that is not up. */
static const char *state_words(const char *state)
{
	static const char *const words[][2] = {
		{"drain", "was drained"},
		{"no-address", "had no address"},
		{"no-gateway", "had no gateway"},
		{"missing", "had no interface"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(words[i][0], state))
			return words[i][1];
	return "was down";
}

/* Write the cause of a state to buf; "" if state_words() leaves nothing to add. */
static void state_why(const struct report_state *s, char *buf, size_t size)
{
	buf[0] = '\0';
	if (!strcmp(s->cause, "operator"))
		snprintf(buf, size, ", by user %s", s->user[0] ? s->user : "unknown");
	else if (!strcmp(s->cause, "health"))
		snprintf(buf, size, ", because of its health");
	else if (!strcmp(s->cause, "link") && !strcmp(s->state, "down"))
		snprintf(buf, size, ", its interface had no link");
}

static int move_take(void *data, const struct value *v, size_t n)
{
	struct report_event *e =
		event_new(data, EVENT_UPLINK_CHANGE, number_of(&v[0]), number_of(&v[0]));

	(void)n;
	if (!e)
		return -ENOMEM;
	snprintf(e->text, sizeof(e->text), "%.60s has a new address: %.120s (was %.120s)",
		 v[1].text, v[3].text, v[2].text);
	return 0;
}

static int gateway_take(void *data, const struct value *v, size_t n)
{
	struct report_event *e =
		event_new(data, EVENT_UPLINK_CHANGE, number_of(&v[0]), number_of(&v[0]));

	(void)n;
	if (!e)
		return -ENOMEM;
	snprintf(e->text, sizeof(e->text), "%.60s has another gateway", v[1].text);
	return 0;
}

static int states_tell(struct report *r)
{
	for (size_t i = 0; i < r->n_states; i++) {
		const struct report_state *s = &r->states[i];
		char lasted[UNITS_STRLEN], why[64];
		struct report_event *e;

		if (!strcmp(s->state, "up"))
			continue;
		e = event_new(r, strcmp(s->state, "drain") ? EVENT_UPLINK : EVENT_UPLINK_CHANGE,
			      s->started_ms, s->ended_ms);
		if (!e)
			return -ENOMEM;
		state_why(s, why, sizeof(why));
		snprintf(e->text, sizeof(e->text), "%s %s for %s%s%s", s->uplink,
			 state_words(s->state),
			 duration_format(s->ended_ms - s->started_ms, lasted),
			 s->is_cut ? " so far" : "", why);
	}
	return 0;
}

/* --- mismatches ---------------------------------------------------------------------- */

static int cause_take(void *data, const struct value *v, size_t n)
{
	struct report *r = data;
	struct report_cause *c = &r->causes[r->n_causes];

	r->mismatches += number_of(&v[3]);
	if (r->n_causes == REPORT_CAUSES_MAX)
		return 0;
	r->n_causes++;
	text_copy(c->expected, sizeof(c->expected), &v[0]);
	text_copy(c->egress, sizeof(c->egress), &v[1]);
	text_copy(c->reason, sizeof(c->reason), &v[2]);
	c->number = number_of(&v[3]);
	c->packets = number_of(&v[4]);
	c->first_ms = number_of(&v[5]);
	c->last_ms = number_of(&v[6]);
	c->hosts = number_of(&v[7]);
	text_copy(c->direction, sizeof(c->direction), &v[8]);
	c->flow_id = number_of(&v[9]);
	brief_format_flow(c->example, sizeof(c->example), v, n);
	text_copy(c->egress_uplink, sizeof(c->egress_uplink), &v[15]);
	return 0;
}

/* Return the last event if it has this kind and text, and if it ended at most apart_ms() before
 * started_ms. Otherwise return NULL. */
static struct report_event *event_same(struct report *r, enum report_event_kind kind,
				       int64_t started_ms, const char *text)
{
	struct report_event *e = r->n_events ? &r->events[r->n_events - 1] : NULL;

	if (e && e->kind == kind && started_ms - e->ended_ms <= apart_ms(r) &&
	    !strcmp(e->text, text))
		return e;
	return NULL;
}

static int happened(struct report *r, const struct report_event *one)
{
	struct report_event *e = event_same(r, one->kind, one->started_ms, one->text);

	if (e) {
		e->count += one->count;
		e->ended_ms = one->ended_ms > e->ended_ms ? one->ended_ms : e->ended_ms;
		return 0;
	}
	e = event_new(r, one->kind, one->started_ms, one->ended_ms);
	if (!e)
		return -ENOMEM;
	*e = *one;
	return 0;
}

/* Add the mismatches of one cause in one bin as an event. The rows are sorted by cause, then by
 * time, so that happened() can combine the events of adjacent bins. A query_row_fn. */
static int burst_take(void *data, const struct value *v, size_t n)
{
	struct report *r = data;
	struct report_event e = {.kind = EVENT_MISMATCH,
				 .count = number_of(&v[1]),
				 .started_ms = number_of(&v[5]),
				 .ended_ms = number_of(&v[6])};
	size_t bin = (size_t)number_of(&v[0]);
	char expected[REPORT_TEXT], egress[REPORT_TEXT], uplink[REPORT_TEXT], reason[32];
	char left_by[REPORT_LONG_TEXT];

	(void)n;
	text_copy(uplink, sizeof(uplink), &v[7]);
	text_copy(expected, sizeof(expected), &v[2]);
	text_copy(egress, sizeof(egress), &v[3]);
	text_copy(reason, sizeof(reason), &v[4]);
	if (bin < REPORT_BINS)
		r->bins[bin] += e.count;
	snprintf(e.text, sizeof(e.text), "flows of %.100s left by %s: %s (%s)", expected,
		 report_egress(left_by, uplink, egress), report_reason_text(reason), reason);
	return happened(r, &e);
}

/* --- tampering and gaps ---------------------------------------------------------------- */

static int tampering_take(void *data, const struct value *v, size_t n)
{
	struct report *r = data;
	struct report_event e = {.kind = EVENT_TAMPERING,
				 .count = 1,
				 .started_ms = value_number(v, n, "time_ms", 0)};
	const char *process = value_text(v, n, "process"), *action = value_text(v, n, "action");

	e.ended_ms = e.started_ms;
	snprintf(e.text, sizeof(e.text), "by %s: %.140s; %s",
		 process ? process : "an unknown process", value_text(v, n, "what"),
		 action ? action : "noticed");
	r->tamperings++;
	return event_new(r, e.kind, 0, 0) ? (r->events[r->n_events - 1] = e, 0) : -ENOMEM;
}

static int gaps_tell(struct report *r)
{
	for (size_t i = 0; i < r->n_gaps; i++) {
		const struct report_gap *g = &r->gaps[i];
		struct report_event e = {.kind = EVENT_GAP,
					 .count = 1,
					 .started_ms = g->started_ms,
					 .ended_ms = g->ended_ms};
		int err;

		snprintf(e.text, sizeof(e.text), "%s may be missing: %s",
			 strcmp(g->source, "evidence") ? "flows" : "evidence", g->reason);
		err = happened(r, &e);
		if (err)
			return err;
	}
	return 0;
}

static int trouble_take(void *data, const struct value *v, size_t n)
{
	struct report *r = data;
	struct report_event e = {.kind = EVENT_ALERT, .count = 1, .started_ms = number_of(&v[0])};

	(void)n;
	e.ended_ms = e.started_ms;
	text_copy(e.label, sizeof(e.label), &v[1]);
	if (!strcmp(e.label, "tampering")) {
		e.kind = EVENT_TAMPERING;
		r->tamperings++;
	}
	if (e.label[0] >= 'a' && e.label[0] <= 'z')
		e.label[0] = (char)(e.label[0] - 'a' + 'A');
	text_copy(e.text, sizeof(e.text), &v[2]);
	return happened(r, &e);
}

/* Sort the tampering events, which start at index `first` and were read newest first, by time. Then
 * combine consecutive events that have the same text and are close in time. */
static void tampering_merge(struct report *r, size_t first)
{
	size_t n = r->n_events, kept = first;

	list_sort(r->events + first, n - first, sizeof(*r->events), event_compare);
	for (size_t i = first; i < n; i++) {
		struct report_event *last = kept > first ? &r->events[kept - 1] : NULL;

		if (last && !strcmp(last->text, r->events[i].text) &&
		    r->events[i].started_ms - last->ended_ms <= apart_ms(r)) {
			last->count++;
			last->ended_ms = r->events[i].ended_ms;
		} else {
			r->events[kept++] = r->events[i];
		}
	}
	r->n_events = kept;
}

static int tampering_read(struct report *r, struct query *q)
{
	struct query_filter f;
	size_t first = r->n_events;
	int err;

	query_filter_init(&f);
	f.since_ms = r->span.since_ms;
	f.until_ms = r->span.until_ms;
	err = query_tampering(q, &f, tampering_take, r);
	if (!err && r->n_events > first)
		tampering_merge(r, first);
	return err;
}

int report_story_read(struct report *r, struct query *q)
{
	struct summary_span bins = r->span;
	int err = query_states(q, &r->span, state_take, r);

	bins.step_ms = bin_ms(r);
	if (!err)
		err = states_tell(r);
	if (!err)
		err = query_moves(q, &r->span, move_take, r);
	if (!err)
		err = query_gateways(q, &r->span, gateway_take, r);
	if (!err)
		err = query_causes(q, &r->span, cause_take, r);
	if (!err)
		err = query_mismatch_steps(q, &bins, burst_take, r);
	if (!err)
		err = tampering_read(r, q);
	if (!err)
		err = gaps_tell(r);
	if (!err)
		err = query_troubles(q, &r->span, trouble_take, r);
	if (!err && r->n_events)
		list_sort(r->events, r->n_events, sizeof(*r->events), event_compare);
	return err;
}
