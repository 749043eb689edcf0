/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_diff.c - `waymark diff`: compares the installed table, ip rules, routes and sysctls with the
 * configuration, and shows the differences.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "cli/cli.h"
#include "cli/follow.h"
#include "waymark/base/shell.h"
#include "waymark/plan/ruleset.h"
#include "waymark/steering/steering.h"

static const char *const table_name = "table " RULESET_FAMILY " " RULESET_TABLE;

static const char *command_of(const struct steering_difference *d)
{
	switch (d->thing) {
	case STEERING_RULE:
		return d->family == AF_INET6 ? "ip -6 rule " : "ip -4 rule ";
	case STEERING_ROUTE:
		return d->family == AF_INET6 ? "ip -6 route " : "ip -4 route ";
	case STEERING_SYSCTL:
		return "sysctl ";
	default:
		return "";
	}
}

/* Print a difference as diff(1) does: "-" precedes what is installed but not configured, "+" what
 * is configured but not installed. */
static void difference_print(void *data, const struct steering_difference *d)
{
	const struct invocation *in = data;
	const char *on = !in->style.has_colour ? "" : d->is_missing ? "\033[32m" : "\033[31m";
	char text[1200];

	printf("%s%c ", on, d->is_missing ? '+' : '-');
	if (d->thing == STEERING_RULESET)
		printf("%s%s%s", table_name, *d->text ? ": " : "", d->text);
	else
		printf("%s%s", command_of(d), shell_line(text, sizeof(text), d->text));
	printf("%s\n", *on ? "\033[0m" : "");
}

enum exit_status cmd_diff(const struct invocation *in)
{
	struct config *config = cli_config(in);
	struct steering *steering = NULL;
	enum exit_status status = CLI_FAILED;
	int n;

	if (!config)
		return CLI_FAILED;
	if (!cli_has_privilege(in))
		goto out;
	steering = steering_open(config);
	if (steering)
		follow_daemon(steering, config);
	n = steering ? steering_compare(steering, difference_print, (void *)(uintptr_t)in) : -errno;
	if (n < 0)
		cli_error("diff: cannot read the installed steering: %s", strerror(-n));
	else
		status = n ? CLI_FAILED : CLI_DONE;
out:
	steering_close(steering);
	config_free(config);
	return status;
}
