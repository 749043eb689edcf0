/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apply_report.h - counts the changes that apply or remove makes, and reports them in one
 * line.
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

/* Send "apply SECONDS FILE", "remove" or "confirm" to a running daemon, and print what the daemon
 * changed (verb NULL: print nothing). Return 0; 1 after printing the message with which the daemon
 * refused the request; or -errno (-ENOENT or -ECONNREFUSED: no daemon runs). */
int apply_report_ask(const char *socket, const char *request, const char *command,
		     const char *verb);

#endif
