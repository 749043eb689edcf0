/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_coverage.c - `waymark coverage`: lists for each hour and uplink how many packets left, how
 * many of these packets the history accounts for, and why the rest are missing. Before that, the
 * command makes a running daemon read the counters, so that the list is current.
 */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/history.h"

/* Maximum number of times that this command asks whether the table dump has ended. The dump of a
 * large table takes seconds. */
#define LOOK_PAUSES 200

static const struct column columns[] = {
	{.name = "hour", .type = COLUMN_TIME},
	{.name = "uplink"},
	{.name = "started", .type = COLUMN_TIME, .is_detail = true},
	{.name = "ended", .type = COLUMN_TIME, .is_detail = true},
	{.name = "left_packets", .type = COLUMN_NUMBER},
	{.name = "left_bytes", .type = COLUMN_SIZE, .rank = 6},
	{.name = "seen_packets", .type = COLUMN_NUMBER, .rank = 5},
	{.name = "seen_bytes", .type = COLUMN_SIZE, .rank = 7},
	{.name = "share", .type = COLUMN_NUMBER},
	{.name = "missing_packets", .type = COLUMN_NUMBER},
	{.name = "untracked", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "untracked_example", .is_detail = true},
	{.name = "rules_missing", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "offloaded", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "predating", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "gap", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "uncounted", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "other", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "split_packets", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "unasked", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "unasked_example", .is_detail = true},
	{.name = "rules_packets", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "rules_bytes", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "link_packets", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "link_bytes", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "causes"},
};

static int coverage_query(struct query *q, const struct flow_filter *f, query_row_fn *fn,
			  void *data)
{
	return query_coverage(q, &f->q, fn, data);
}

/* Make the daemon dump the conntrack table, and wait until the result is in the history. If this
 * takes too long, print a message. Return 0 in both cases, or -errno. */
static int daemon_look(const char *path)
{
	struct answer a;
	int err = client_answer(path, "look", &a);
	int64_t due = err ? 0 : a.comparisons_due;

	for (int i = 0; !err && a.comparisons < due && i < LOOK_PAUSES; i++) {
		answer_free(&a);
		client_pause();
		err = client_answer(path, "status", &a);
	}
	if (err)
		return err;
	if (a.comparisons < due)
		cli_error("waymarkd is still reading the conntrack table: the newest interval is "
			  "not shown yet");
	answer_free(&a);
	return 0;
}

/* Show the listing. If --database is given without --socket, do not ask the daemon: the listing
 * then ends with the last interval in the history. */
enum exit_status cmd_coverage(const struct invocation *in)
{
	static const struct history coverage = {
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(*columns),
		.query = coverage_query,
		.rows_name = "intervals of coverage",
	};
	bool is_alone = in->values[OPTION_DATABASE] && !in->values[OPTION_SOCKET];
	char *path = is_alone ? NULL : cli_socket(in);
	int err;

	if (!path && !is_alone)
		return CLI_FAILED;
	err = path ? daemon_look(path) : 0;
	if (err) {
		client_explain(path, err);
		cli_error("only the intervals in the history are shown; the coverage since the "
			  "newest interval is unknown");
	}
	free(path);
	return history_show(in, &coverage);
}
