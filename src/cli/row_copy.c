/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * row_copy.c - copies rows together with the names of their columns.
 */
#include "cli/row_copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void row_free(struct row_copy_row *row)
{
	for (size_t i = 0; i < row->n; i++) {
		free((char *)(uintptr_t)row->values[i].name);
		free((char *)(uintptr_t)row->values[i].text);
	}
	free(row->values);
}

static int row_copy(struct row_copy_row *row, const struct value *values, size_t n)
{
	row->values = calloc(n, sizeof(*row->values));
	if (!row->values)
		return -ENOMEM;
	for (row->n = 0; row->n < n; row->n++) {
		struct value *v = &row->values[row->n];

		*v = values[row->n];
		v->name = strdup(v->name);
		v->text = v->kind == VALUE_TEXT ? strdup(v->text) : NULL;
		if (!v->name || (v->kind == VALUE_TEXT && !v->text)) {
			row->n++;
			return -ENOMEM;
		}
	}
	return 0;
}

int row_copy_add(void *data, const struct value *values, size_t n)
{
	struct row_copy *k = data;
	struct row_copy_row *rows = k->rows;

	/* The array can be full only if n is 0 or a power of two. Double it then. */
	if (!(k->n & (k->n - 1)))
		rows = realloc(rows, (k->n ? 2 * k->n : 1) * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	k->rows = rows;
	rows[k->n] = (struct row_copy_row){0};
	return row_copy(&rows[k->n++], values, n);
}

void row_copy_truncate(struct row_copy *k, size_t n)
{
	struct row_copy_row *rows;
	size_t room = 1;

	for (size_t i = n; i < k->n; i++)
		row_free(&k->rows[i]);
	if (k->n > n)
		k->n = n;
	while (room < k->n)
		room *= 2;
	rows = realloc(k->rows, room * sizeof(*rows));
	k->rows = rows ? rows : k->rows;
}

void row_copy_free(struct row_copy *k)
{
	for (size_t i = 0; i < k->n; i++)
		row_free(&k->rows[i]);
	free(k->rows);
	*k = (struct row_copy){0};
}

static const struct value *value_of(const struct row_copy_row *row, const char *name)
{
	for (size_t i = 0; i < row->n; i++)
		if (!strcmp(row->values[i].name, name))
			return &row->values[i];
	return NULL;
}

const char *row_copy_text(const struct row_copy_row *row, const char *name)
{
	const struct value *v = value_of(row, name);

	return v && v->kind == VALUE_TEXT ? v->text : NULL;
}

int64_t row_copy_number(const struct row_copy_row *row, const char *name, int64_t other)
{
	const struct value *v = value_of(row, name);

	return v && v->kind == VALUE_INTEGER ? v->integer : other;
}
