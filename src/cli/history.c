/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history.c - runs a query and renders its rows by the names of their columns.
 *
 * A table on a terminal is limited; what was left out is said, never silent: one
 * row more than the limit is asked for, to know. Where rows are judged here, the
 * limit is, too.
 */
#include "cli/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/filter.h"
#include "cli/error_lines.h"

struct listing {
	const struct history *history;
	struct query *query;
	const struct query_filter *filter;
	struct render *render;
	uint64_t limit, shown;
	bool is_cut;
};

static enum paint paint_of(const char *column, const char *text)
{
	if (strcmp(column, "verdict"))
		return PAINT_NONE;
	if (!strcmp(text, "ok") || !strcmp(text, "local"))
		return PAINT_GOOD;
	return strcmp(text, "unknown") ? PAINT_BAD : PAINT_DOUBT;
}

static const struct value *value_find(const struct value *values, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(values[i].name, name))
			return &values[i];
	return NULL;
}

static void cell_show(struct render *r, const struct value *v)
{
	if (!v || v->kind == VALUE_NULL)
		render_unknown(r);
	else if (v->kind == VALUE_INTEGER)
		render_number(r, v->integer, PAINT_NONE);
	else if (v->kind == VALUE_REAL)
		render_share(r, v->real, v->real < 1 ? PAINT_DOUBT : PAINT_GOOD);
	else
		render_text(r, v->text, paint_of(v->name, v->text));
}

/* Whether the flow, given as its row, is as the filter wants it. */
static int flow_judge(void *data, const struct value *values, size_t n)
{
	const struct listing *l = data;
	const struct value *state = value_find(values, n, "state");
	const struct value *verdict = value_find(values, n, "verdict");

	if (l->filter->is_live &&
	    (!state || state->kind != VALUE_TEXT || strcmp(state->text, "live")))
		return 0;
	if (l->filter->verdict == VERDICT_NONE)
		return 1;
	return verdict && verdict->kind == VALUE_TEXT &&
	       !strcmp(verdict->text, verdict_name(l->filter->verdict));
}

static bool row_fits(struct listing *l, const struct value *values, size_t n)
{
	const struct value *id;

	if (!l->history->flow_column || (!l->filter->is_live && l->filter->verdict == VERDICT_NONE))
		return true;
	id = value_find(values, n, l->history->flow_column);
	return id && id->kind == VALUE_INTEGER &&
	       query_flow(l->query, id->integer, flow_judge, l) > 0;
}

static int row_show(void *data, const struct value *values, size_t n)
{
	struct listing *l = data;
	size_t i;

	if (!row_fits(l, values, n))
		return 0;
	if (l->limit && l->shown == l->limit) {
		l->is_cut = true;
		return 1;
	}
	l->shown++;
	for (i = 0; i < l->history->n_columns; i++)
		cell_show(l->render, value_find(values, n, l->history->columns[i].name));
	return 0;
}

/* Whether nothing found could be taken for nothing wrong. */
static bool is_about_harm(const struct listing *l)
{
	return l->history->query == query_mismatches || l->filter->verdict != VERDICT_NONE;
}

static enum exit_status listing_run(const struct invocation *in, struct listing *l, struct query *q,
				    struct query_filter *f)
{
	enum exit_status status;
	int err;

	l->limit = f->limit;
	l->query = q;
	l->filter = f;
	if (f->limit)
		f->limit = l->history->flow_column ? 0 : f->limit + 1;
	err = l->history->query(q, f, row_show, l);
	status = cli_render_end(l->render);
	if (err < 0) {
		cli_error("%s: %s", in->command->name, query_error(q));
		return CLI_FAILED;
	}
	if (l->is_cut && !in->values[OPTION_LIMIT])
		cli_error("the newest %" PRIu64
			  " are shown; --limit NUMBER shows more, --limit 0 all",
			  l->limit);
	else if (l->is_cut)
		cli_error("the newest %" PRIu64 " are shown; there are more", l->limit);
	if (!l->shown && in->style.format == RENDER_TABLE && status == CLI_DONE)
		cli_error("%s in the history that fit%s", l->history->none,
			  is_about_harm(l)
				  ? "; 'waymark coverage' says how much of what left it knows"
				  : "");
	return status;
}

int64_t history_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct query *history_open(const char *path)
{
	struct error_lines errors;
	struct query *q = NULL;
	int err = error_lines_open(&errors);

	if (!err) {
		q = query_open(path, errors.stream);
		err = q ? 0 : -errno;
	}
	error_lines_close(&errors, path, err);
	return q;
}

enum exit_status history_show(const struct invocation *in, const struct history *h)
{
	struct listing listing = {.history = h};
	struct query_filter filter;
	struct query *q = NULL;
	enum exit_status status = filter_parse(&filter, in, history_now_ms());
	char *path;

	if (status != CLI_DONE)
		return status;
	path = cli_database(in);
	q = path ? history_open(path) : NULL;
	listing.render = q ? render_new(&in->style, h->columns, h->n_columns, stdout) : NULL;
	status = listing.render ? listing_run(in, &listing, q, &filter) : CLI_FAILED;
	if (q && !listing.render)
		cli_error("out of memory");
	query_close(q);
	free(path);
	return status;
}
