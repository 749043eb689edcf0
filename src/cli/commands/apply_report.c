/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apply_report.c - reports in one line what `waymark apply` or `waymark remove` has changed.
 */
#include "cli/commands/apply_report.h"

#include <jansson.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "waymark/plan/ruleset.h"

void apply_report_count(void *data, const struct steering_change *change)
{
	steering_count(data, change);
}

static void part_print(const char **separator, unsigned n, const char *what, FILE *out)
{
	if (!n)
		return;
	fprintf(out, "%s%u %s%s", *separator, n, what, n == 1 ? "" : "s");
	*separator = ", ";
}

void apply_report_print(const struct steering_counts *r, const char *command, const char *verb,
			FILE *out)
{
	const char *separator = " ";

	if (!r->ruleset && !r->rules && !r->routes && !r->sysctls) {
		fprintf(out, "%s: nothing to change\n", command);
		return;
	}
	fprintf(out, "%s: %s", command, verb);
	if (r->ruleset) {
		fprintf(out, " table " RULESET_FAMILY " " RULESET_TABLE);
		separator = ", ";
	}
	part_print(&separator, r->rules, "ip rule", out);
	part_print(&separator, r->routes, "route", out);
	part_print(&separator, r->sysctls, "sysctl", out);
	fputc('\n', out);
}

static unsigned count_of(const json_t *reply, const char *key)
{
	return (unsigned)json_integer_value(json_object_get(reply, key));
}

int apply_report_ask(const char *socket, const char *request, const char *command, const char *verb)
{
	struct steering_counts n;
	const char *error;
	char *text = NULL;
	json_t *reply;
	int err = client_ask(socket, request, &text);

	if (err)
		return err;
	reply = json_loads(text, 0, NULL);
	free(text);
	error = json_string_value(json_object_get(reply, "error"));
	n = (struct steering_counts){
		.ruleset = count_of(reply, "ruleset"),
		.rules = count_of(reply, "rules"),
		.routes = count_of(reply, "routes"),
		.sysctls = count_of(reply, "sysctls"),
	};
	if (error || !reply)
		cli_error("%s: %s", command, error ? error : "invalid reply from waymarkd");
	else if (verb)
		apply_report_print(&n, command, verb, stdout);
	err = error || !reply;
	json_decref(reply);
	return err;
}
