/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top.h - the live view: the data read each second, and the screen.
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
#define TOP_PAST	240 /* seconds that sparklines go back */
#define TOP_HOUR_MS	INT64_C(3600000)

/* The newest of a number that is looked at each second. */
struct top_past {
	double values[TOP_PAST]; /* a ring; below 0: not known */
	size_t n;		 /* ever */
};

/* Bytes by an uplink's interface, from the kernel's own counters. */
struct top_rate {
	char ifname[IFNAMSIZ];
	uint64_t rx, tx;	 /* bytes */
	double rx_rate, tx_rate; /* bits per second; below 0: not known yet */
	struct top_past rates, flows, answered;
	int64_t mismatches;    /* since the start, a second ago */
	int64_t mismatched_ms; /* when they last grew; 0: not while this looks */
};

struct top_row {
	char text[TOP_TEXT];
};

/* Mismatches of the last hour of one cause. */
struct top_cause {
	char path[TOP_TEXT], reason[32], flow[TOP_TEXT];
	int64_t flow_id; /* of the first one; 0: not known */
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
	int64_t now_ms; /* CLOCK_REALTIME, of the last look */

	bool has_answer; /* the daemon has answered, just now */
	struct answer answer;
	char trouble[TOP_TEXT]; /* why it has not; "" */

	struct top_rate rates[UPLINKS_MAX]; /* of config->uplinks */
	int64_t rates_ms;		    /* CLOCK_MONOTONIC; 0: none yet */

	struct top_cause causes[TOP_CAUSES_MAX]; /* sorted */
	struct top_talker talkers[TOP_TALKERS_MAX];
	size_t n_causes, n_talkers;
	int64_t mismatches;    /* of the last hour */
	unsigned talkers_wait; /* looks until they are read again */
	enum top_sort sort;
	char filter[32]; /* rows that contain it; "": all */

	/* Newest first. */
	struct top_row gaps[TOP_ROWS_MAX], mismatched[TOP_ROWS_MAX];
	size_t n_gaps, n_mismatched;
	char history_trouble[TOP_TEXT]; /* "" */
};

/* Settings made by keys. */
struct top_view {
	size_t selected; /* the cause */
	bool is_frozen, has_help, is_typing;
	bool is_utf8;
};

/* top_data.c: looks at everything anew. */
void top_data_read(struct top_data *t);
void top_data_clear(struct top_data *t);
void top_causes_sort(struct top_data *t);

/* top_spark.c */
void top_past_add(struct top_past *p, double value);
/* Write the newest width values as bars, the newest last, scaled to the greatest; a value
 * that is not known is a blank. Writes to buf and returns it. */
const char *top_spark(const struct top_past *p, size_t width, bool is_utf8, char *buf, size_t size);

/* top_panels.c: draws everything on the screen of ncurses. */
enum top_colour { COLOUR_GOOD = 1, COLOUR_BAD, COLOUR_DOUBT, COLOUR_HEAD };
void top_panels_put(const struct top_data *t, const struct top_view *v);

/* top_text.c */
#define TOP_ESCAPE   27
#define TOP_KEY_GONE (-2) /* the terminal is closed */
/* Return what print prints, on either output; malloc'd. NULL: nothing. */
char *top_text_catch(void (*print)(const void *data, int64_t id), const void *data, int64_t id);
/* Show a text on the screen, from its beginning, until a key ends it. */
void top_text_show(const char *text, int (*key_wait)(void));

/* top_screen.c: full-screen until q. explain prints a flow's explanation. 0 or -errno. */
int top_screen_run(struct top_data *t, void (*explain)(const void *data, int64_t flow_id),
		   const void *data);

#endif
