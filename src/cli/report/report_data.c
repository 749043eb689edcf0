/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_data.c - reads the figures of a report from the history.
 *
 * Must not know how the figures are shown.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report/report.h"

#include "waymark/base/sort.h"

static int64_t number_of(const struct value *v)
{
	return v->kind == VALUE_INTEGER ? v->integer : 0;
}

static const char *text_of(const struct value *v)
{
	return v->kind == VALUE_TEXT ? v->text : "";
}

/* --- flows by step and uplink ------------------------------------------------------ */

static void series_free(struct report_series *s)
{
	if (!s)
		return;
	free(s->step_flows);
	free(s->step_sent);
	free(s->step_received);
	free(s);
}

static struct report_series *series_new(struct report *r, const char *name)
{
	struct report_series *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->weight = -1;
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->step_flows = calloc(r->n_steps, sizeof(*s->step_flows));
	s->step_sent = calloc(r->n_steps, sizeof(*s->step_sent));
	s->step_received = calloc(r->n_steps, sizeof(*s->step_received));
	if (s->step_flows && s->step_sent && s->step_received) {
		r->series[r->n_series++] = s;
		return s;
	}
	series_free(s);
	return NULL;
}

struct report_series *report_series_find(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->n_series; i++)
		if (!strcmp(r->series[i]->name, name))
			return r->series[i];
	return NULL;
}

static struct report_series *series_get(struct report *r, const char *name)
{
	struct report_series *s = report_series_find(r, name);

	if (s)
		return s;
	errno = r->n_series == REPORT_SERIES_MAX ? E2BIG : ENOMEM;
	return r->n_series == REPORT_SERIES_MAX ? NULL : series_new(r, name);
}

static void verdict_count(struct report *r, const char *verdict, int64_t flows)
{
	struct report_row *last = r->n_verdicts ? &r->verdicts[r->n_verdicts - 1] : NULL;

	if (!last || strcmp(last->name, verdict)) {
		if (r->n_verdicts == REPORT_ROWS_MAX)
			return;
		last = &r->verdicts[r->n_verdicts++];
		snprintf(last->name, sizeof(last->name), "%s", verdict);
	}
	last->number += flows;
}

static int step_take(void *data, const struct value *v, size_t n)
{
	struct report *r = data;
	struct report_series *s = series_get(r, text_of(&v[1]));
	size_t step = (size_t)number_of(&v[0]);
	const char *verdict = v[5].kind == VALUE_TEXT ? v[5].text : "none yet";

	(void)n;
	if (!s)
		return -errno;
	if (step >= r->n_steps)
		return 0;
	s->flows += number_of(&v[2]);
	s->bytes += number_of(&v[3]);
	s->bytes_reply += number_of(&v[4]);
	s->mismatched += strcmp(verdict, "mismatch") ? 0 : number_of(&v[2]);
	s->unknown += strcmp(verdict, "unknown") ? 0 : number_of(&v[2]);
	s->step_flows[step] += number_of(&v[2]);
	verdict_count(r, verdict, number_of(&v[2]));
	return 0;
}

/* Store the bytes and add the flows that the kernel counted for an uplink in a step. A
 * query_row_fn. */
static int rate_take(void *data, const struct value *v, size_t n)
{
	struct report *r = data;
	struct report_series *s = series_get(r, text_of(&v[1]));
	size_t step = (size_t)number_of(&v[0]);

	(void)n;
	if (!s)
		return -errno;
	if (step >= r->n_steps)
		return 0;
	s->step_sent[step] = number_of(&v[2]);
	s->step_received[step] = number_of(&v[3]);
	s->started += number_of(&v[4]);
	s->answered += number_of(&v[5]);
	return 0;
}

static int series_compare(const void *a, const void *b)
{
	const struct report_series *const *x = a, *const *y = b;

	if (!(*x)->name[0] || !(*y)->name[0])
		return !(*x)->name[0] - !(*y)->name[0];
	return strcmp((*x)->name, (*y)->name);
}

static void series_sum(struct report *r)
{
	size_t i;

	list_sort(r->series, r->n_series, sizeof(*r->series), series_compare);
	for (i = 0; i < r->n_series; i++) {
		r->flows += r->series[i]->flows;
		r->unknown += r->series[i]->unknown;
	}
}

/* --- rows ------------------------------------------------------------------------------ */

struct rows {
	struct report_row *rows;
	size_t *n;
	const char *none; /* the name to use for rows without a name */
};

/* Append a row that consists of a name, a number, and optionally bytes. A query_row_fn. */
static int row_take(void *data, const struct value *v, size_t n)
{
	struct rows *to = data;
	struct report_row *row = &to->rows[*to->n];

	if (*to->n == REPORT_ROWS_MAX)
		return 0;
	(*to->n)++;
	snprintf(row->name, sizeof(row->name), "%s",
		 v[0].kind == VALUE_TEXT ? v[0].text : to->none);
	row->number = number_of(&v[1]);
	row->bytes = n > 2 ? number_of(&v[2]) : 0;
	row->bytes_reply = n > 3 ? number_of(&v[3]) : 0;
	return 0;
}

