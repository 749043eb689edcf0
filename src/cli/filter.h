/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.h - the options that choose rows: those that narrow the query of the history, and those
 * that are judged row by row.
 */
#ifndef WAYMARK_SRC_CLI_FILTER_H
#define WAYMARK_SRC_CLI_FILTER_H

#include "cli/cli.h"
#include "waymark/store/query.h"

/* Rows that a table on a terminal shows where --limit is not given. */
#define LIMIT_TERMINAL 100

struct flow_filter {
	struct query_filter q; /* since_ms and until_ms: what overlaps that time */
	int64_t now_ms;
	int64_t started_since_ms; /* 0: any */
	struct prefix host;	  /* either end; AF_UNSPEC: any */
	int32_t sport, dport;	  /* -1: any */
	const char *ingress, *egress;
	uint64_t min_bytes;
	uint64_t min_duration_ms;
	bool is_unanswered;
	const char *by; /* as given; for the query that groups */
};

/* Fill *f from the options given; relative times count from now_ms. CLI_DONE, or CLI_USAGE with a
 * message that names the option and its values. */
enum exit_status filter_parse(struct flow_filter *f, const struct invocation *in, int64_t now_ms);

/* Return whether the row's own time, addresses, ports and interfaces match. */
bool filter_fits_row(const struct flow_filter *f, const struct value *values, size_t n);

/* Return whether the flow, given as its row, is of the state, verdict, size and age wanted. */
bool filter_fits_flow(const struct flow_filter *f, const struct value *values, size_t n);

/* Return whether filter_fits_flow may say no. */
bool filter_is_about_flows(const struct flow_filter *f);

/* The value of a column, or NULL: there is none or it is unknown. */
const struct value *value_find(const struct value *values, size_t n, const char *name);
const char *value_text(const struct value *values, size_t n, const char *name);
/* other: where it is unknown. */
int64_t value_number(const struct value *values, size_t n, const char *name, int64_t other);

#endif
