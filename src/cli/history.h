/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history.h - a listing: query in, rendered rows out. The commands differ by their
 * columns and their query only.
 */
#ifndef WAYMARK_SRC_CLI_HISTORY_H
#define WAYMARK_SRC_CLI_HISTORY_H

#include "cli/cli.h"
#include "cli/filter.h"
#include "waymark/store/query.h"

typedef int history_query_fn(struct query *q, const struct flow_filter *f, query_row_fn *fn,
			     void *data);

/* A column that people read and no view has: made of several. */
struct brief_column {
	struct column column;
	/* Adds the cell; NULL: the view's value of that name. */
	void (*show)(struct render *r, const struct value *values, size_t n);
};

struct history {
	const struct column *columns; /* as the view has them */
	size_t n_columns;
	const struct brief_column *brief; /* of tables, unless they are wide; NULL: columns */
	size_t n_brief;
	history_query_fn *query;
	const char *rows_name;	 /* "flows", for the message about an empty table */
	const char *flow_column; /* rows are about a flow, whose id is here; NULL: they are
				  * flows themselves, or nothing of the kind */
	const char *sort;	 /* the column that orders rows without --sort, or NULL */
	bool is_flows;		 /* rows are flows, judged one by one */
	bool is_newest_last;	 /* rows stay in the query's order, on a terminal, too */
};

int history_flows(struct query *q, const struct flow_filter *f, query_row_fn *fn, void *data);
int history_mismatches(struct query *q, const struct flow_filter *f, query_row_fn *fn, void *data);

/* Open the history; NULL with a message printed. */
struct query *history_open(const char *path);

enum exit_status history_show(const struct invocation *in, const struct history *h);

/* The same with a filter made by the caller. */
enum exit_status history_show_filtered(const struct invocation *in, const struct history *h,
				       struct flow_filter *f);

/* Cells that several listings have: 'tcp A:P > B:Q', as explain takes it; wan2→wan1. */
void brief_flow(struct render *r, const struct value *values, size_t n);
void brief_path(struct render *r, const struct value *values, size_t n);
void brief_format_flow(char *buf, size_t size, const struct value *values, size_t n);

#endif
