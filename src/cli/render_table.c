/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_table.c - selects the columns of a table, measures them and prints the table.
 *
 * Columns without a value are omitted. Then columns are omitted in the order of their rank, the
 * highest first, until the table is narrow enough. If no more column can be omitted and the table
 * is still too wide, flows are shown without their source ports. If this is not enough, text is cut
 * at its end.
 */
#include "cli/render_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pager.h"
#include "cli/render_text.h"
#include "waymark/base/times.h"
#include "waymark/base/units.h"

#define ROWS_MEASURED 1000
#define COLUMN_GAP    2
#define WIDTH_LEAST   8 /* minimum width of a column whose text is cut */
#define CELL_STRLEN   48
#define FLOW_STRLEN   160
/* other columns of text are made narrower, down to this width, before the text of flows is cut */
#define WIDTH_SPARE 12

struct cell {
	char *text; /* NULL: unknown */
	enum paint paint;
};

struct table {
	struct render_style style;
	const struct column *columns;
	size_t n_columns, at; /* at: index of the column that the next cell belongs to */
	FILE *out;
	struct pager *pager;
	size_t *widths;
	bool *is_shown;	     /* is_shown[i]: column i is printed */
	struct cell *cells;  /* the rows that are not yet printed, n_columns cells each */
	size_t n_kept, room; /* number of rows in `cells`, and of rows that fit into it */
	bool is_measured;    /* the widths are final */
};

static bool is_number(const struct column *c)
{
	return c->type == COLUMN_NUMBER || c->type == COLUMN_SIZE || c->type == COLUMN_RATE;
}

/* --- cells -------------------------------------------------------------------- */

/* Return the cell as users read it: a time, size or rate is formatted to buf; other text is
 * returned unchanged. */
static const char *cell_format(const struct table *t, const struct column *c, const char *text,
			       char buf[CELL_STRLEN])
{
	char *end;
	int64_t ms;

	if (c->type == COLUMN_TIME && !times_parse_iso(text, &ms))
		return times_format(ms,
				    t->style.is_wide			     ? TIMES_FULL
				    : times_is_same_day(ms, t->style.now_ms) ? TIMES_OF_DAY
									     : TIMES_DATED,
				    buf);
	if ((c->type != COLUMN_SIZE && c->type != COLUMN_RATE) || t->style.is_wide)
		return text;
	ms = strtoll(text, &end, 10);
	if (*end)
		return text;
	return c->type == COLUMN_SIZE ? size_format(ms, buf) : bitrate_format(ms, buf);
}

int table_add(struct table *t, const char *text, enum paint paint)
{
	struct cell *cells;
	char buf[CELL_STRLEN];

	if (t->n_kept == t->room) {
		cells = realloc(t->cells, 2 * t->room * t->n_columns * sizeof(*cells));
		if (!cells)
			return -ENOMEM;
		t->cells = cells;
		t->room *= 2;
	}
	cells = &t->cells[t->n_kept * t->n_columns + t->at];
	cells->paint = paint;
	cells->text = NULL;
	if (text && *text) {
		cells->text = strdup(cell_format(t, &t->columns[t->at], text, buf));
		if (!cells->text)
			return -ENOMEM;
	}
	if (++t->at < t->n_columns)
		return 0;
	t->at = 0;
	t->n_kept++;
	return 0;
}

static const char *cell_text(const struct cell *cell)
{
	return cell->text ? cell->text : "-";
}

/* --- columns -------------------------------------------------------------------- */

static size_t column_gaps(const struct table *t, size_t *width)
{
	size_t n = 0;

	*width = 0;
	for (size_t i = 0; i < t->n_columns; i++)
		if (t->is_shown[i]) {
			*width += t->widths[i] + (n ? COLUMN_GAP : 0);
			n++;
		}
	return n;
}

static void columns_measure(struct table *t)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		bool has_value = false;

		t->widths[i] = strlen(t->columns[i].name);
		for (size_t row = 0; row < t->n_kept; row++) {
			const struct cell *cell = &t->cells[row * t->n_columns + i];
			size_t width = text_put_terminal(NULL, cell_text(cell), SIZE_MAX);

			has_value |= cell->text != NULL;
			if (width > t->widths[i])
				t->widths[i] = width;
		}
		t->is_shown[i] = (has_value || t->style.keeps_empty) &&
				 (!t->columns[i].is_detail || t->style.is_wide);
	}
}

