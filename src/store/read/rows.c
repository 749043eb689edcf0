/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows.c - hands the rows of a view to a callback. A row is copied before it is shown, so no
 * transaction is open while a person pages through a listing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/read/query_internal.h"

int query_fail(struct query *q, int rc)
{
	int r = db_errno(rc);

	snprintf(q->error, sizeof(q->error), "%s: %s", q->path, sqlite3_errmsg(q->db));
	return r;
}

int query_ids(struct query *q, sqlite3_stmt *ids, int64_t *list, int max)
{
	int n = 0, rc = SQLITE_DONE;

	while (n < max && (rc = sqlite3_step(ids)) == SQLITE_ROW)
		list[n++] = sqlite3_column_int64(ids, 0);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		n = query_fail(q, rc);
	sqlite3_reset(ids);
	return n;
}

static void row_buffer_free(struct row_buffer *b)
{
	free(b->values);
	free(b->text);
	*b = (struct row_buffer){0};
}

static int columns_prepare(struct row_buffer *b, sqlite3_stmt *stmt)
{
	size_t n = (size_t)sqlite3_column_count(stmt);
	struct value *values;

	if (n > b->capacity) {
		values = realloc(b->values, n * sizeof(*values));
		if (!values)
			return -ENOMEM;
		b->values = values;
		b->capacity = n;
	}
	b->n = n;
	for (size_t i = 0; i < n; i++)
		b->values[i] = (struct value){.name = sqlite3_column_name(stmt, (int)i)};
	return 0;
}

/* Allocate room for all texts of a row at once, so that copying a text does not move the previous
 * ones. */
static int text_prepare(struct row_buffer *b, sqlite3_stmt *stmt)
{
	size_t size = 0;
	char *text;

	for (size_t i = 0; i < b->n; i++)
		if (sqlite3_column_type(stmt, (int)i) == SQLITE_TEXT)
			size += (size_t)sqlite3_column_bytes(stmt, (int)i) + 1;
	if (size <= b->text_size)
		return 0;
	text = realloc(b->text, size);
	if (!text)
		return -ENOMEM;
	b->text = text;
	b->text_size = size;
	return 0;
}

static size_t value_copy(struct value *v, sqlite3_stmt *stmt, int column, char *to)
{
	size_t size;

	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_INTEGER:
		v->kind = VALUE_INTEGER;
		v->integer = sqlite3_column_int64(stmt, column);
		return 0;
	case SQLITE_TEXT:
		size = (size_t)sqlite3_column_bytes(stmt, column);
		memcpy(to, sqlite3_column_text(stmt, column), size);
		to[size] = '\0';
		v->kind = VALUE_TEXT;
		v->text = to;
		return size + 1;
	case SQLITE_FLOAT:
		v->kind = VALUE_REAL;
		v->real = sqlite3_column_double(stmt, column);
		return 0;
	default: /* the views have no other types */
		return 0;
	}
}

static int row_buffer_fill(struct row_buffer *b, sqlite3_stmt *stmt)
{
	size_t used = 0;
	int r = columns_prepare(b, stmt);

	if (r == 0)
		r = text_prepare(b, stmt);
	for (size_t i = 0; r == 0 && i < b->n; i++)
		used += value_copy(&b->values[i], stmt, (int)i, b->text + used);
	return r;
}

int row_shower_open(struct row_shower *s, struct query *q, const char *sql, query_row_fn *fn,
		    void *data)
{
	int rc;

	*s = (struct row_shower){.q = q, .fn = fn, .data = data};
	rc = db_prepare(q->db, &s->stmt, sql);
	return rc == SQLITE_OK ? 0 : query_fail(q, rc);
}

void row_shower_close(struct row_shower *s)
{
	sqlite3_finalize(s->stmt);
	for (int i = 0; i < ROWS_AT_ONCE; i++)
		row_buffer_free(&s->buffers[i]);
}

int id_list_add(struct id_list *l, int64_t id)
{
	if (l->n == l->capacity) {
		size_t capacity = l->capacity ? 2 * l->capacity : 256;
		int64_t *grown = realloc(l->ids, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		l->ids = grown;
		l->capacity = capacity;
	}
	l->ids[l->n++] = id;
	return 0;
}

/* Read a row into the buffer. Return 1 if the row was read, 0 if the row does not exist, or -errno.
 * If s->ids is set, only add the id to that list, and return 0 or -ENOMEM. */
static int row_read(struct row_shower *s, int64_t id, struct row_buffer *b)
{
	int r = 0, rc;

	if (s->ids)
		return id_list_add(s->ids, id);
	sqlite3_bind_int64(s->stmt, 1, id);
	rc = sqlite3_step(s->stmt);
	if (rc == SQLITE_ROW)
		r = row_buffer_fill(b, s->stmt);
	else if (rc != SQLITE_DONE)
		r = query_fail(s->q, rc);
	sqlite3_reset(s->stmt);
	return r < 0 ? r : rc == SQLITE_ROW;
}

/* Read several rows in one transaction. A transaction per row would take longer than reading the
 * row. */
static int rows_read(struct row_shower *s, const int64_t *ids, size_t n, size_t *n_read)
{
	int r = 0, rc = db_exec(s->q->db, "BEGIN");

	*n_read = 0;
	if (rc != SQLITE_OK)
		return query_fail(s->q, rc);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		r = row_read(s, ids[i], &s->buffers[*n_read]);
		*n_read += r > 0;
	}
	db_exec(s->q->db, "COMMIT");
	return r < 0 ? r : 0;
}

int row_shower_show_all(struct row_shower *s, const int64_t *ids, size_t n)
{
	int r = 0;

	for (size_t at = 0; r == 0 && at < n; at += ROWS_AT_ONCE) {
		size_t n_read;

		r = rows_read(s, ids + at, n - at < ROWS_AT_ONCE ? n - at : ROWS_AT_ONCE, &n_read);
		for (size_t i = 0; r == 0 && i < n_read; i++)
			r = s->fn(s->data, s->buffers[i].values, s->buffers[i].n);
	}
	return r;
}

int row_shower_show(struct row_shower *s, int64_t id)
{
	return row_shower_show_all(s, &id, 1);
}

static int rows_collect(struct query *q, sqlite3_stmt *stmt, struct row_buffer **rows, size_t *n)
{
	int r = 0, rc;

	while (r == 0 && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
		struct row_buffer *grown;

		if (rc != SQLITE_ROW)
			return query_fail(q, rc);
		grown = realloc(*rows, (*n + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		*rows = grown;
		grown[*n] = (struct row_buffer){0};
		r = row_buffer_fill(&grown[(*n)++], stmt);
	}
	sqlite3_reset(stmt);
	return r;
}

int query_show_all(struct query *q, sqlite3_stmt *stmt, query_row_fn *fn, void *data)
{
	struct row_buffer *rows = NULL;
	size_t n = 0;
	int r = rows_collect(q, stmt, &rows, &n);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = fn(data, rows[i].values, rows[i].n);
	for (size_t i = 0; i < n; i++)
		row_buffer_free(&rows[i]);
	free(rows);
	return r;
}
