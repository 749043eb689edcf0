/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history.c - runs a query and renders the selected columns of its rows.
 *
 * A listing has a limit, and a message reports if more rows match. To find out, the query requests
 * one row more than the limit. If this file itself filters or sorts the rows, the query requests
 * all rows, and this file applies the limit.
 */
#include "cli/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/database.h"
#include "cli/egress_name.h"
#include "cli/error_lines.h"
#include "cli/progress.h"
#include "cli/sorted_rows.h"
#include "cli/uplink_name.h"
#include "waymark/base/clock.h"
#include "waymark/base/suggest.h"

#define CHOSEN_MAX 64
#define TWINS_MAX  8

struct listing {
	const struct invocation *in;
	const struct history *history;
	struct query *query;
	const struct flow_filter *filter;
	struct column columns[CHOSEN_MAX];
	void (*show[CHOSEN_MAX])(struct render *r, const struct value *values, size_t n);
	size_t places[CHOSEN_MAX]; /* where the column's value was in the previous row */
	size_t n;
	/* names of selected columns such as started_ms (twin_take), for columns[].name */
	char twins[TWINS_MAX][32];
	size_t n_twins;
	struct render *render;
	struct sorted_rows sorted;
	struct progress progress;
	uint64_t limit, shown;
	bool is_cut;
};

/* --- columns ------------------------------------------------------------------------- */

static void column_take(struct listing *l, const struct column *c,
			void (*show)(struct render *r, const struct value *values, size_t n))
{
	if (l->n == CHOSEN_MAX)
		return;
	l->columns[l->n] = *c;
	l->show[l->n++] = show;
}

/* Each column with a time, such as started, has a millisecond column, such as started_ms. If `name`
 * is the name of the millisecond column of `of`, select the millisecond column and return true. */
static bool twin_take(struct listing *l, const struct column *of, const char *name)
{
	size_t length = strlen(of->name);
	char *twin;

	if (of->type != COLUMN_TIME || strncasecmp(name, of->name, length) ||
	    strcasecmp(name + length, "_ms") || l->n_twins == TWINS_MAX)
		return false;
	twin = l->twins[l->n_twins++];
	snprintf(twin, sizeof(l->twins[0]), "%s_ms", of->name);
	column_take(l, &(struct column){.name = twin, .type = COLUMN_NUMBER}, NULL);
	return true;
}

/* Select a column of the view or of the brief table by its name. Return false if no column has the
 * name. Case is ignored, because tables print names in capitals. */
static bool column_find(struct listing *l, const char *name, struct suggestion *s)
{
	const struct history *h = l->history;

	for (size_t i = 0; i < h->n_columns; i++) {
		struct column c = h->columns[i];

		if (twin_take(l, &c, name))
			return true;
		if (!strcasecmp(c.name, name)) {
			c.is_detail = false;
			c.rank = 0;
			column_take(l, &c, NULL);
			return true;
		}
		suggest_consider(s, c.name);
	}
	for (size_t i = 0; i < h->n_brief; i++) {
		if (!strcasecmp(h->brief[i].column.name, name)) {
			column_take(l, &h->brief[i].column, h->brief[i].show);
			return true;
		}
		suggest_consider(s, h->brief[i].column.name);
	}
	return false;
}

static enum exit_status columns_parse(struct listing *l, const char *text)
{
	char *copy = strdup(text), *rest = copy, *name;
	enum exit_status status = copy ? CLI_DONE : CLI_FAILED;

	while (status == CLI_DONE && (name = strsep(&rest, ","))) {
		struct suggestion s;

		suggest_start(&s, name);
		if (column_find(l, name, &s))
			continue;
		cli_error("%s: unknown column \"%s\" (%s%s)", l->in->command->name, name,
			  s.best ? "did you mean " : "-o wide shows all columns",
			  s.best ? s.best : "");
		status = CLI_USAGE;
	}
	free(copy);
	return status;
}

static enum exit_status columns_choose(struct listing *l)
{
	const struct history *h = l->history;
	const char *given = l->in->values[OPTION_COLUMNS];
	bool is_brief = l->in->style.format == RENDER_TABLE && !l->in->style.is_wide && h->n_brief;

	if (given)
		return columns_parse(l, given);
	for (size_t i = 0; is_brief && i < h->n_brief; i++)
		column_take(l, &h->brief[i].column, h->brief[i].show);
	for (size_t i = 0; !is_brief && i < h->n_columns; i++)
		column_take(l, &h->columns[i], NULL);
	return CLI_DONE;
}

/* --- rows ---------------------------------------------------------------------------- */

