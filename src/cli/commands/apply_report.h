/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apply_report.h - counts the changes that `waymark apply` or `waymark remove` makes, and reports
 * the counts in one line.
 */
#ifndef WAYMARK_SRC_CLI_COMMANDS_APPLY_REPORT_H
#define WAYMARK_SRC_CLI_COMMANDS_APPLY_REPORT_H

#include <stdio.h>

#include "waymark/steering/steering.h"

/* Count one change. A steering_change_fn; data is a struct steering_counts. */
void apply_report_count(void *data, const struct steering_change *change);

/* Print the counts: "apply: installed table inet waymark, 6 ip rules, 10 routes, 5 sysctls". */
void apply_report_print(const struct steering_counts *r, const char *command, const char *verb,
			FILE *out);

/* Send request ("apply SECONDS FILE", "remove" or "confirm") to the daemon. If verb is not NULL,
 * print what the daemon has changed, as apply_report_print() does. Return 0 or -errno (-ENOENT or
 * -ECONNREFUSED: no daemon runs). If the daemon refuses the request, print its message and return
 * 1. */
int apply_report_ask(const char *socket, const char *request, const char *command,
		     const char *verb);

#endif
