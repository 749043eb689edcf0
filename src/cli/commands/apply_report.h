/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apply_report.h - counts what apply or remove changes, and says it in one line.
 */
#ifndef WAYMARK_SRC_CLI_COMMANDS_APPLY_REPORT_H
#define WAYMARK_SRC_CLI_COMMANDS_APPLY_REPORT_H

#include <stdio.h>

#include "waymark/steering/steering.h"

struct apply_report {
	unsigned ruleset, rules, routes, sysctls;
};

/* A steering_change_fn; data: the report. */
void apply_report_count(void *data, const struct steering_change *change);

/* Print "apply: installed table inet waymark, 6 ip rules, 10 routes, 5 sysctls". */
void apply_report_print(const struct apply_report *r, const char *command, const char *verb,
			FILE *out);

#endif
