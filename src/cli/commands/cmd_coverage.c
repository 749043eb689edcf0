/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_coverage.c - `waymark coverage`: by hour and uplink how much left, how much of it
 * is in the history, and why the rest is not. The daemon, where it runs, looks first, so
 * that the answer is of now.
 */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/history.h"

/* A look at a big table takes seconds. */
#define LOOK_PAUSES 200

static const struct column columns[] = {
	{.name = "hour"},
	{.name = "uplink"},
	{.name = "started", .is_detail = true},
	{.name = "ended", .is_detail = true},
	{.name = "left_packets", .type = COLUMN_NUMBER},
	{.name = "left_bytes", .type = COLUMN_NUMBER},
	{.name = "seen_packets", .type = COLUMN_NUMBER},
	{.name = "seen_bytes", .type = COLUMN_NUMBER},
	{.name = "share", .type = COLUMN_NUMBER},
	{.name = "missing_packets", .type = COLUMN_NUMBER},
	{.name = "untracked", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "rules_missing", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "offloaded", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "predating", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "gap", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "uncounted", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "other", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "split_packets", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "rules_packets", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "rules_bytes", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "link_packets", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "link_bytes", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "causes"},
};

/* Asks for a look and waits until what it found is in the history. 0 or -errno. */
static int daemon_look(const char *path)
{
	struct answer a;
	int err = client_answer(path, "look", &a);
	int64_t due = err ? 0 : a.looks_due;

	for (int i = 0; !err && a.looks < due && i < LOOK_PAUSES; i++) {
		answer_free(&a);
		client_pause();
		err = client_answer(path, "status", &a);
	}
	if (err)
		return err;
	if (a.looks < due)
		cli_error("the daemon looks at a big table still; what is shown ends before it");
	answer_free(&a);
	return 0;
}

/* The history alone has an answer, too, but not of now. */
enum exit_status cmd_coverage(const struct invocation *in)
{
	static const struct history coverage = {
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(*columns),
		.query = query_coverage,
		.none = "no coverage",
	};
	struct config *c = in->values[OPTION_DATABASE] ? NULL : cli_config(in);
	int err;

	if (!c && !in->values[OPTION_DATABASE])
		return CLI_FAILED;
	err = c ? daemon_look(c->control_socket) : 0;
	if (err) {
		client_explain(c->control_socket, err);
		cli_error("what is shown ends with what the history knows; since then nothing is "
			  "known");
	}
	config_free(c);
	return history_show(in, &coverage);
}
