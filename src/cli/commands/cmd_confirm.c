/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_confirm.c - `waymark confirm`: confirms what `waymark apply --confirm` has installed, so that
 * it is not undone.
 */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands/apply_report.h"
#include "cli/commands/confirm_guard.h"

enum exit_status cmd_confirm(const struct invocation *in)
{
	struct config *config = cli_config(in);
	int err;

	if (!config)
		return CLI_FAILED;
	err = confirm_guard_confirm(config);
	if (err == -ENOENT) {
		err = apply_report_ask(config->control_socket, "confirm", "confirm", NULL);
		if (err > 0) {
			config_free(config);
			return CLI_FAILED;
		}
		err = err ? -ENOENT : 0;
	}
	config_free(config);
	if (!err) {
		puts("confirm: the steering stays installed");
		return CLI_DONE;
	}
	if (err == -ENOENT)
		cli_error("confirm: nothing to confirm (a change that is not confirmed in time is "
			  "undone)");
	else
		cli_error("confirm: %s", strerror(-err));
	return CLI_FAILED;
}