static enum paint paint_of(const char *column, const char *text)
{
	if (strcmp(column, "verdict"))
		return PAINT_NONE;
	if (!strcmp(text, "ok") || !strcmp(text, "local"))
		return PAINT_GOOD;
	return strcmp(text, "unknown") ? PAINT_BAD : PAINT_DOUBT;
}

static void cell_show(struct render *r, const struct value *v)
{
	if (!v || v->kind == VALUE_NULL)
		render_unknown(r);
	else if (v->kind == VALUE_INTEGER)
		render_number(r, v->integer, PAINT_NONE);
	else if (v->kind == VALUE_REAL && strstr(v->name, "share"))
		render_share(r, v->real, v->real < 1 ? PAINT_DOUBT : PAINT_GOOD);
	else if (v->kind == VALUE_REAL)
		render_real(r, v->real, PAINT_NONE);
	else
		render_text(r, v->text, paint_of(v->name, v->text));
}

/* Return the value of a column. First try the index at which the value was in the previous row,
 * because the rows of a query usually have the same columns. */
static const struct value *value_place(struct listing *l, size_t column, const struct value *values,
				       size_t n)
{
	const char *name = l->columns[column].name;
	size_t at = l->places[column];

	if (at < n && !strcmp(values[at].name, name))
		return &values[at];
	for (at = 0; at < n; at++)
		if (!strcmp(values[at].name, name)) {
			l->places[column] = at;
			return &values[at];
		}
	return NULL;
}

static void row_print(struct listing *l, const struct value *values, size_t n)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->show[i])
			l->show[i](l->render, values, n);
		else
			cell_show(l->render, value_place(l, i, values, n));
	}
}

/* Return whether the row of a flow matches the filter. This is a query_row_fn for query_flow(). */
static int flow_judge(void *data, const struct value *values, size_t n)
{
	const struct listing *l = data;

	return filter_fits_flow(l->filter, values, n);
}

/* Return whether row_fits() must test each row of the listing against the filter. For other
 * listings, the query applies the whole filter. */
static bool is_judged(const struct history *h)
{
	return h->flow_column || h->is_flows;
}

static bool row_fits(struct listing *l, const struct value *values, size_t n)
{
	const struct value *id;

	if (!is_judged(l->history))
		return true;
	if (!filter_fits_row(l->filter, values, n))
		return false;
	if (!filter_is_about_flows(l->filter))
		return true;
	if (!l->history->flow_column)
		return filter_fits_flow(l->filter, values, n);
	id = value_find(values, n, l->history->flow_column);
	return id && id->kind == VALUE_INTEGER &&
	       query_flow(l->query, id->integer, flow_judge, l) > 0;
}

static int row_show(void *data, const struct value *values, size_t n)
{
	struct listing *l = data;

	if (n)
		progress_step(&l->progress, values[0].integer);
	if (!row_fits(l, values, n))
		return 0;
	if (l->sorted.column) {
		l->shown++;
		return sorted_rows_add(&l->sorted, values, n);
	}
	if (l->limit && l->shown == l->limit) {
		l->is_cut = true;
		return 1;
	}
	l->shown++;
	row_print(l, values, n);
	return 0;
}

static void sorted_print(struct listing *l)
{
	if (!l->sorted.column)
		return;
	sorted_rows_finish(&l->sorted);
	l->is_cut = l->limit && l->shown > l->limit;
	for (size_t i = 0; i < l->sorted.rows.n; i++)
		row_print(l, l->sorted.rows.rows[i].values, l->sorted.rows.rows[i].n);
	row_copy_free(&l->sorted.rows);
}

int history_flows(struct query *q, const struct flow_filter *f, query_row_fn *fn, void *data)
{
	struct query_filter narrowed = f->q;

	narrowed.started_since_ms = f->started_since_ms;
	narrowed.host = f->host;
	narrowed.min_bytes = f->min_bytes;
	narrowed.min_duration_ms = (int64_t)f->min_duration_ms;
	narrowed.now_ms = f->now_ms;
	narrowed.is_unanswered = f->is_unanswered;
	return query_flows(q, &narrowed, fn, data);
}

int history_mismatches(struct query *q, const struct flow_filter *f, query_row_fn *fn, void *data)
{
	return query_mismatches(q, &f->q, fn, data);
}

/* --- the listing ----------------------------------------------------------------------- */

/* Return whether a user could conclude from an empty listing that nothing is wrong. */
static bool is_about_harm(const struct listing *l)
{
	return l->history->flow_column || l->filter->q.verdict != VERDICT_NONE;
}

