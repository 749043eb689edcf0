/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render.c - the three back ends: table, JSON, CSV.
 *
 * JSON and CSV go out row by row. A table needs its widths before its first
 * line, so it keeps the first ROWS_MEASURED rows; longer listings go on with
 * those widths, which then only grow, and memory stays bounded.
 *
 * Text comes from the network and from other people's names: in tables control
 * characters are not let through to the terminal, and JSON is always UTF-8.
 */
#include "cli/render.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MEASURED 1000
#define COLUMN_GAP    2

struct cell {
	char *text; /* NULL: unknown */
	enum paint paint;
};

struct render {
	struct render_style style;
	const struct column *columns;
	size_t n_columns;
	FILE *out;
	size_t at; /* the column of the next cell */
	uint64_t n_rows;
	int error;	    /* -errno, the first */
	size_t *widths;	    /* of a table, by column */
	struct cell *cells; /* of a table: the rows that are kept */
	size_t n_kept;	    /* rows */
	bool is_measured;
};

/* --- text ----------------------------------------------------------------- */

/* Bytes of the well-formed UTF-8 character at s, 0 where there is none. */
static size_t utf8_size(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t size, i;

	if (u[0] < 0x80)
		return 1;
	size = u[0] >= 0xc2 && u[0] < 0xe0   ? 2
	       : (u[0] & 0xf0) == 0xe0	     ? 3
	       : u[0] >= 0xf0 && u[0] < 0xf5 ? 4
					     : 0;
	for (i = 1; i < size; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, beyond U+10FFFF (RFC 3629, 4). */
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return size;
}

static bool is_control(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	/* C0, DEL, and C1, which is two bytes in UTF-8. */
	return u[0] < 0x20 || u[0] == 0x7f || (u[0] == 0xc2 && u[1] < 0xa0);
}

/* --- table ------------------------------------------------------------------ */

static bool column_is_shown(const struct render *r, size_t column)
{
	return !r->columns[column].is_detail || r->style.is_wide;
}

/* Prints what a terminal may get of text, if out is not NULL; its width. */
static size_t table_put(FILE *out, const char *text)
{
	size_t width = 0, size;

	for (; *text; text += size ? size : 1, width++) {
		size = utf8_size(text);
		if (!out)
			continue;
		if (!size || is_control(text))
			fputc('?', out);
		else
			fwrite(text, 1, size, out);
	}
	return width;
}

static const char *table_text(const struct cell *cell)
{
	return cell->text && *cell->text ? cell->text : "-";
}

static void table_measure(struct render *r, const struct cell *row)
{
	size_t i, width;

	for (i = 0; i < r->n_columns; i++) {
		width = table_put(NULL, table_text(&row[i]));
		if (width > r->widths[i])
			r->widths[i] = width;
	}
}

static const char *paint_code(const struct render *r, enum paint paint)
{
	static const char *const codes[] = {
		[PAINT_GOOD] = "\033[32m",
		[PAINT_DOUBT] = "\033[33m",
		[PAINT_BAD] = "\033[31m",
	};

	return r->style.has_colour ? codes[paint] : NULL;
}

static void table_cell(struct render *r, size_t column, const char *text, enum paint paint,
		       bool is_last)
{
	size_t width = table_put(NULL, text), pad = 0;
	bool is_right = r->columns[column].type == COLUMN_NUMBER;
	const char *code = paint_code(r, paint);

	if (width < r->widths[column])
		pad = r->widths[column] - width;
	if (is_right)
		fprintf(r->out, "%*s", (int)pad, "");
	if (code)
		fputs(code, r->out);
	table_put(r->out, text);
	if (code)
		fputs("\033[0m", r->out);
	if (!is_last)
		fprintf(r->out, "%*s", (int)(is_right ? COLUMN_GAP : pad + COLUMN_GAP), "");
}

static size_t table_last_column(const struct render *r)
{
	size_t i = r->n_columns;

	while (i > 1 && !column_is_shown(r, i - 1))
		i--;
	return i - 1;
}

static void table_header(struct render *r)
{
	size_t last = table_last_column(r), i;
	char upper[64], *c;

	for (i = 0; i <= last; i++) {
		if (!column_is_shown(r, i))
			continue;
		snprintf(upper, sizeof(upper), "%s", r->columns[i].name);
		for (c = upper; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
		table_cell(r, i, upper, PAINT_NONE, i == last);
	}
	fputc('\n', r->out);
}

static void table_row(struct render *r, struct cell *row)
{
	size_t last = table_last_column(r), i;

	for (i = 0; i <= last; i++)
		if (column_is_shown(r, i))
			table_cell(r, i, table_text(&row[i]), row[i].paint, i == last);
	fputc('\n', r->out);
	for (i = 0; i < r->n_columns; i++) {
		free(row[i].text);
		row[i].text = NULL;
	}
}

static void table_release(struct render *r)
{
	size_t i;

	r->is_measured = true;
	table_header(r);
	for (i = 0; i < r->n_kept; i++)
		table_row(r, &r->cells[i * r->n_columns]);
	r->n_kept = 0;
}

static void table_end_row(struct render *r)
{
	struct cell *row = &r->cells[r->n_kept * r->n_columns];

	table_measure(r, row);
	if (r->is_measured)
		table_row(r, row);
	else if (++r->n_kept == ROWS_MEASURED)
		table_release(r);
}

static void table_add(struct render *r, const char *text, enum paint paint)
{
	struct cell *cell = &r->cells[r->n_kept * r->n_columns + r->at];

	cell->paint = paint;
	cell->text = text ? strdup(text) : NULL;
	if (text && !cell->text && !r->error)
		r->error = -ENOMEM;
}

/* --- JSON ------------------------------------------------------------------- */

static void json_put_string(FILE *out, const char *text, size_t length)
{
	const char *end = text + length;
	size_t size;

	fputc('"', out);
	for (; text < end; text += size ? size : 1) {
		size = utf8_size(text);
		if (!size)
			fputs("\\ufffd", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if (is_control(text) && size == 1)
			fprintf(out, "\\u%04x", (unsigned char)*text);
		else
			fwrite(text, 1, size, out);
	}
	fputc('"', out);
}

static void json_put_list(FILE *out, const char *text)
{
	size_t length;

	fputc('[', out);
	while (*text) {
		length = strcspn(text, ",");
		json_put_string(out, text, length);
		text += length;
		if (*text)
			fputc(*text++, out);
	}
	fputc(']', out);
}

static void json_add(struct render *r, const char *text)
{
	const struct column *column = &r->columns[r->at];

	if (!r->at)
		fputs(r->n_rows ? ",\n {" : "[\n {", r->out);
	else
		fputs(", ", r->out);
	fprintf(r->out, "\"%s\": ", column->name);
	if (!text)
		fputs("null", r->out);
	else if (column->type == COLUMN_NUMBER)
		fputs(text, r->out);
	else if (column->type == COLUMN_LIST)
		json_put_list(r->out, text);
	else
		json_put_string(r->out, text, strlen(text));
	if (r->at == r->n_columns - 1)
		fputc('}', r->out);
}

/* --- CSV -------------------------------------------------------------------- */

static void csv_put(FILE *out, const char *text)
{
	if (!text)
		return;
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void csv_add(struct render *r, const char *text)
{
	csv_put(r->out, text);
	fputc(r->at == r->n_columns - 1 ? '\n' : ',', r->out);
}

static void csv_header(struct render *r)
{
	size_t i;

	for (i = 0; i < r->n_columns; i++) {
		csv_put(r->out, r->columns[i].name);
		fputc(i == r->n_columns - 1 ? '\n' : ',', r->out);
	}
}

/* --- all -------------------------------------------------------------------- */

static void cell_add(struct render *r, const char *text, enum paint paint)
{
	if (r->style.format == RENDER_TABLE)
		table_add(r, text, paint);
	else if (r->style.format == RENDER_JSON)
		json_add(r, text);
	else
		csv_add(r, text);
	if (++r->at < r->n_columns)
		return;
	r->at = 0;
	if (r->style.format == RENDER_TABLE)
		table_end_row(r);
	r->n_rows++;
}

struct render *render_new(const struct render_style *style, const struct column *columns,
			  size_t n_columns, FILE *out)
{
	struct render *r = calloc(1, sizeof(*r));
	size_t i;

	if (!r)
		return NULL;
	r->style = *style;
	r->columns = columns;
	r->n_columns = n_columns;
	r->out = out;
	if (style->format == RENDER_CSV)
		csv_header(r);
	if (style->format != RENDER_TABLE)
		return r;
	r->widths = calloc(n_columns, sizeof(*r->widths));
	r->cells = calloc(n_columns * ROWS_MEASURED, sizeof(*r->cells));
	if (!r->widths || !r->cells) {
		free(r->widths);
		free(r->cells);
		free(r);
		errno = ENOMEM;
		return NULL;
	}
	for (i = 0; i < n_columns; i++)
		r->widths[i] = strlen(columns[i].name);
	return r;
}

void render_text(struct render *r, const char *text, enum paint paint)
{
	cell_add(r, text, paint);
}

void render_number(struct render *r, int64_t number, enum paint paint)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, number);
	cell_add(r, text, paint);
}

void render_share(struct render *r, double share, enum paint paint)
{
	char text[24];

	snprintf(text, sizeof(text), "%.4f", share);
	cell_add(r, text, paint);
}

void render_unknown(struct render *r)
{
	cell_add(r, NULL, PAINT_NONE);
}

int render_end(struct render *r)
{
	int error;

	if (r->style.format == RENDER_TABLE && !r->is_measured && r->n_rows)
		table_release(r);
	if (r->style.format == RENDER_JSON)
		fputs(r->n_rows ? "\n]\n" : "[]\n", r->out);
	errno = 0;
	if ((fflush(r->out) || ferror(r->out)) && !r->error)
		r->error = errno ? -errno : -EIO;
	error = r->error;
	free(r->widths);
	free(r->cells);
	free(r);
	return error;
}
