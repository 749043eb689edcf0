/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.h - the history as a feed for other systems: the rows that changed after a
 * position, in the order in which they changed.
 *
 * Read-only. Each call is one short read transaction, during which the callback runs: it
 * must not wait for anything. The tables and their columns are one description, from
 * which statements, DDL and encodings are derived.
 */
#ifndef WAYMARK_STORE_FEED_H
#define WAYMARK_STORE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum feed_kind {
	FEED_ID,    /* signed 64 bit */
	FEED_COUNT, /* unsigned, 64 bit */
	FEED_NUMBER32,
	FEED_NUMBER16,
	FEED_REAL,
	FEED_TEXT,
	FEED_WORD, /* text of few different values */
	FEED_ADDRESS,
	FEED_TIME, /* milliseconds; the view has it as NAME_ms and, as text, as NAME */
};

struct feed_column {
	const char *name;
	enum feed_kind kind;
	bool is_nullable;
};

/* The tables; the heartbeat is made by the exporter, the history has none. */
enum feed_table_id {
	FEED_FLOWS,
	FEED_MISMATCHES,
	FEED_GAPS,
	FEED_COVERAGE,
	FEED_USAGE,
	FEED_UPLINK_STATES,
	FEED_TAMPERING,
	FEED_ALERTS,
	FEED_TABLES,
};

struct feed_table {
	const char *name;		   /* the view's */
	const struct feed_column *columns; /* the first is the id */
	size_t n_columns;
	bool is_urgent;	  /* rare rows that a person waits for */
	const char *day;  /* the time column that never changes, for partitions */
	const char *time; /* the column with the time of the row's last change */
	const char *text; /* what the table holds, in one phrase */
};
extern const struct feed_table feed_tables[FEED_TABLES];

struct feed_value {
	enum { FEED_VALUE_NULL, FEED_VALUE_INTEGER, FEED_VALUE_REAL, FEED_VALUE_TEXT } kind;
	int64_t integer;
	double real;
	const char *text; /* valid in the callback only */
	size_t size;
};

struct feed_row {
	int64_t position; /* the next read continues behind it */
	int64_t id;
	int64_t version;		 /* grows with each change of the row */
	const struct feed_value *values; /* one per column; NULL: the row has been pruned */
};

/* A return value other than 0 ends the read, which returns it. */
typedef int feed_row_fn(void *data, const struct feed_row *row);

struct feed;

/* Open the history at path. NULL with errno; one line is printed to errors. */
struct feed *feed_open(const char *path, FILE *errors);
void feed_close(struct feed *f);

/* The identifier of this database: another database has another one. */
const char *feed_history(const struct feed *f);

/* Return whether the path still names the file that is open. */
bool feed_is_current(const struct feed *f);

/* Changes are numbered from 1 on, over all tables. A position is the number of the last
 * change that was dealt with. */
struct feed_span {
	int64_t first, last;	     /* the changes that the history knows; first > last: none */
	int64_t tables[FEED_TABLES]; /* the last change of each table; 0: none is known */
};
/* 0 or -errno. */
int feed_span(struct feed *f, struct feed_span *out);

/* Count the changes of a table that follow a position. Return 0 or -errno. */
int feed_pending(struct feed *f, enum feed_table_id table, int64_t after, int64_t *count);

/* Call fn for at most limit changes of a table that follow a position. Return 0, the result of fn,
 * or -errno; -EBADMSG: the history is damaged. */
int feed_read(struct feed *f, enum feed_table_id table, int64_t after, unsigned limit,
	      feed_row_fn *fn, void *data);

/* Call fn for at most limit live flows with ids above after_id that began before a time,
 * by id. Their version is older than that of any later change. */
int feed_read_live(struct feed *f, int64_t after_id, int64_t before_ms, unsigned limit,
		   feed_row_fn *fn, void *data);

/* Set *position so that all changes since since_ms follow it. Return 0 or -errno. */
int feed_find(struct feed *f, int64_t since_ms, int64_t *position);

/* The facts of a heartbeat. */
struct feed_pulse {
	int64_t last_flow_id, last_position;
	int64_t alive_ms; /* when the daemon last committed; 0: not known */
};
int feed_pulse(struct feed *f, struct feed_pulse *out);

/* Return the message of the last failure. */
const char *feed_error(const struct feed *f);

#endif
