/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_mismatches.c - `waymark mismatches`: lists the mismatches in the history (view `mismatches`),
 * newest first.
 */
#include "cli/history.h"

static const struct column columns[] = {
	{.name = "id", .type = COLUMN_NUMBER},
	{.name = "time", .type = COLUMN_TIME},
	{.name = "flow_id", .type = COLUMN_NUMBER},
	{.name = "proto"},
	{.name = "src"},
	{.name = "sport", .type = COLUMN_NUMBER},
	{.name = "dst"},
	{.name = "dport", .type = COLUMN_NUMBER},
	{.name = "direction"},
	{.name = "mark", .type = COLUMN_NUMBER},
	{.name = "expected"},
	{.name = "egress"},
	{.name = "reason"},
	{.name = "evidence"},
	{.name = "packets", .type = COLUMN_NUMBER},
};

static const struct brief_column brief[] = {
	{{.name = "id", .type = COLUMN_NUMBER, .rank = 8}, NULL},
	{{.name = "time", .type = COLUMN_TIME}, NULL},
	/* If the table is too wide, this column is omitted last. It can be omitted only while
	 * column `flow` is shown in full, because `explain` needs one of the two. */
	{{.name = "flow_id", .type = COLUMN_NUMBER, .rank = 1, .is_handle = true}, NULL},
	{{.name = "flow", .is_flow = true}, brief_flow},
	{{.name = "path"}, brief_path},
	{{.name = "reason"}, NULL},
	{{.name = "direction", .rank = 5}, NULL},
	{{.name = "evidence", .rank = 7}, NULL},
	{{.name = "packets", .type = COLUMN_NUMBER, .rank = 6}, NULL},
};

enum exit_status cmd_mismatches(const struct invocation *in)
{
	static const struct history mismatches = {
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(*columns),
		.brief = brief,
		.n_brief = sizeof(brief) / sizeof(*brief),
		.query = history_mismatches,
		.rows_name = "mismatches",
		.flow_column = "flow_id",
	};

	return history_show(in, &mismatches);
}
