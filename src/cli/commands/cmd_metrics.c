/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_metrics.c - `waymark metrics`: prints the daemon's counters in the text format of Prometheus.
 * If no daemon answers, it prints `waymark_up 0`, because an empty output looks like success.
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
		cli_error("invalid reply from waymarkd: %s", why);
	else
		metrics_print(stdout, &a);
	if (!err)
		answer_free(&a);
	return why ? CLI_FAILED : CLI_DONE;
}

enum exit_status cmd_metrics(const struct invocation *in)
{
	char *path = cli_socket(in);
	enum exit_status status;
	char *text = NULL;
	int err;

	if (!path)
		return CLI_FAILED;
	err = client_ask(path, "status", &text);
	if (err) {
		metrics_print(stdout, NULL);
		status = client_explain(path, err);
	} else {
		status = metrics_show(text);
	}
	free(text);
	free(path);
	return status;
}
