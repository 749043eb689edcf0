/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.h - reads the options that select rows. Some conditions become part of the query of the
 * history. The other conditions are tested on each row that the query returns.
 */
#ifndef WAYMARK_SRC_CLI_FILTER_H
#define WAYMARK_SRC_CLI_FILTER_H

#include "cli/cli.h"
#include "waymark/store/query.h"

/* Maximum number of rows that a table on a terminal shows if --limit is not given. */
#define LIMIT_TERMINAL 100

struct flow_filter {
	/* rows are selected if they overlap the interval from q.since_ms to q.until_ms */
	struct query_filter q;
	int64_t now_ms;
	int64_t started_since_ms; /* only flows that started then or later; 0: any */
	struct prefix host;	  /* source or destination, before or after NAT; AF_UNSPEC: any */
	int32_t sport, dport;	  /* -1: any */
	const char *ingress, *egress;
	uint64_t min_bytes;
	uint64_t min_duration_ms;
	bool is_unanswered;
	const char *by; /* the value of --by, for queries that group rows */
};

/* Fill in *f from the options. Relative times are relative to now_ms. Return CLI_DONE. If a value
 * is invalid, print a message with the option and its valid values, and return CLI_USAGE. */
enum exit_status filter_parse(struct flow_filter *f, const struct invocation *in, int64_t now_ms);

/* Return whether the row matches the interval, host, ports and egress of the filter. */
bool filter_fits_row(const struct flow_filter *f, const struct value *values, size_t n);

/* Return whether the row of a flow matches the conditions of the filter that concern only flows:
 * verdict, size, duration, ... */
bool filter_fits_flow(const struct flow_filter *f, const struct value *values, size_t n);

/* Return whether the filter has conditions that filter_fits_flow() tests. */
bool filter_is_about_flows(const struct flow_filter *f);

/* Return the value of a column, or NULL if it is missing or unknown. */
const struct value *value_find(const struct value *values, size_t n, const char *name);
const char *value_text(const struct value *values, size_t n, const char *name);
/* Return the value of a column, or `other` if the value is missing, unknown or not an integer. */
int64_t value_number(const struct value *values, size_t n, const char *name, int64_t other);

#endif
