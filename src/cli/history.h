/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history.h - a listing from the history: query in, rendered rows out. flows,
 * mismatches and gaps differ by their columns and their query only.
 */
#ifndef WAYMARK_SRC_CLI_HISTORY_H
#define WAYMARK_SRC_CLI_HISTORY_H

#include "cli/cli.h"
#include "waymark/store/query.h"

typedef int history_query_fn(struct query *q, const struct query_filter *f, query_row_fn *fn,
			     void *data);

struct history {
	const struct column *columns; /* names as the view has them */
	size_t n_columns;
	history_query_fn *query;
	const char *none;	 /* "no flows": what is said of an empty table */
	const char *flow_column; /* rows are about a flow, whose id is here: --live and
				  * --verdict ask for that flow; NULL: the query does it */
};

/* Opens the history; NULL with a message printed. */
struct query *history_open(const char *path);

/* What relative times count from. */
int64_t history_now_ms(void);

enum exit_status history_show(const struct invocation *in, const struct history *h);

#endif
