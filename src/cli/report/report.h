/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - declares the contents of a report, and the functions that make its parts: figures and
 * events from the history, charts, the picture of the router, the page.
 */
#ifndef WAYMARK_SRC_CLI_REPORT_REPORT_H
#define WAYMARK_SRC_CLI_REPORT_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "waymark/config/config.h"
#include "waymark/store/query.h"

/* More than UPLINKS_MAX, because a history can contain uplinks of several configurations. */
#define REPORT_SERIES_MAX 128
#define REPORT_ROWS_MAX	  20
#define REPORT_CAUSES_MAX 64
#define REPORT_TEXT	  128
#define REPORT_LONG_TEXT  256
/* The number of bins on the time axis. */
#define REPORT_BINS 240

/* The flows of one uplink, or the flows that have no uplink. */
struct report_series {
	char name[REPORT_TEXT]; /* name of the uplink; "": none */
	/* numbers of flows and bytes; `mismatched` and `unknown` are the flows with this verdict */
	int64_t flows, bytes, bytes_reply, mismatched, unknown;
	int64_t weight; /* -1: unknown */
	int tier;	/* 0: unknown */
	/* flows from inside, and those that got a reply; from counters in Waymark's rules */
	int64_t started, answered;
	int64_t *step_flows;		    /* flows that started, by step */
	int64_t *step_sent, *step_received; /* bytes by step, from the interface's
					     * counters */
};

/* A verdict or a talker, with the number of its flows and their bytes. */
struct report_row {
	char name[REPORT_TEXT];
	int64_t number, bytes, bytes_reply;
	char detail[REPORT_LONG_TEXT]; /* if the row is a talker: its destinations */
};

/* Mismatches with the same cause. */
struct report_cause {
	char expected[REPORT_TEXT], egress[REPORT_TEXT], reason[32];
	/* the uplink that interface `egress` belongs to; "": none */
	char egress_uplink[REPORT_TEXT];
	char example[REPORT_LONG_TEXT]; /* a flow: "tcp A:P > B:Q" */
	char direction[16];
	int64_t flow_id; /* id of the flow in `example`; 0: unknown */
	int64_t number, packets, first_ms, last_ms, hosts;
};

struct report_gap {
	int64_t started_ms, ended_ms; /* limited to the interval of the report */
	int64_t lost;		      /* number of lost messages; -1: unknown */
	bool is_open; /* the gap has not ended; ended_ms is the end of the interval */
	char source[16], reason[REPORT_TEXT];
};

/* An interval in which an uplink was in one state. */
struct report_state {
	char uplink[REPORT_TEXT], state[16], cause[16], user[32];
	int64_t started_ms, ended_ms;
	bool is_cut; /* the uplink was still in this state at the end of the report's interval */
};

/* How many packets left by an uplink, and how many of them the history does not account for. */
struct report_line {
	char name[REPORT_TEXT];
	int64_t left, missing; /* packets that left; packets that the history lacks */
	bool is_known;	       /* `left` is known */
	char why[REPORT_TEXT]; /* missing packets by cause: "untracked 5, gap 7" */
};

enum report_event_kind {
	EVENT_MISMATCH,
	EVENT_TAMPERING,
	EVENT_UPLINK,	     /* an uplink was neither up nor drained */
	EVENT_UPLINK_CHANGE, /* an uplink was drained, or got another address or gateway */
	EVENT_GAP,
	EVENT_ALERT, /* an alert of query_troubles() was raised, such as a quota */
};

/* An event as a sentence. Repeated events are combined into one. */
struct report_event {
	enum report_event_kind kind;
	int64_t started_ms, ended_ms;
	int64_t count;	/* number of combined events or mismatches */
	char label[16]; /* the kind of an alert, such as "Quota"; used only for EVENT_ALERT */
	char text[2 * REPORT_LONG_TEXT];
};

struct report {
	struct summary_span span;
	int64_t now_ms;
	char host[REPORT_TEXT];
	size_t n_steps;
	struct report_series *series[REPORT_SERIES_MAX]; /* sorted by name; flows without an
							  * uplink come last */
	size_t n_series;
	struct report_row verdicts[REPORT_ROWS_MAX], talkers[REPORT_ROWS_MAX];
	size_t n_verdicts, n_talkers;
	struct report_cause causes[REPORT_CAUSES_MAX]; /* the cause with the most mismatches
						        * comes first */
	size_t n_causes;
	int64_t bins[REPORT_BINS]; /* number of mismatches in each bin of the time axis */
	struct report_line lines[REPORT_SERIES_MAX];
	size_t n_lines;
	struct report_gap *gaps;
	size_t n_gaps;
	struct report_state *states; /* sorted by uplink and time */
	size_t n_states;
	struct report_event *events; /* sorted by time */
	size_t n_events;
	/* unseen_ms: total time in gaps; time in two gaps counts once */
	int64_t flows, unknown, mismatches, tamperings, unseen_ms;
	struct query *query; /* report_newest() uses it to print rows while it reads them */
};

/* --- report_data.c -------------------------------------------------------------- */

