/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_gaps.c - `waymark gaps`: the times in which something may have been
 * missed, newest first.
 */
#include "cli/history.h"

static const struct column columns[] = {
	{.name = "id", .type = COLUMN_NUMBER},
	{.name = "started"},
	{.name = "ended"},
	{.name = "source"},
	{.name = "lost", .type = COLUMN_NUMBER},
	{.name = "reason"},
};

enum exit_status cmd_gaps(const struct invocation *in)
{
	static const struct history gaps = {
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(*columns),
		.query = query_gaps,
		.none = "no gaps",
	};

	return history_show(in, &gaps);
}
