/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_gaps.c - `waymark gaps`: lists the intervals in which events or evidence may have
 * been lost.
 */
#include "cli/history.h"

static const struct column columns[] = {
	{.name = "id", .type = COLUMN_NUMBER, .rank = 8}, {.name = "started", .type = COLUMN_TIME},
	{.name = "ended", .type = COLUMN_TIME},		  {.name = "source"},
	{.name = "lost", .type = COLUMN_NUMBER},	  {.name = "reason"},
};

static int gaps_query(struct query *q, const struct flow_filter *f, query_row_fn *fn, void *data)
{
	return query_gaps(q, &f->q, fn, data);
}

enum exit_status cmd_gaps(const struct invocation *in)
{
	static const struct history gaps = {
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(*columns),
		.query = gaps_query,
		.rows_name = "gaps",
	};

	return history_show(in, &gaps);
}
