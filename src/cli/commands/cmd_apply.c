/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_apply.c - `waymark apply`: installs the steering, or changes nothing.
 */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/error_lines.h"
#include "waymark/steering/steering.h"

/* A daemon that runs has chosen the events, and would put its own choice back. */
static void events_follow(struct steering *steering, const struct config *c)
{
	struct answer a;

	if (c->events != EVENTS_AUTO || client_answer(c->control_socket, "status", &a))
		return;
	steering_set_minimal_events(steering, a.events.mode && !strcmp(a.events.mode, "minimal"));
	answer_free(&a);
}

enum exit_status cmd_apply(const struct invocation *in)
{
	struct config *config = cli_config(in);
	struct steering *steering = NULL;
	struct error_lines relay = {0};
	enum exit_status status = CLI_FAILED;
	int err;

	if (!config)
		return CLI_FAILED;
	if (!cli_has_privilege(in))
		goto out;
	err = error_lines_open(&relay);
	if (!err) {
		steering = steering_open(config);
		if (steering)
			events_follow(steering, config);
		err = steering ? steering_apply(steering, relay.stream) : -errno;
	}
	error_lines_close(&relay, "apply", err);
	if (!err)
		status = CLI_DONE;
out:
	steering_close(steering);
	config_free(config);
	return status;
}
