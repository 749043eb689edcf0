/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query_internal.h - an open history that is read, for the files of queries.
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

/* " AND ..." terms on the columns of the table; sqlite3_free it. Values are
 * parameters with names. NULL: no memory. */
char *filter_condition(const struct query_filter *f, enum filter_table table);

/* Bind a number where the statement has a parameter of that name. */
void filter_bind_number(sqlite3_stmt *stmt, const char *name, int64_t number);

/* The time that flows of it lived in: from, before (0: any). */
int64_t filter_since(const struct query_filter *f);
int64_t filter_until(const struct query_filter *f);

/* Bind the parameters of the condition. */
void filter_bind(sqlite3_stmt *stmt, const struct query_filter *f);

/* The texts of a prefix's addresses, and of some others: low <= text < high. */
struct text_range {
	char low[ADDR_STRLEN + 1], high[ADDR_STRLEN + 1];
};
void filter_text_range(const struct prefix *p, struct text_range *out);

/* Register the function prefix6(address, prefix), which conditions use. Return SQLite's result
 * code. */
int filter_register(sqlite3 *db);

/* --- rows.c: rows to callbacks --------------------------------------------------- */

/* One row, copied, so that no transaction lasts while it is shown. */
struct row_buffer {
	struct value *values;
	size_t n, capacity;
	char *text;
	size_t text_size;
};

/* Note SQLite's failure; -errno. */
int query_fail(struct query *q, int rc);

/* The ids that 'ids' (of one column) answers, at most max; their number or
 * -errno. */
int query_ids(struct query *q, sqlite3_stmt *ids, int64_t *list, int max);

/* Shows the rows of a view ("SELECT * FROM view WHERE id = ?") by id. */
#define ROWS_AT_ONCE 64

struct row_shower {
	struct query *q;
	sqlite3_stmt *stmt;
	struct row_buffer buffers[ROWS_AT_ONCE];
	query_row_fn *fn;
	void *data;
	struct id_list *ids; /* not NULL: the ids are collected, nothing is shown */
};
struct id_list {
	int64_t *ids;
	size_t n, capacity;
};
int id_list_add(struct id_list *l, int64_t id); /* 0 or -ENOMEM */
int row_shower_open(struct row_shower *s, struct query *q, const char *sql, query_row_fn *fn,
		    void *data);
void row_shower_close(struct row_shower *s);
/* Show one row. Return 0 (shown, or deleted meanwhile), the result of fn, or -errno. */
int row_shower_show(struct row_shower *s, int64_t id);
/* The same for several rows, read ROWS_AT_ONCE per transaction. */
int row_shower_show_all(struct row_shower *s, const int64_t *ids, size_t n);

/* Show the rows of a statement, copied first: for few rows. Return 0, the result of fn, or
 * -errno. */
int query_show_all(struct query *q, sqlite3_stmt *stmt, query_row_fn *fn, void *data);

/* --- search.c: flows by slices ------------------------------------------------------ */

/* query_flows, with the shower open. */

int search_slices(struct query *q, const struct query_filter *f, struct row_shower *shower);

#endif
