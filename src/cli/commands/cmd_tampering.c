/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_tampering.c - `waymark tampering`: lists what other processes changed in the
 * steering, which process did it, and what waymarkd did about it.
 */
#include "cli/history.h"

static const struct column columns[] = {
	{.name = "time", .type = COLUMN_TIME},
	{.name = "what"},
	{.name = "pid", .type = COLUMN_NUMBER, .rank = 1},
	{.name = "process"},
	{.name = "action"},
};

static int tampering_query(struct query *q, const struct flow_filter *f, query_row_fn *fn,
			   void *data)
{
	return query_tampering(q, &f->q, fn, data);
}

enum exit_status cmd_tampering(const struct invocation *in)
{
	static const struct history tampering = {
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(*columns),
		.query = tampering_query,
		.rows_name = "records of tampering",
	};

	return history_show(in, &tampering);
}
