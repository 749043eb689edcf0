/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render.c - passes cells to the table, or writes them as JSON or CSV. JSON and CSV are written row
 * by row, in constant memory.
 */
#include "cli/render.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/render_table.h"
#include "cli/render_text.h"

struct render {
	enum render_format format;
	const struct column *columns;
	size_t n_columns;
	FILE *out;
	size_t at; /* index of the next cell's column */
	uint64_t n_rows;
	int error; /* -errno of the first failure, or 0 */
	struct table *table;
};

/* --- JSON ------------------------------------------------------------------- */

static void json_put_list(FILE *out, const char *text)
{
	size_t length;

	fputc('[', out);
	while (*text) {
		length = strcspn(text, ",");
		text_put_json(out, text, length);
		text += length;
		if (*text)
			fputc(*text++, out);
	}
	fputc(']', out);
}

static void json_add(struct render *r, const char *text)
{
	const struct column *column = &r->columns[r->at];
	bool is_number = column->type == COLUMN_NUMBER || column->type == COLUMN_SIZE ||
			 column->type == COLUMN_RATE;

	if (!r->at)
		fputs_unlocked(r->n_rows ? ",\n {\"" : "[\n {\"", r->out);
	else
		fputs_unlocked(", \"", r->out);
	fputs_unlocked(column->name, r->out);
	fputs_unlocked("\": ", r->out);
	if (!text)
		fputs_unlocked("null", r->out);
	else if (is_number)
		fputs_unlocked(text, r->out);
	else if (column->type == COLUMN_LIST)
		json_put_list(r->out, text);
	else
		text_put_json(r->out, text, strlen(text));
	if (r->at == r->n_columns - 1)
		putc_unlocked('}', r->out);
}

/* --- CSV -------------------------------------------------------------------- */

static void csv_add(struct render *r, const char *text)
{
	if (text)
		text_put_csv(r->out, text);
	putc_unlocked(r->at == r->n_columns - 1 ? '\n' : ',', r->out);
}

static void csv_header(struct render *r)
{
	for (size_t i = 0; i < r->n_columns; i++) {
		text_put_csv(r->out, r->columns[i].name);
		fputc(i == r->n_columns - 1 ? '\n' : ',', r->out);
	}
}

/* --- all formats --------------------------------------------------------------- */

static void cell_add(struct render *r, const char *text, enum paint paint)
{
	int err = 0;

	if (r->format == RENDER_TABLE)
		err = table_add(r->table, text ? text : r->columns[r->at].unknown, paint);
	else if (r->format == RENDER_JSON)
		json_add(r, text);
	else
		csv_add(r, text);
	if (err && !r->error)
		r->error = err;
	if (++r->at < r->n_columns)
		return;
	r->at = 0;
	r->n_rows++;
	if (r->table)
		table_flow_on(r->table);
}

struct render *render_new(const struct render_style *style, const struct column *columns,
			  size_t n_columns, FILE *out)
{
	struct render *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	*r = (struct render){.format = style->format, .columns = columns, .n_columns = n_columns};
	r->out = out;
	if (style->format == RENDER_CSV)
		csv_header(r);
	if (style->format != RENDER_TABLE)
		return r;
	r->table = table_new(style, columns, n_columns, out);
	if (r->table)
		return r;
	free(r);
	errno = ENOMEM;
	return NULL;
}

void render_text(struct render *r, const char *text, enum paint paint)
{
	cell_add(r, text, paint);
}

void render_number(struct render *r, int64_t number, enum paint paint)
{
	char text[24], *p = text + sizeof(text) - 1;
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

	*p = '\0';
	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (number < 0)
		*--p = '-';
	cell_add(r, p, paint);
}

void render_share(struct render *r, double share, enum paint paint)
{
	char text[24];

	snprintf(text, sizeof(text), "%.4f", (double)(int64_t)(share * 10000 + 1e-7) / 10000);
	cell_add(r, text, paint);
}

void render_real(struct render *r, double number, enum paint paint)
{
	char text[48];

	snprintf(text, sizeof(text), "%.3f", number);
	cell_add(r, text, paint);
}

void render_unknown(struct render *r)
{
	cell_add(r, NULL, PAINT_NONE);
}

int render_end(struct render *r)
{
	int error = 0;

	if (r->table)
		error = table_end(r->table);
	if (r->format == RENDER_JSON)
		fputs(r->n_rows ? "\n]\n" : "[]\n", r->out);
	errno = 0;
	if (!r->table && (fflush(r->out) || ferror(r->out)))
		error = errno ? -errno : -EIO;
	if (r->error)
		error = r->error;
	free(r);
	return error;
}
