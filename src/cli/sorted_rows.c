/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sorted_rows.c - collects rows and keeps the first ones. Whenever there are twice as many rows as
 * the limit, the rows are sorted and the second half is dropped, so that memory stays bounded.
 */
#include "cli/sorted_rows.h"

#include <stdlib.h>
#include <string.h>

#include "cli/filter.h"

static double number_of(const struct value *v)
{
	return v->kind == VALUE_REAL ? v->real : (double)v->integer;
}

static int compare(const void *a, const void *b, void *column)
{
	const struct row_copy_row *x = a, *y = b;
	const struct value *left = value_find(x->values, x->n, column),
			   *right = value_find(y->values, y->n, column);

	if (!left || !right)
		return (left == NULL) - (right == NULL);
	if (left->kind == VALUE_TEXT && right->kind == VALUE_TEXT)
		return strcmp(left->text, right->text);
	if (left->kind == VALUE_TEXT || right->kind == VALUE_TEXT)
		return (left->kind == VALUE_TEXT) - (right->kind == VALUE_TEXT);
	return (number_of(left) < number_of(right)) - (number_of(left) > number_of(right));
}

void sorted_rows_finish(struct sorted_rows *s)
{
	if (!s->rows.n)
		return;
	qsort_r(s->rows.rows, s->rows.n, sizeof(*s->rows.rows), compare,
		(void *)(uintptr_t)s->column);
	if (s->limit && s->rows.n > s->limit)
		row_copy_truncate(&s->rows, s->limit);
}

int sorted_rows_add(struct sorted_rows *s, const struct value *values, size_t n)
{
	int err = row_copy_add(&s->rows, values, n);

	if (!err && s->limit && s->rows.n >= 2 * s->limit)
		sorted_rows_finish(s);
	return err;
}
