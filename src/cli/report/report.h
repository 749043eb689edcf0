/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - what a report contains, and its parts: figures and events from the history,
 * charts, the picture of the router, the page.
 */
#ifndef WAYMARK_SRC_CLI_REPORT_REPORT_H
#define WAYMARK_SRC_CLI_REPORT_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "waymark/config/config.h"
#include "waymark/store/query.h"

/* A history may name more uplinks over time than one configuration can (UPLINKS_MAX). */
#define REPORT_SERIES_MAX 128
#define REPORT_ROWS_MAX	  20
#define REPORT_CAUSES_MAX 64
#define REPORT_TEXT	  128
#define REPORT_LONG_TEXT  256
/* The bins of the time axis. */
#define REPORT_BINS 240

/* An uplink, or all flows without one. */
struct report_series {
	char name[REPORT_TEXT]; /* "": none */
	int64_t flows, bytes, bytes_reply, mismatched, unknown;
	int64_t weight;			    /* -1: not known */
	int tier;			    /* 0: not known */
	int64_t started, answered;	    /* flows from inside, by the kernel's counters */
	int64_t *step_flows;		    /* report.n_steps each */
	int64_t *step_sent, *step_received; /* bytes, by the kernel's counters */
};

struct report_row {
	char name[REPORT_TEXT];
	int64_t number, bytes, bytes_reply;
	char detail[REPORT_LONG_TEXT]; /* talkers: their destinations */
};

/* Mismatches of one cause. */
struct report_cause {
	char expected[REPORT_TEXT], egress[REPORT_TEXT], reason[32];
	char egress_uplink[REPORT_TEXT]; /* "": an interface that is no uplink */
	char example[REPORT_LONG_TEXT];	 /* "tcp A:P > B:Q" */
	char direction[16];
	int64_t flow_id; /* of the example */
	int64_t number, packets, first_ms, last_ms, hosts;
};

struct report_gap {
	int64_t started_ms, ended_ms; /* within the span */
	int64_t lost;		      /* -1: not known */
	bool is_open;
	char source[16], reason[REPORT_TEXT];
};

/* An uplink was in a state from then on. */
struct report_state {
	char uplink[REPORT_TEXT], state[16], cause[16], user[32];
	int64_t started_ms, ended_ms;
	bool is_cut; /* ended_ms is the end of the span */
};

/* How much of what left by an uplink is in the history. */
struct report_line {
	char name[REPORT_TEXT];
	int64_t left, missing; /* packets */
	bool is_known;	       /* how much left */
	char why[REPORT_TEXT]; /* "untracked 5, gap 7" */
};

enum report_event_kind {
	EVENT_MISMATCH,
	EVENT_TAMPERING,
	EVENT_UPLINK,
	EVENT_GAP,
	EVENT_ALERT, /* of what no other event is about */
};

/* An event as a sentence; repetitions are one event. */
struct report_event {
	enum report_event_kind kind;
	int64_t started_ms, ended_ms;
	int64_t count;
	char label[16]; /* of an alert: "Quota" */
	char text[2 * REPORT_LONG_TEXT];
};

struct report {
	struct summary_span span;
	int64_t now_ms;
	char host[REPORT_TEXT];
	size_t n_steps;
	struct report_series *series[REPORT_SERIES_MAX]; /* by name; none last */
	size_t n_series;
	struct report_row verdicts[REPORT_ROWS_MAX], talkers[REPORT_ROWS_MAX];
	size_t n_verdicts, n_talkers;
	struct report_cause causes[REPORT_CAUSES_MAX]; /* most mismatches first */
	size_t n_causes;
	int64_t bins[REPORT_BINS]; /* mismatches */
	struct report_line lines[REPORT_SERIES_MAX];
	size_t n_lines;
	struct report_gap *gaps;
	size_t n_gaps;
	struct report_state *states; /* by uplink and time */
	size_t n_states;
	struct report_event *events; /* by time */
	size_t n_events;
	int64_t flows, unknown, mismatches, tamperings, unseen_ms;
	struct query *query; /* for rows that are shown as they are read */
};

/* --- report_data.c -------------------------------------------------------------- */

