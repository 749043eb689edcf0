/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apply_report.c - one line about what apply or remove has changed.
 */
#include "cli/commands/apply_report.h"

#include <string.h>

#include "waymark/plan/ruleset.h"

void apply_report_count(void *data, const struct steering_change *change)
{
	struct apply_report *r = data;

	/* Restored sysctls and routes come without their kind. */
	if (change->thing == STEERING_SYSCTL || !strncmp(change->what, "sysctl", 6))
		r->sysctls++;
	else if (change->thing == STEERING_RULE)
		r->rules++;
	else if (change->thing == STEERING_ROUTE || !strncmp(change->what, "former", 6))
		r->routes++;
	else
		r->ruleset++;
}

static void part_print(const char **separator, unsigned n, const char *what, FILE *out)
{
	if (!n)
		return;
	fprintf(out, "%s%u %s%s", *separator, n, what, n == 1 ? "" : "s");
	*separator = ", ";
}

void apply_report_print(const struct apply_report *r, const char *command, const char *verb,
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
