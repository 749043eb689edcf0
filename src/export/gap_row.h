/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gap_row.h - makes the rows that are not in the history: gaps in the shipped data, and heartbeats.
 * Pure.
 */
#ifndef WAYMARK_SRC_EXPORT_GAP_ROW_H
#define WAYMARK_SRC_EXPORT_GAP_ROW_H

#include "waymark/store/feed.h"

#define ROW_VALUES_MAX 16

/* A row made by the exporter, and the memory for its values. */
struct made_row {
	struct feed_row row;
	struct feed_value values[ROW_VALUES_MAX];
	char text[256];
};

enum missing_kind {
	MISSING_ROWS, /* the rows were not shipped */
	/* the rows were sent, but the exporter ended before it knew whether they had arrived */
	MISSING_UNSURE,
	MISSING_SHIPPED, /* the rows were shipped, and the history lost them afterwards */
	MISSING_KINDS,
};

/* Rows of a table that are missing in the target or, for MISSING_SHIPPED, in the history. */
struct missing {
	enum feed_table_id table;
	enum missing_kind kind;
	/* the missing rows are among the changes from `first` to `last`; last 0: unknown */
	int64_t first, last;
	int64_t count;		      /* number of missing rows; -1: unknown */
	int64_t first_id, last_id;    /* lowest and highest id of the missing rows; 0: unknown */
	int64_t started_ms, ended_ms; /* the missing rows changed in this time; 0: unknown */
	const char *why;	      /* such as "rows pruned before they were shipped" */
};

/* Fill in r as a row of table gaps. The row's id depends only on `table`, `kind` and `first`. If
 * the gap grows before its row is acknowledged, the new row has the same id and a higher version,
 * and replaces the old one. Both must have the same `started_ms`, because ClickHouse replaces a row
 * only by one of the same hour (schema.c). */
void gap_row_make(struct made_row *r, const struct missing *m);

/* The table of heartbeats, which gets one row per minute. */
extern const struct feed_table heartbeat_table;

struct heartbeat {
	int64_t time_ms;
	const char *program, *config; /* version of the program; hash of its configuration */
	const char *uplinks;	      /* "NAME:WEIGHT:TIER", separated by blanks */
	/* newest flow and newest change of the history; number of changes to ship */
	int64_t last_flow_id, last_position, pending;
	int64_t alive_ms; /* when waymarkd last wrote to the history; 0: unknown */
};
void heartbeat_row_make(struct made_row *r, const struct heartbeat *h);

#endif