/* Read r's span, which is set. 0 or -errno; query_error may say more. */
int report_read(struct report *r, struct query *q);
/* Weights are those of the configuration; NULL: not known. */
void report_weigh(struct report *r, const struct config *c);
void report_clear(struct report *r);
/* The series of a name, or NULL. */
struct report_series *report_series_find(const struct report *r, const char *name);

/* --- report_story.c: what happened, in the order of time -------------------------- */

/* Read the states, causes, bursts and tampering of r's span. 0 or -errno. */
int report_story_read(struct report *r, struct query *q);
/* Return the meaning of a reason: "the ip rule of the mark was missing". */
const char *report_reason_text(const char *reason);
/* An interface with its uplink, where it is of one: "cable (wan2)". uplink: "": none. */
const char *report_egress(char buf[REPORT_LONG_TEXT], const char *uplink, const char *interface);
/* The uplink of an interface that mismatches left by; "": none. */
const char *report_egress_uplink(const struct report *r, const char *interface);

/* --- report_text.c: what stands between the tags --------------------------------- */

/* Whatever the text is, what comes out is text. */
void report_escape(FILE *out, const char *text);
void report_number(FILE *out, int64_t number);		   /* 12,345 */
void report_bytes(FILE *out, int64_t bytes);		   /* 1.2 GiB */
void report_bitrate(FILE *out, int64_t bits);		   /* 1.2 Mbit/s, from bits per second */
void report_time(FILE *out, int64_t ms);		   /* 2026-03-01 12:00, local */
void report_clock(FILE *out, int64_t ms);		   /* 2026-03-01 12:00:07, local */
void report_duration(FILE *out, int64_t ms);		   /* 2h 5min */
void report_share(FILE *out, int64_t part, int64_t whole); /* 99.9 %, never rounded up */
/* The same as text; returns buf. */
#define REPORT_SIZE 32
const char *report_size(char buf[REPORT_SIZE], int64_t bytes);
const char *report_digits(char buf[REPORT_SIZE], int64_t number);
/* The zone of a time: "CET, UTC+01:00". */
void report_zone(FILE *out, int64_t ms);
/* The beginning of a local hour or day, at or before ms. */
int64_t report_floor(int64_t ms, int64_t step_ms);
/* "1 flow", "2 flows". */
void report_count(FILE *out, int64_t number, const char *one, const char *many);

/* --- report_chart.c: inline SVG, with its words in HTML so that they stay readable ---- */

typedef void report_format_fn(FILE *out, int64_t value);

/* Stacked bars, one step each: of series i at step k values(r, i, k). */
typedef int64_t report_value_fn(const struct report *r, size_t series, size_t step);
void report_chart(FILE *out, const struct report *r, const char *title, report_value_fn *value,
		  report_format_fn *format);

/* One bar per row, with its figure beside it. */
void report_bars(FILE *out, const char *title, const struct report_row *rows, size_t n,
		 int64_t (*value)(const struct report_row *row), report_format_fn *format);

/* The labels of the time axis. */
void report_times(FILE *out, const struct report *r);
/* A moment's place, in thousandths of the span. */
double report_place(const struct report *r, int64_t ms);

/* --- report_timeline.c ------------------------------------------------------------- */

/* Uplink states, tampering, mismatches and gaps on one time axis. */
void report_timeline(FILE *out, const struct report *r);

/* --- report_picture.c --------------------------------------------------------------- */

/* The router and its uplinks; stray flows go from the expected to the real interface.
 * is_alone: a file of its own, with its colours. */
void report_picture(FILE *out, const struct report *r, bool is_alone);

/* --- report_style.c ------------------------------------------------------------------ */

void report_style(FILE *out);
void report_picture_style(FILE *out);

/* --- report_tables.c ------------------------------------------------------------------ */

/* A column of a table; on narrow screens its label stands beside each cell. */
struct report_column {
	const char *label;
	const char *class; /* "n": a number; "t", "d": a time; "w": long; "": text */
};
void report_causes(FILE *out, const struct report *r);
void report_uplinks(FILE *out, const struct report *r);
void report_talkers(FILE *out, const struct report *r);
void report_lines(FILE *out, const struct report *r);
void report_gaps(FILE *out, const struct report *r);
int report_newest(FILE *out, const struct report *r);

/* --- report_page.c -------------------------------------------------------------------- */

/* The whole page. 0 or -errno. */
int report_print(FILE *out, const struct report *r);

#endif
