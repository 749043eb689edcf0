/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apply_report.h - counts what apply or remove changes, and says it in one line.
 */
#ifndef WAYMARK_SRC_CLI_COMMANDS_APPLY_REPORT_H
#define WAYMARK_SRC_CLI_COMMANDS_APPLY_REPORT_H

#include <stdio.h>

#include "waymark/steering/steering.h"

/* A steering_change_fn; data: struct steering_counts. */
void apply_report_count(void *data, const struct steering_change *change);

/* Print "apply: installed table inet waymark, 6 ip rules, 10 routes, 5 sysctls". */
void apply_report_print(const struct steering_counts *r, const char *command, const char *verb,
			FILE *out);

/* Ask a running daemon for "apply SECONDS FILE" or "remove", and print what it did. Return 0, 1
 * (the daemon refused, with a message) or -errno (no daemon runs: -ENOENT, -ECONNREFUSED). */
int apply_report_ask(const char *socket, const char *request, const char *command,
		     const char *verb);

#endif