static struct report_row *talker_find(struct report *r, const char *name)
{
	for (size_t i = 0; i < r->n_talkers; i++)
		if (!strcmp(r->talkers[i].name, name))
			return &r->talkers[i];
	return NULL;
}

static int destination_take(void *data, const struct value *v, size_t n)
{
	struct report_row *row = talker_find(data, text_of(&v[0]));
	char size[REPORT_SIZE];
	size_t used;

	(void)n;
	if (!row)
		return 0;
	used = strlen(row->detail);
	snprintf(row->detail + used, sizeof(row->detail) - used, "%s%s (%s)", used ? ", " : "",
		 text_of(&v[1]), report_size(size, number_of(&v[2])));
	return 0;
}

/* --- coverage --------------------------------------------------------------------------- */

static int line_take(void *data, const struct value *v, size_t n)
{
	struct report *r = data;
	struct report_line *l = &r->lines[r->n_lines];
	char digits[REPORT_SIZE];
	size_t used = 0;

	if (r->n_lines == REPORT_SERIES_MAX)
		return 0;
	r->n_lines++;
	snprintf(l->name, sizeof(l->name), "%s", text_of(&v[0]));
	l->is_known = v[1].kind == VALUE_INTEGER;
	l->left = number_of(&v[1]);
	l->missing = number_of(&v[2]);
	for (size_t i = 3; i < n && used < sizeof(l->why); i++) {
		if (number_of(&v[i]))
			used += (size_t)snprintf(l->why + used, sizeof(l->why) - used, "%s%s %s",
						 used ? ", " : "", v[i].name,
						 report_digits(digits, number_of(&v[i])));
	}
	return 0;
}

/* --- gaps ------------------------------------------------------------------------------- */

static int gap_take(void *data, const struct value *v, size_t n)
{
	struct report *r = data;
	struct report_gap *gaps = realloc(r->gaps, (r->n_gaps + 1) * sizeof(*gaps)), *g;

	(void)n;
	if (!gaps)
		return -ENOMEM;
	r->gaps = gaps;
	g = &gaps[r->n_gaps++];
	*g = (struct report_gap){
		.started_ms = number_of(&v[0]),
		.ended_ms = v[1].kind == VALUE_INTEGER ? v[1].integer : r->span.until_ms,
		.is_open = v[1].kind != VALUE_INTEGER,
		.lost = v[3].kind == VALUE_INTEGER ? v[3].integer : -1,
	};
	if (g->started_ms < r->span.since_ms)
		g->started_ms = r->span.since_ms;
	if (g->ended_ms > r->span.until_ms)
		g->ended_ms = r->span.until_ms;
	snprintf(g->source, sizeof(g->source), "%s", text_of(&v[2]));
	snprintf(g->reason, sizeof(g->reason), "%s", text_of(&v[4]));
	return 0;
}

/* Add up the time that is covered by gaps. The gaps are sorted by their start, and may overlap. */
static void gaps_sum(struct report *r)
{
	int64_t until = r->span.since_ms;
	size_t i;

	for (i = 0; i < r->n_gaps; i++) {
		const struct report_gap *g = &r->gaps[i];
		int64_t from = g->started_ms > until ? g->started_ms : until;

		if (g->ended_ms <= from)
			continue;
		r->unseen_ms += g->ended_ms - from;
		until = g->ended_ms;
	}
}

/* --- the whole report ---------------------------------------------------------------------- */

int report_read(struct report *r, struct query *q)
{
	struct rows talkers = {r->talkers, &r->n_talkers, "unknown"};
	int64_t span = r->span.until_ms - r->span.since_ms;
	int err;

	r->query = q;
	r->n_steps = (size_t)((span + r->span.step_ms - 1) / r->span.step_ms);
	err = query_steps(q, &r->span, step_take, r);
	if (!err)
		err = query_rates(q, &r->span, rate_take, r);
	if (!err)
		err = query_talkers(q, &r->span, row_take, &talkers);
	if (!err)
		err = query_destinations(q, &r->span, destination_take, r);
	if (!err)
		err = query_covered(q, &r->span, line_take, r);
	if (!err)
		err = query_unseen(q, &r->span, gap_take, r);
	series_sum(r);
	gaps_sum(r);
	return err ? err : report_story_read(r, q);
}

void report_weigh(struct report *r, const struct config *c)
{
	for (size_t i = 0; c && i < r->n_series; i++) {
		const struct uplink_config *u = config_uplink_by_name(c, r->series[i]->name);

		if (!u)
			continue;
		r->series[i]->weight = u->weight;
		r->series[i]->tier = u->tier;
	}
}

void report_clear(struct report *r)
{
	size_t i;

	for (i = 0; i < r->n_series; i++)
		series_free(r->series[i]);
	free(r->gaps);
	free(r->states);
	free(r->events);
	*r = (struct report){0};
}
