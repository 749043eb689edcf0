/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_remove.c - `waymark remove`: removes everything that Waymark has installed, and restores what
 * Waymark has replaced.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands/apply_report.h"
#include "cli/error_lines.h"
#include "waymark/steering/steering.h"

enum exit_status cmd_remove(const struct invocation *in)
{
	struct config *config = cli_config(in);
	struct steering *steering = NULL;
	struct error_lines relay = {0};
	struct steering_counts report = {0};
	enum exit_status status = CLI_FAILED;
	int err;

	if (!config)
		return CLI_FAILED;
	err = apply_report_ask(config->control_socket, "remove", "remove", "removed or restored");
	if (err >= 0) {
		status = err ? CLI_FAILED : CLI_DONE;
		goto out;
	}
	if (!cli_has_privilege(in))
		goto out;
	err = error_lines_open(&relay);
	if (!err) {
		steering = steering_open(config);
		if (steering)
			steering_set_change(steering, apply_report_count, &report);
		err = steering ? steering_remove(steering, relay.stream) : -errno;
	}
	error_lines_close(&relay, "remove", err);
	if (!err) {
		apply_report_print(&report, "remove", "removed or restored", stdout);
		status = CLI_DONE;
	}
out:
	steering_close(steering);
	config_free(config);
	return status;
}
