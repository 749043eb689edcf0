/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_rules.c - `waymark rules`: prints what `apply` would install.
 */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "waymark/steering/steering.h"

enum exit_status cmd_rules(const struct invocation *in)
{
	struct config *config = cli_config(in);
	struct steering *steering = NULL;
	enum exit_status status = CLI_FAILED;
	int err;

	if (!config)
		return CLI_FAILED;
	steering = steering_open(config);
	err = steering ? steering_print(steering, stdout) : -errno;
	if (err)
		cli_error("rules: cannot read links, addresses and routes: %s", strerror(-err));
	else
		status = CLI_DONE;
	steering_close(steering);
	config_free(config);
	return status;
}
