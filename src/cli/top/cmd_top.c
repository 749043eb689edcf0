/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_top.c - `waymark top`: a live view on a terminal.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/database.h"
#include "cli/egress_name.h"
#include "cli/running.h"
#include "cli/top/top.h"

/* Print what `waymark explain ID` prints, but without colours and without a pager. data is a struct
 * invocation. */
static void flow_explain(const void *data, int64_t flow_id)
{
	struct invocation in = *(const struct invocation *)data;
	char id[24];

	snprintf(id, sizeof(id), "%" PRId64, flow_id);
	in.operand = in.operands[0] = id;
	in.style.has_colour = false;
	in.style.height = 0;
	cmd_explain(&in);
}

static enum exit_status view_run(const struct invocation *in, const struct config *config,
				 const char *database)
{
	struct top_data *t = calloc(1, sizeof(*t));
	int err;

	if (!t) {
		cli_error("cannot start top: out of memory");
		return CLI_FAILED;
	}
	t->config = config;
	t->database = database;
	for (size_t i = 0; i < config->n_uplinks; i++)
		egress_name_add(config->uplinks[i].name, config->uplinks[i].ifname);
	err = top_screen_run(t, flow_explain, in);
	if (err)
		cli_error("top: the terminal '%s' cannot move the cursor (set TERM, or use "
			  "'waymark status' or 'waymark watch')",
			  getenv("TERM") ? getenv("TERM") : "");
	top_data_clear(t);
	free(t);
	return err ? CLI_FAILED : CLI_DONE;
}

enum exit_status cmd_top(const struct invocation *in)
{
	enum exit_status status;
	struct config *config;
	char *database = NULL;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		cli_error("top needs a terminal (in a script, use 'waymark status --json')");
		return CLI_FAILED;
	}
	status = running_config(in, &config);
	if (config)
		status = database_find(in, &database);
	if (database)
		status = view_run(in, config, database);
	free(database);
	config_free(config);
	return status;
}
