/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_apply.c - `waymark apply`: installs the whole steering or, on an error, changes nothing. If
 * --confirm is given, the change is undone unless `waymark confirm` is run before the deadline.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands/apply_report.h"
#include "cli/commands/confirm_guard.h"
#include "cli/error_lines.h"
#include "cli/follow.h"
#include "waymark/base/units.h"
#include "waymark/steering/steering.h"

/* Maximum duration in seconds that --confirm accepts. */
#define CONFIRM_MAX_S 86400

struct applying {
	struct config *config;
	struct steering *steering;
	uint64_t confirm_s; /* seconds until an unconfirmed change is undone; 0: no --confirm */
};

static void confirm_print(const struct applying *a)
{
	char command[CONFIG_COMMAND_SIZE];

	if (a->confirm_s)
		printf("apply: run '%s' within %" PRIu64 " s, or the change is undone\n",
		       config_command(a->config, command, sizeof(command), "confirm"),
		       a->confirm_s);
}

static int apply(void *data)
{
	struct applying *a = data;
	struct steering_counts report = {0};
	struct error_lines relay = {0};
	int err = error_lines_open(&relay);

	if (!err) {
		a->steering = steering_open(a->config);
		err = a->steering ? 0 : -errno;
	}
	if (!err) {
		follow_daemon(a->steering, a->config);
		steering_set_change(a->steering, apply_report_count, &report);
		err = a->confirm_s ? steering_apply_held(a->steering, relay.stream)
				   : steering_apply(a->steering, relay.stream);
		steering_set_change(a->steering, NULL, NULL);
	}
	error_lines_close(&relay, "apply", err);
	if (err)
		return CLI_FAILED;
	apply_report_print(&report, "apply", "installed", stdout);
	confirm_print(a);
	return CLI_DONE;
}

static int undo(void *data)
{
	struct applying *a = data;

	return steering_undo(a->steering, NULL) ? CLI_FAILED : CLI_DONE;
}

static enum exit_status apply_guarded(struct applying *a)
{
	int status = confirm_guard_run(a->config, a->confirm_s, apply, undo, a);
	char command[CONFIG_COMMAND_SIZE];

	if (status >= 0)
		return (enum exit_status)status;
	if (status == -EALREADY)
		cli_error("apply: an earlier apply is not confirmed yet (run '%s', or wait until "
			  "its change is undone)",
			  config_command(a->config, command, sizeof(command), "confirm"));
	else
		cli_error("apply: cannot start the process that undoes an unconfirmed change: %s",
			  strerror(-status));
	return CLI_FAILED;
}

static bool is_no_daemon(int err)
{
	return err == -ENOENT || err == -ECONNREFUSED;
}

/* If a daemon is running, ask the daemon to apply the file: the daemon would revert changes that
 * this process makes. If no daemon is running, apply the file in this process. */
static enum exit_status apply_anyhow(struct applying *a, const struct invocation *in)
{
	char request[PATH_MAX + 64];
	int err;

	snprintf(request, sizeof(request), "apply %" PRIu64 " %s", a->confirm_s, in->config_path);
	err = apply_report_ask(a->config->control_socket, request, "apply", "installed");
	if (!err)
		confirm_print(a);
	if (err >= 0)
		return err ? CLI_FAILED : CLI_DONE;
	if (!is_no_daemon(err)) {
		client_explain(a->config->control_socket, err);
		return CLI_FAILED;
	}
	if (!cli_has_privilege(in))
		return CLI_FAILED;
	return a->confirm_s ? apply_guarded(a) : (enum exit_status)apply(a);
}

static bool confirm_parse(struct applying *a, const char *text)
{
	if (!text)
		return true;
	if (!duration_parse(&a->confirm_s, text) && a->confirm_s && a->confirm_s <= CONFIRM_MAX_S)
		return true;
	cli_error("apply: --confirm \"%s\": expected a duration of 1s to 1 day, such as 60s", text);
	return false;
}

enum exit_status cmd_apply(const struct invocation *in)
{
	struct applying a = {0};
	enum exit_status status;

	if (!confirm_parse(&a, in->values[OPTION_CONFIRM]))
		return CLI_USAGE;
	a.config = cli_config(in);
	if (!a.config)
		return CLI_FAILED;
	status = apply_anyhow(&a, in);
	steering_close(a.steering);
	config_free(a.config);
	return status;
}
