/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query_internal.h - the open history, shared by the files that read it.
 */
#ifndef WAYMARK_SRC_STORE_READ_QUERY_INTERNAL_H
#define WAYMARK_SRC_STORE_READ_QUERY_INTERNAL_H

#include <sqlite3.h>

#include "waymark/store/query.h"

struct query {
	char *path;
	sqlite3 *db;
	char error[256];
};

/* --- filter.c: a filter as a condition on a base table --------------------------- */

enum filter_table { FILTER_FLOW, FILTER_MISMATCH };

/* Return the filter's condition as text: " AND ..." terms on the columns of the table. Values are
 * named parameters. NULL: no memory. The caller frees the text with sqlite3_free(). */
char *filter_condition(const struct query_filter *f, enum filter_table table);

/* Bind a number if the statement has a parameter with this name. */
void filter_bind_number(sqlite3_stmt *stmt, const char *name, int64_t number);

/* The filter selects flows that were live at some time from filter_since() to filter_until()
 * (exclusive); 0: no limit. */
int64_t filter_since(const struct query_filter *f);
int64_t filter_until(const struct query_filter *f);

/* Bind the parameters of the condition. */
void filter_bind(sqlite3_stmt *stmt, const struct query_filter *f);

/* The range low <= text < high. It contains the texts of all addresses of a prefix, and possibly
 * texts of other addresses. */
struct text_range {
	char low[ADDR_STRLEN + 1], high[ADDR_STRLEN + 1];
};
void filter_text_range(const struct prefix *p, struct text_range *out);

/* Register the function prefix6(address, prefix), which conditions use. Return SQLite's result
 * code. */
int filter_register(sqlite3 *db);

/* --- rows.c: hands rows to callbacks --------------------------------------------- */

/* A copy of one row, so that no transaction is open while the row is shown. */
struct row_buffer {
	struct value *values;
	size_t n, capacity;
	char *text;
	size_t text_size;
};

/* Note SQLite's message in q->error. Return the -errno of the result code rc. */
int query_fail(struct query *q, int rc);

/* Fetch at most `max` ids from the one-column statement 'ids'. Return the number of ids or
 * -errno. */
int query_ids(struct query *q, sqlite3_stmt *ids, int64_t *list, int max);

/* Shows rows of a view ("SELECT * FROM view WHERE id = ?") by id. */
#define ROWS_AT_ONCE 64

struct row_shower {
	struct query *q;
	sqlite3_stmt *stmt;
	struct row_buffer buffers[ROWS_AT_ONCE];
	query_row_fn *fn;
	void *data;
	struct id_list *ids; /* if not NULL, add the ids to this list and show nothing */
};
struct id_list {
	int64_t *ids;
	size_t n, capacity;
};
int id_list_add(struct id_list *l, int64_t id); /* 0 or -ENOMEM */
int row_shower_open(struct row_shower *s, struct query *q, const char *sql, query_row_fn *fn,
		    void *data);
void row_shower_close(struct row_shower *s);
/* Show one row, or nothing if the row does not exist. Return 0, the result of fn, or -errno. */
int row_shower_show(struct row_shower *s, int64_t id);
/* Show several rows. Each transaction reads at most ROWS_AT_ONCE rows. Return what
 * row_shower_show() returns. */
int row_shower_show_all(struct row_shower *s, const int64_t *ids, size_t n);

/* Copy all rows of a statement, then show them. Use this for statements with few rows. Return 0,
 * the result of fn, or -errno. */
int query_show_all(struct query *q, sqlite3_stmt *stmt, query_row_fn *fn, void *data);

/* --- search.c: finds flows slice by slice ------------------------------------------- */

/* Find the flows that match the filter, and hand their rows to the open shower, newest first.
 * Return 0, the result of the shower's fn, or -errno. */

int search_slices(struct query *q, const struct query_filter *f, struct row_shower *shower);

#endif