static bool is_filtered(const struct listing *l)
{
	for (int o = OPTION_LIVE; o <= OPTION_UNANSWERED; o++)
		if (l->in->values[o])
			return true;
	return false;
}

static void end_say(const struct listing *l, enum exit_status status)
{
	const char *kind = l->sorted.column ? "first" : "newest";

	if (l->is_cut && !l->in->values[OPTION_LIMIT])
		cli_error("only the %s %" PRIu64
			  " rows are shown (--limit NUMBER: show more, --limit 0: show all)",
			  kind, l->limit);
	else if (l->is_cut && l->limit == 1)
		cli_error("only the %s row is shown; more rows match", kind);
	else if (l->is_cut)
		cli_error("only the %s %" PRIu64 " rows are shown; more rows match", kind,
			  l->limit);
	if (l->shown || l->in->style.format != RENDER_TABLE || status != CLI_DONE)
		return;
	cli_error("no %s in the history%s", l->history->rows_name, is_filtered(l) ? " match" : "");
	if (is_about_harm(l))
		cli_error("'waymark coverage' shows how much of the traffic the history covers");
}

static enum exit_status listing_run(struct listing *l, struct flow_filter *f)
{
	int64_t newest = 0, mismatch = 0, gap = 0;
	enum exit_status status;
	int err;

	l->limit = f->q.limit;
	l->filter = f;
	l->sorted.limit = l->limit;
	f->q.limit = l->limit ? l->limit + 1 : 0;
	/* If this file filters or sorts the rows, the query must return all of them. */
	if (is_judged(l->history) || l->sorted.column)
		f->q.limit = 0;
	if (l->history->query == history_flows && l->in->style.format != RENDER_TABLE &&
	    !query_last_ids(l->query, &newest, &mismatch, &gap))
		progress_start(&l->progress, true, newest, 0);
	err = l->history->query(l->query, f, row_show, l);
	progress_end(&l->progress);
	sorted_print(l);
	status = cli_render_end(l->render);
	if (err < 0) {
		cli_error("%s: %s", l->in->command->name, query_error(l->query));
		return CLI_FAILED;
	}
	end_say(l, status);
	return status;
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

/* --- selection and entry points -------------------------------------------------------- */

static enum exit_status sort_choose(struct listing *l)
{
	const char *name = l->in->values[OPTION_SORT];
	struct suggestion s;

	if (!name) {
		l->sorted.column = l->history->sort;
		return CLI_DONE;
	}
	suggest_start(&s, name);
	for (size_t i = 0; i < l->history->n_columns; i++) {
		if (!strcasecmp(l->history->columns[i].name, name)) {
			l->sorted.column = l->history->columns[i].name;
			return CLI_DONE;
		}
		suggest_consider(&s, l->history->columns[i].name);
	}
	cli_error("%s: --sort \"%s\": unknown column (%s%s)", l->in->command->name, name,
		  s.best ? "did you mean " : "-o wide shows all columns", s.best ? s.best : "");
	return CLI_USAGE;
}

static enum exit_status listing_open(struct listing *l)
{
	struct render_style style = l->in->style;

	if (l->sorted.column || l->history->is_newest_last)
		style.is_last_first = false;
	style.keeps_empty |= l->in->values[OPTION_COLUMNS] != NULL;
	l->render = render_new(&style, l->columns, l->n, stdout);
	if (!l->render)
		cli_error("cannot print the rows: out of memory");
	return l->render ? CLI_DONE : CLI_FAILED;
}

enum exit_status history_show_filtered(const struct invocation *in, const struct history *h,
				       struct flow_filter *f)
{
	struct listing l = {.in = in, .history = h};
	enum exit_status status = columns_choose(&l);
	char *path = NULL;

	if (status == CLI_DONE)
		status = sort_choose(&l);
	if (status != CLI_DONE)
		return status;
	status = database_find(in, &path);
	l.query = path ? history_open(path) : NULL;
	if (status == CLI_DONE)
		status = l.query ? uplink_name_check_history(in, l.query) : CLI_FAILED;
	if (status == CLI_DONE && h->n_brief)
		egress_names_read(l.query);
	if (status == CLI_DONE)
		status = listing_open(&l);
	if (status == CLI_DONE)
		status = listing_run(&l, f);
	query_close(l.query);
	free(path);
	return status;
}

enum exit_status history_show(const struct invocation *in, const struct history *h)
{
	struct flow_filter filter;
	enum exit_status status = filter_parse(&filter, in, clock_now_ms());

	return status == CLI_DONE ? history_show_filtered(in, h, &filter) : status;
}
