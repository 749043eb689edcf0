/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - what a report says, and its parts: figures from the history, charts,
 * the page.
 */
#ifndef WAYMARK_SRC_CLI_REPORT_REPORT_H
#define WAYMARK_SRC_CLI_REPORT_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "waymark/store/query.h"

/* The uplinks that there ever were may be more than there can be at once. */
#define REPORT_SERIES_MAX 128
#define REPORT_ROWS_MAX	  20
#define REPORT_TEXT	  128

/* An uplink, or what no mark names. */
struct report_series {
	char name[REPORT_TEXT]; /* "": none */
	int64_t flows, bytes, bytes_reply, mismatched, unknown;
	int64_t *step_flows, *step_bytes; /* report.n_steps each */
};

struct report_row {
	char name[REPORT_TEXT];
	int64_t number, bytes, bytes_reply;
};

struct report_gap {
	int64_t started_ms, ended_ms; /* within the span */
	int64_t lost;		      /* -1: not known */
	bool is_open;
	char source[16], reason[REPORT_TEXT];
};

/* How much of what left by an uplink is in the history. */
struct report_line {
	char name[REPORT_TEXT];
	int64_t left, missing; /* packets */
	bool is_known;	       /* how much left */
	char why[REPORT_TEXT]; /* "untracked 5, gap 7" */
};

struct report {
	struct summary_span span;
	int64_t now_ms;
	size_t n_steps;
	struct report_series *series[REPORT_SERIES_MAX]; /* by name; none last */
	size_t n_series;
	struct report_row verdicts[REPORT_ROWS_MAX], reasons[REPORT_ROWS_MAX],
		talkers[REPORT_ROWS_MAX];
	size_t n_verdicts, n_reasons, n_talkers;
	struct report_line lines[REPORT_SERIES_MAX];
	size_t n_lines;
	struct report_gap *gaps;
	size_t n_gaps;
	int64_t flows, unknown, unseen_ms;
	struct query *query; /* for rows that are shown as they are read */
};

/* --- report_data.c -------------------------------------------------------------- */

/* Reads r's span, which is set. 0 or -errno; query_error may say more. */
int report_read(struct report *r, struct query *q);
void report_clear(struct report *r);

/* --- report_text.c: what stands between the tags --------------------------------- */

/* Whatever the text is, what comes out is text. */
void report_escape(FILE *out, const char *text);
void report_number(FILE *out, int64_t number); /* 12,345 */
void report_bytes(FILE *out, int64_t bytes);   /* 1.2 GiB */
void report_time(FILE *out, int64_t ms);       /* 2026-03-01 12:00 */
void report_duration(FILE *out, int64_t ms);   /* 2 h 5 min */

/* --- report_chart.c: inline SVG ----------------------------------------------------- */

typedef void report_format_fn(FILE *out, int64_t value);

/* Stacked bars, a step each: of series i at step k values(r, i, k). */
typedef int64_t report_value_fn(const struct report *r, size_t series, size_t step);
void report_chart(FILE *out, const struct report *r, const char *title, report_value_fn *value,
		  report_format_fn *format);

/* A bar a row, with its figure beside it. */
void report_bars(FILE *out, const char *title, const struct report_row *rows, size_t n,
		 int64_t (*value)(const struct report_row *row), report_format_fn *format);

/* --- report_page.c -------------------------------------------------------------------- */

/* The whole page. 0 or -errno. */
int report_print(FILE *out, const struct report *r);

#endif