static bool columns_drop(struct table *t)
{
	size_t drop = t->n_columns;

	for (size_t i = 0; i < t->n_columns; i++)
		if (t->is_shown[i] && t->columns[i].rank &&
		    (drop == t->n_columns || t->columns[i].rank >= t->columns[drop].rank))
			drop = i;
	if (drop == t->n_columns)
		return false;
	t->is_shown[drop] = false;
	return true;
}

/* Write a flow without its source port to buf, and return buf: "tcp A:P > B:Q" becomes "tcp A >
 * B:Q". */
static const char *source_port_drop(const char *flow, char *buf, size_t size)
{
	const char *arrow = strstr(flow, " > "), *colon = arrow;

	while (colon && colon > flow && *colon != ':')
		colon--;
	if (!colon || *colon != ':')
		snprintf(buf, size, "%s", flow);
	else
		snprintf(buf, size, "%.*s%s", (int)(colon - flow), flow, arrow);
	return buf;
}

/* Return the width that a column of flows needs if all source ports are omitted. */
static size_t flows_width(const struct table *t, size_t column)
{
	size_t widest = 0;

	for (size_t row = 0; row < t->n_kept; row++) {
		char text[FLOW_STRLEN];
		size_t width = text_put_terminal(
			NULL,
			source_port_drop(cell_text(&t->cells[row * t->n_columns + column]), text,
					 sizeof(text)),
			SIZE_MAX);

		widest = width > widest ? width : widest;
	}
	return widest;
}

/* Return the index of the widest shown column that has no numbers. If has_flows is false, ignore
 * columns of flows and of times. Return n_columns if there is no such column. */
static size_t column_widest(const struct table *t, bool has_flows)
{
	size_t widest = t->n_columns;

	for (size_t i = 0; i < t->n_columns; i++)
		if (t->is_shown[i] && !is_number(&t->columns[i]) &&
		    (has_flows || (!t->columns[i].is_flow && t->columns[i].type != COLUMN_TIME)) &&
		    (widest == t->n_columns || t->widths[i] > t->widths[widest]))
			widest = i;
	return widest;
}

/* Make a column narrower by `over` characters, but not narrower than `least`. Return by how many
 * characters the table is then still too wide. */
static size_t column_narrow(struct table *t, size_t column, size_t over, size_t least)
{
	size_t width = t->widths[column], cut = width > least ? width - least : 0;

	cut = cut < over ? cut : over;
	t->widths[column] -= cut;
	return over - cut;
}

/* Make the table narrower by `over` characters. Start with the widest column of text. If this
 * column contains flows, first omit the source ports, and then make the other columns of text
 * narrower, down to WIDTH_SPARE. If this is not enough, cut the text of the widest column. */
static void columns_cut(struct table *t, size_t over)
{
	size_t widest = column_widest(t, true), other;

	if (widest == t->n_columns)
		return;
	if (t->columns[widest].is_flow)
		over = column_narrow(t, widest, over, flows_width(t, widest));
	while (t->columns[widest].is_flow && over &&
	       (other = column_widest(t, false)) < t->n_columns && t->widths[other] > WIDTH_SPARE)
		over = column_narrow(t, other, 1, WIDTH_SPARE) + over - 1;
	column_narrow(t, widest, over, WIDTH_LEAST);
}

/* Show all columns of handles (render.h) that are hidden. If text must be cut, the user needs the
 * handle to look up the whole row. */
static void handles_show(struct table *t)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (t->columns[i].is_handle && !t->is_shown[i])
			t->is_shown[i] = true;
}

static void columns_fit(struct table *t)
{
	size_t width;

	column_gaps(t, &width);
	if (!t->style.width || t->style.is_wide)
		return;
	while (width > t->style.width && columns_drop(t))
		column_gaps(t, &width);
	if (width > t->style.width) {
		handles_show(t);
		column_gaps(t, &width);
	}
	if (width > t->style.width)
		columns_cut(t, width - t->style.width);
}

