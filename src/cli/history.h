/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history.h - shows a listing: runs a query and renders its rows. Commands differ only in their
 * columns and their query.
 */
#ifndef WAYMARK_SRC_CLI_HISTORY_H
#define WAYMARK_SRC_CLI_HISTORY_H

#include "cli/cli.h"
#include "cli/filter.h"
#include "waymark/store/query.h"

typedef int history_query_fn(struct query *q, const struct flow_filter *f, query_row_fn *fn,
			     void *data);

/* A column of the brief table, which is the default format on a terminal. A cell may combine
 * several values of the view. */
struct brief_column {
	struct column column;
	/* Add the cell. If show is NULL, the cell is the value of the view's column with this
	 * name. */
	void (*show)(struct render *r, const struct value *values, size_t n);
};

struct history {
	const struct column *columns; /* the columns of the view */
	size_t n_columns;
	/* columns of the brief table; NULL: tables show `columns` */
	const struct brief_column *brief;
	size_t n_brief;
	history_query_fn *query;
	const char *rows_name;	 /* "flows", for the message that a table is empty */
	const char *flow_column; /* the column with the id of the flow that a row refers to; NULL:
				  * rows are flows, or refer to no flow */
	const char *sort;	 /* the column to sort by if --sort is not given; NULL: none */
	bool is_flows;		 /* rows are flows; filter_fits_flow() tests each of them */
	bool is_newest_last;	 /* the query returns the newest row last; otherwise, a terminal
				  * shows the rows in reverse order */
};

int history_flows(struct query *q, const struct flow_filter *f, query_row_fn *fn, void *data);
int history_mismatches(struct query *q, const struct flow_filter *f, query_row_fn *fn, void *data);

/* Open the history at path. Return NULL after printing a message. */
struct query *history_open(const char *path);

enum exit_status history_show(const struct invocation *in, const struct history *h);

/* Show the listing as history_show() does, but with the caller's filter *f instead of the filter
 * from the options. */
enum exit_status history_show_filtered(const struct invocation *in, const struct history *h,
				       struct flow_filter *f);

/* Functions for the cells of several listings. brief_flow() writes a flow as 'tcp A:P > B:Q', a
 * form that `waymark explain` accepts. brief_path() writes a path as wan2→wan1. brief_format_flow()
 * writes the text of a flow to buf. */
void brief_flow(struct render *r, const struct value *values, size_t n);
void brief_path(struct render *r, const struct value *values, size_t n);
void brief_format_flow(char *buf, size_t size, const struct value *values, size_t n);

#endif