/* Read the figures and events of the interval r->span, which the caller has set. Return 0 or
 * -errno; query_error() then has a message or "". */
int report_read(struct report *r, struct query *q);
/* Set the weights and tiers to those of the configuration. If c is NULL, they are unknown. */
void report_weigh(struct report *r, const struct config *c);
void report_clear(struct report *r);
/* Return the series with this name, or NULL. */
struct report_series *report_series_find(const struct report *r, const char *name);

/* --- report_story.c: what happened, in chronological order ------------------------- */

/* Set r->states, r->causes, r->bins and r->events, for which r->gaps must be set. Return 0 or
 * -errno. */
int report_story_read(struct report *r, struct query *q);
/* Return the meaning of a reason: "the ip rule of the mark was missing". */
const char *report_reason_text(const char *reason);
/* Write an uplink and its interface to buf, such as "cable (wan2)", and return buf. If uplink is
 * "", write only the interface. */
const char *report_egress(char buf[REPORT_LONG_TEXT], const char *uplink, const char *interface);
/* Return the uplink of an interface that stray packets left by. Return "" if the interface belongs
 * to no uplink, or if no stray packet left by it. */
const char *report_egress_uplink(const struct report *r, const char *interface);

/* --- report_text.c: text of the page ---------------------------------------------- */

/* Write text so that no character has a special meaning in HTML. */
void report_escape(FILE *out, const char *text);
void report_number(FILE *out, int64_t number);		   /* 12,345 */
void report_bytes(FILE *out, int64_t bytes);		   /* 1.2 GiB */
void report_bitrate(FILE *out, int64_t bits);		   /* 1.2 Mbit/s, from bits per second */
void report_time(FILE *out, int64_t ms);		   /* 2026-03-01 12:00, local */
void report_clock(FILE *out, int64_t ms);		   /* 2026-03-01 12:00:07, local */
void report_duration(FILE *out, int64_t ms);		   /* 2h 5min */
void report_share(FILE *out, int64_t part, int64_t whole); /* 99.9 %, never rounded up */
/* Write to buf what report_bytes() or report_number() writes to a file, and return buf. */
#define REPORT_SIZE 32
const char *report_size(char buf[REPORT_SIZE], int64_t bytes);
const char *report_digits(char buf[REPORT_SIZE], int64_t number);
/* Write the time zone at a time: "CET, UTC+01:00". */
void report_zone(FILE *out, int64_t ms);
/* Return the start of the local hour or day that contains ms; step_ms is an hour or a day. */
int64_t report_floor(int64_t ms, int64_t step_ms);
/* Write a number with its noun: "1 flow", "2 flows". */
void report_count(FILE *out, int64_t number, const char *one, const char *many);

/* --- report_chart.c: inline SVG; labels are HTML so that they stay readable ------------ */

typedef void report_format_fn(FILE *out, int64_t value);

/* Write a chart of stacked bars, one bar per step. value() returns the height of the part of the
 * bar that stands for a series. */
typedef int64_t report_value_fn(const struct report *r, size_t series, size_t step);
void report_chart(FILE *out, const struct report *r, const char *title, report_value_fn *value,
		  report_format_fn *format);

/* Write one bar per row. value() returns the length of the bar, which is also written beside it. */
void report_bars(FILE *out, const char *title, const struct report_row *rows, size_t n,
		 int64_t (*value)(const struct report_row *row), report_format_fn *format);

/* Write the labels of the time axis. */
void report_times(FILE *out, const struct report *r);
/* Return the position of a time on the time axis, in thousandths of its length. */
double report_place(const struct report *r, int64_t ms);

/* --- report_timeline.c ------------------------------------------------------------- */

/* Write uplink states, tampering, mismatches and gaps on one time axis, and then the events as
 * sentences. */
void report_timeline(FILE *out, const struct report *r);

/* --- report_picture.c --------------------------------------------------------------- */

/* Write the picture of the router and its uplinks. Arrows lead from the expected uplink to the
 * interface that stray packets left by. If is_alone is set, write a whole SVG file, which contains
 * the colours. */
void report_picture(FILE *out, const struct report *r, bool is_alone);

/* --- report_style.c ------------------------------------------------------------------ */

void report_style(FILE *out);
void report_picture_style(FILE *out);

/* --- report_tables.c ------------------------------------------------------------------ */

/* A column of a table. On narrow screens the label is shown beside each cell. */
struct report_column {
	const char *label;
	/* CSS class. "n": a number; "t": a time on one line; "d": a time that can wrap; "w": long
	 * text; "": other text */
	const char *class;
};
void report_causes(FILE *out, const struct report *r);
void report_uplinks(FILE *out, const struct report *r);
void report_talkers(FILE *out, const struct report *r);
void report_lines(FILE *out, const struct report *r);
void report_gaps(FILE *out, const struct report *r);
int report_newest(FILE *out, const struct report *r);

/* --- report_page.c -------------------------------------------------------------------- */

/* Write the whole page. Return 0 or -errno. */
int report_print(FILE *out, const struct report *r);

#endif
