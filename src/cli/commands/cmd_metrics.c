/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_metrics.c - `waymark metrics`: the daemon's counters in Prometheus' text
 * format, for a script. Said also where there is no daemon: "down" must not look
 * like "nothing".
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "waymark/status/metrics.h"

static enum exit_status metrics_show(const char *text)
{
	struct answer a;
	int err = answer_parse(&a, text);
	const char *why = err ? strerror(-err) : a.error;

	if (why)
		cli_error("the daemon's answer is of no use: %s", why);
	else
		metrics_print(stdout, &a);
	if (!err)
		answer_free(&a);
	return why ? CLI_FAILED : CLI_DONE;
}

enum exit_status cmd_metrics(const struct invocation *in)
{
	struct config *config = cli_config(in);
	enum exit_status status;
	char *text = NULL;
	int err;

	if (!config)
		return CLI_FAILED;
	err = client_ask(config->control_socket, "status", &text);
	if (err) {
		metrics_print(stdout, NULL);
		status = client_explain(config->control_socket, err);
	} else {
		status = metrics_show(text);
	}
	free(text);
	config_free(config);
	return status;
}
