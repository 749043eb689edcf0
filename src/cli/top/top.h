/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top.h - the live view: what is looked at each second, and the screen.
 */
#ifndef WAYMARK_SRC_CLI_TOP_TOP_H
#define WAYMARK_SRC_CLI_TOP_TOP_H

#include "waymark/status/answer.h"
#include "waymark/config/config.h"

#define TOP_ROWS_MAX 100
#define TOP_TEXT     256

/* Bytes by an uplink's interface, from the kernel's own counters. */
struct top_rate {
	char ifname[IFNAMSIZ];
	uint64_t rx, tx;	 /* bytes */
	double rx_rate, tx_rate; /* bits a second; below 0: not known yet */
};

struct top_row {
	char text[TOP_TEXT];
};

struct top_data {
	const struct config *config;
	const char *database;

	bool has_answer; /* the daemon has answered, just now */
	struct answer answer;
	char trouble[TOP_TEXT]; /* why it has not; "" */

	struct top_rate rates[UPLINKS_MAX]; /* of config->uplinks */
	int64_t rates_ms;		    /* CLOCK_MONOTONIC; 0: none yet */

	/* Newest first. */
	struct top_row mismatches[TOP_ROWS_MAX], gaps[TOP_ROWS_MAX];
	size_t n_mismatches, n_gaps;
	char history_trouble[TOP_TEXT]; /* "" */
};

/* top_look.c: looks at everything anew. */
void top_data_read(struct top_data *t);
void top_data_clear(struct top_data *t);

/* top_screen.c: full-screen until q. 0 or -errno. */
int top_screen_run(struct top_data *t);

#endif
