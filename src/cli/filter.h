/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.h - the options that choose rows, read into a query's filter.
 */
#ifndef WAYMARK_SRC_CLI_FILTER_H
#define WAYMARK_SRC_CLI_FILTER_H

#include "cli/cli.h"
#include "waymark/store/query.h"

/* Rows that a table on a terminal shows where --limit is not given. */
#define LIMIT_TERMINAL 100

/* Fills *f from the options given; now_ms is what relative times count from.
 * CLI_DONE, or CLI_USAGE with a message that names the option and what it takes. */
enum exit_status filter_parse(struct query_filter *f, const struct invocation *in, int64_t now_ms);

#endif