static size_t column_last(const struct table *t)
{
	size_t i = t->n_columns;

	while (i > 1 && !t->is_shown[i - 1])
		i--;
	return i - 1;
}

/* --- printing --------------------------------------------------------------------- */

static void cell_print(const struct table *t, size_t column, const char *text, enum paint paint,
		       bool is_last)
{
	static const char *const codes[] = {"", "\033[32m", "\033[33m", "\033[31m"};
	size_t max = t->is_measured && t->style.width && !t->style.is_wide ? t->widths[column]
									   : SIZE_MAX;
	size_t width = text_put_terminal(NULL, text, SIZE_MAX), pad = 0;
	bool is_right = is_number(&t->columns[column]);
	const char *code = t->style.has_colour ? codes[paint] : "";
	char shorter[FLOW_STRLEN];

	if (width > max && t->columns[column].is_flow)
		text = source_port_drop(text, shorter, sizeof(shorter));
	width = text_put_terminal(NULL, text, max);
	if (width < t->widths[column])
		pad = t->widths[column] - width;
	if (is_right)
		fprintf(t->out, "%*s", (int)pad, "");
	fputs(code, t->out);
	text_put_terminal(t->out, text, max);
	fputs(*code ? "\033[0m" : "", t->out);
	if (!is_last)
		fprintf(t->out, "%*s", (int)(is_right ? COLUMN_GAP : pad + COLUMN_GAP), "");
}

static void header_print(const struct table *t)
{
	size_t last = column_last(t);
	char upper[64], *c;

	for (size_t i = 0; i <= last; i++) {
		if (!t->is_shown[i])
			continue;
		snprintf(upper, sizeof(upper), "%s", t->columns[i].name);
		for (c = upper; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
		cell_print(t, i, upper, PAINT_NONE, i == last);
	}
	fputc('\n', t->out);
}

static void row_print(const struct table *t, size_t row)
{
	struct cell *cells = &t->cells[row * t->n_columns];
	size_t last = column_last(t);

	for (size_t i = 0; i <= last; i++)
		if (t->is_shown[i])
			cell_print(t, i, cell_text(&cells[i]), cells[i].paint, i == last);
	fputc('\n', t->out);
	for (size_t i = 0; i < t->n_columns; i++)
		free(cells[i].text);
}

static void rows_print(struct table *t)
{
	for (size_t i = 0; i < t->n_kept; i++)
		row_print(t, t->style.is_last_first ? t->n_kept - 1 - i : i);
	t->n_kept = 0;
}

static void table_release(struct table *t)
{
	columns_measure(t);
	columns_fit(t);
	t->is_measured = true;
	if (t->style.height && t->n_kept + 2 > t->style.height) {
		t->pager = pager_start(t->style.is_last_first);
		t->out = t->pager ? pager_stream(t->pager) : t->out;
	}
	header_print(t);
	rows_print(t);
}

struct table *table_new(const struct render_style *style, const struct column *columns,
			size_t n_columns, FILE *out)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct table){.style = *style, .columns = columns, .n_columns = n_columns};
	t->out = out;
	t->room = ROWS_MEASURED;
	t->widths = calloc(n_columns, sizeof(*t->widths));
	t->is_shown = calloc(n_columns, sizeof(*t->is_shown));
	t->cells = calloc(n_columns * t->room, sizeof(*t->cells));
	if (t->widths && t->is_shown && t->cells)
		return t;
	free(t->widths);
	free(t->is_shown);
	free(t->cells);
	free(t);
	errno = ENOMEM;
	return NULL;
}

void table_flow_on(struct table *t)
{
	if (t->at || t->style.is_last_first || t->n_kept < (t->is_measured ? 1 : ROWS_MEASURED))
		return;
	if (t->is_measured)
		rows_print(t);
	else
		table_release(t);
}

int table_end(struct table *t)
{
	int err = 0;

	if (!t->is_measured && t->n_kept)
		table_release(t);
	errno = 0;
	if (t->pager)
		pager_end(t->pager);
	else if (fflush(t->out) || ferror(t->out))
		err = errno ? -errno : -EIO;
	free(t->widths);
	free(t->is_shown);
	free(t->cells);
	free(t);
	return err;
}
