/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top.h - declares the live view: its data, which is read every second, and its screen.
 */
#ifndef WAYMARK_SRC_CLI_TOP_TOP_H
#define WAYMARK_SRC_CLI_TOP_TOP_H

#include "waymark/config/config.h"
#include "waymark/status/answer.h"
#include "waymark/store/query.h"

#define TOP_ROWS_MAX	100
#define TOP_CAUSES_MAX	32
#define TOP_TALKERS_MAX SUMMARY_TALKERS
#define TOP_TEXT	256
#define TOP_PAST	240 /* length of a sparkline in seconds */
#define TOP_HOUR_MS	INT64_C(3600000)

/* The latest values of a quantity that is read every second. */
struct top_past {
	double values[TOP_PAST]; /* a ring buffer; negative: unknown */
	size_t n;		 /* number of values added since the start */
};

/* The traffic of an uplink's interface, from the kernel's counters. */
struct top_rate {
	char ifname[IFNAMSIZ];
	uint64_t rx, tx;	 /* numbers of bytes, as last read */
	double rx_rate, tx_rate; /* bits per second; negative: unknown */
	/* bits per second in both directions, live flows, share of flows that got a reply */
	struct top_past rates, flows, answered;
	int64_t mismatches; /* number of mismatches since the daemon's start, as last read */
	/* time at which `mismatches` last increased; 0: never while `waymark top` runs */
	int64_t mismatched_ms;
};

struct top_row {
	char text[TOP_TEXT];
};

/* The mismatches of the last hour that have the same cause. */
struct top_cause {
	char path[TOP_TEXT], reason[32], flow[TOP_TEXT];
	int64_t flow_id; /* the flow of the first of these mismatches; 0: unknown */
	int64_t number, packets, hosts, first_ms, last_ms;
};

struct top_talker {
	char host[64];
	int64_t flows, sent, received;
};

enum top_sort { TOP_BY_NUMBER, TOP_BY_TIME, TOP_SORTS };

struct top_data {
	const struct config *config;
	const char *database;
	int64_t now_ms; /* CLOCK_REALTIME at the last reading */

	bool has_answer; /* the daemon answered the last request */
	struct answer answer;
	char trouble[TOP_TEXT]; /* why the daemon did not answer; "": the daemon answered */

	struct top_rate rates[UPLINKS_MAX]; /* by index in config->uplinks */
	int64_t rates_ms;		    /* CLOCK_MONOTONIC of the last reading; 0: none yet */

	struct top_cause causes[TOP_CAUSES_MAX]; /* in the order of `sort` */
	struct top_talker talkers[TOP_TALKERS_MAX];
	size_t n_causes, n_talkers;
	int64_t mismatches;    /* in the last hour */
	unsigned talkers_wait; /* how many of the next readings skip the talkers */
	enum top_sort sort;
	char filter[32]; /* show only rows that contain this text; "": all */

	/* rows of the history, the newest first */
	struct top_row gaps[TOP_ROWS_MAX], mismatched[TOP_ROWS_MAX];
	size_t n_gaps, n_mismatched;
	char history_trouble[TOP_TEXT]; /* why the history could not be read; "": the history was
					 * read */
};

/* How the data is shown. The user changes the settings with keys, except is_utf8. */
struct top_view {
	size_t selected; /* index of the selected cause */
	bool is_frozen, has_help, is_typing;
	bool is_utf8; /* the terminal uses UTF-8 */
};

/* top_data.c: read the daemon, the interfaces and the history. */
void top_data_read(struct top_data *t);
void top_data_clear(struct top_data *t);
void top_causes_sort(struct top_data *t);

/* top_spark.c */
void top_past_add(struct top_past *p, double value);
/* Write the latest `width` values to buf as a row of bars. The newest value is last. The largest of
 * these values gets the highest bar; an unknown value becomes a blank. Return buf. */
const char *top_spark(const struct top_past *p, size_t width, bool is_utf8, char *buf, size_t size);

/* top_panels.c: draw all panels on the ncurses screen. */
enum top_colour { COLOUR_GOOD = 1, COLOUR_BAD, COLOUR_DOUBT, COLOUR_HEAD };
void top_panels_put(const struct top_data *t, const struct top_view *v);

/* top_text.c */
#define TOP_ESCAPE   27	  /* the code of the Escape key */
#define TOP_KEY_GONE (-2) /* a key code: the terminal was closed */
/* Call print(data, id). Return the text that print() wrote to standard output and standard error;
 * the caller frees the text. Return NULL if print() wrote nothing, or on failure. */
char *top_text_catch(void (*print)(const void *data, int64_t id), const void *data, int64_t id);
/* Show a text, beginning with its first line, until the user presses a key that closes it. */
void top_text_show(const char *text, int (*key_wait)(void));

/* top_screen.c: run the live view until the user quits. explain() prints the explanation of a flow.
 * Return 0 or -errno. */
int top_screen_run(struct top_data *t, void (*explain)(const void *data, int64_t flow_id),
		   const void *data);

#endif
