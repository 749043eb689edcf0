/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gap_row.h - the exporter's own rows: gaps in what was shipped, and the heartbeat. Pure.
 */
#ifndef WAYMARK_SRC_EXPORT_GAP_ROW_H
#define WAYMARK_SRC_EXPORT_GAP_ROW_H

#include "waymark/store/feed.h"

#define ROW_VALUES_MAX 16

/* A row and the memory of its values. */
struct made_row {
	struct feed_row row;
	struct feed_value values[ROW_VALUES_MAX];
	char text[256];
};

/* Rows of a table that were not shipped. */
struct missing {
	enum feed_table_id table;
	int64_t first, last;	      /* positions; last 0: not known */
	int64_t count;		      /* -1: not known */
	int64_t first_id, last_id;    /* of the rows, where they are known; else 0 */
	int64_t started_ms, ended_ms; /* between which they changed; 0: not known */
	const char *why;	      /* "pruned before they were shipped" */
};

/* Fill r with a row of table gaps. Its id follows from table and first position: when the
 * gap grows before it is acknowledged, the newer row replaces it. */
void gap_row_make(struct made_row *r, const struct missing *m);

/* The heartbeat's table and a row of it, one per minute. */
extern const struct feed_table heartbeat_table;

struct heartbeat {
	int64_t time_ms;
	const char *program, *config; /* version; hash of the configuration */
	const char *uplinks;	      /* "NAME:WEIGHT:TIER", separated by blanks */
	int64_t last_flow_id, last_position, pending;
	int64_t alive_ms; /* when waymarkd last wrote; 0: not known */
};
void heartbeat_row_make(struct made_row *r, const struct heartbeat *h);

#endif
