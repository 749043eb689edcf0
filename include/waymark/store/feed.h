/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.h - reads the history for export to other systems. A reader asks for the rows that changed
 * after a position, and gets them in the order in which they changed.
 *
 * Read-only. Each call is one short read transaction. The callback runs inside the transaction and
 * must not block. feed_tables describes the tables and their columns. SQL statements, the tables of
 * export targets, and the encodings of rows are all derived from this description.
 */
#ifndef WAYMARK_STORE_FEED_H
#define WAYMARK_STORE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum feed_kind {
	FEED_ID,    /* signed, 64 bits */
	FEED_COUNT, /* unsigned, 64 bits */
	FEED_NUMBER32,
	FEED_NUMBER16,
	FEED_REAL,
	FEED_TEXT,
	FEED_WORD, /* text of a column that has few different values */
	FEED_ADDRESS,
	/* a time in ms; the view has two columns for it: NAME_ms (integer) and NAME (text) */
	FEED_TIME,
};

struct feed_column {
	const char *name;
	enum feed_kind kind;
	bool is_nullable;
};

/* The tables of the feed. Heartbeats have no table here, because the exporter generates them and
 * the history does not hold them. */
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
	const char *name;		   /* name of the view */
	const struct feed_column *columns; /* the first column is the id */
	size_t n_columns;
	bool is_urgent; /* rows are rare and should be exported without delay */
	/* name of a time column whose value never changes; export targets partition the table by
	 * the day of this time */
	const char *day;
	/* name of the time column that the exporter takes as the time of the row */
	const char *time;
	const char *text; /* what the table contains, in one phrase for people */
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
	int64_t position; /* pass this position to feed_read() to continue after this row */
	int64_t id;
	int64_t version;		 /* grows with each change of the row */
	const struct feed_value *values; /* one per column; NULL: the row has been deleted */
	/* true: this is not a row, but the note that retention has deleted the changes up to
	 * `position`. id is 0 and values is NULL. */
	bool is_pruned;
	/* valid if is_pruned is true: how many changes of this table retention has deleted since
	 * the history began; -1: unknown */
	int64_t pruned;
};

/* Called for each row. A return value other than 0 ends the read, which returns that value. */
typedef int feed_row_fn(void *data, const struct feed_row *row);

struct feed;

/* Open the history at path. On failure return NULL with errno and print one line to errors. */
struct feed *feed_open(const char *path, FILE *errors);
void feed_close(struct feed *f);

/* Return the identifier of this database, which no other database has. */
const char *feed_history(const struct feed *f);

/* Return whether the file at the path is still the file that feed_open() opened. It is not after
 * waymarkd has created a new history. */
bool feed_is_current(const struct feed *f);

/* The range of changes that the history contains. Here, the changes of all tables are numbered
 * together, from 1 (in changes.h from 0). A position is the number of the last change that the
 * reader has processed. */
struct feed_span {
	/* numbers of the oldest and the newest change; first > last: the history has no change */
	int64_t first, last;
	int64_t tables[FEED_TABLES]; /* number of the last change of each table; 0: none found */
};
/* Fill in *out. Return 0 or -errno. */
int feed_span(struct feed *f, struct feed_span *out);

/* Set *count to the number of changes of a table from the beginning of the history to `position`.
 * Deleted changes count, too. If retention has deleted changes after `position`, or has not counted
 * all changes that it deleted, set *count to -1. Return 0 or -errno. */
int feed_ordinal(struct feed *f, enum feed_table_id table, int64_t position, int64_t *count);

/* Set *count to the number of changes of a table after the position `after`. Return 0 or -errno. */
int feed_pending(struct feed *f, enum feed_table_id table, int64_t after, int64_t *count);

/* Call fn for the changes of a table after the position `after`, but for at most `limit` changes.
 * If retention has deleted changes after this position, first call fn once with a feed_row whose
 * is_pruned is true. Return 0, the result of fn, or -errno; -EBADMSG if the history is damaged. */
int feed_read(struct feed *f, enum feed_table_id table, int64_t after, unsigned limit,
	      feed_row_fn *fn, void *data);

/* Call fn for the live flows that have an id above after_id and began before before_ms, in the
 * order of ids, but for at most `limit` flows. When such a flow ends, feed_read() reads it with a
 * higher version than the row has here. Return 0, the result of fn, or -errno. */
int feed_read_live(struct feed *f, int64_t after_id, int64_t before_ms, unsigned limit,
		   feed_row_fn *fn, void *data);

/* Find where to start reading: set *position so that feed_read() begins with the first change that
 * was committed at or after since_ms. If no such change exists, set *position to the position of
 * the newest change. Return 0 or -errno. */
int feed_find(struct feed *f, int64_t since_ms, int64_t *position);

/* What a heartbeat reports about the history. */
struct feed_pulse {
	int64_t last_flow_id, last_position;
	int64_t alive_ms; /* when the daemon last committed; 0: unknown */
};
int feed_pulse(struct feed *f, struct feed_pulse *out);

/* Return the message of the last failure. */
const char *feed_error(const struct feed *f);

#endif
