/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * writer_internal.h - the writer thread's state, for its own files.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_WRITER_INTERNAL_H
#define WAYMARK_SRC_STORE_WRITE_WRITER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/write/ingest.h"
#include "store/write/maintenance.h"
#include "store/write/latency.h"
#include "store/write/queue.h"
#include "store/store_internal.h"

/* Records in one transaction at most. */
#define BATCH_RECORDS_MAX 10000

/* Reason for abandoning a database whose file is no longer at its path. */
#define BATCH_MOVED "the database's file was moved, replaced or deleted"

/* Position of a flow's record in the batch, to write records in order of id. */
struct batch_entry {
	int64_t id;
	uint32_t at;
};

/* Records that could not be written, until a gap in the history reports them. */
struct write_failures {
	uint64_t lost; /* since the gap began that is open or to come */
	int64_t first_ms, last_ms;
	uint64_t row_lost; /* of lost: the number in the gap's row */
	int64_t row_id;	   /* of the open gap; 0: not written yet */
	bool is_row_final; /* the row ends the gap */
};

struct writer {
	struct store *st;
	uint32_t batch_ms, flows_max;
	pthread_t thread;
	struct queue queue;
	_Atomic bool is_stopping;
	bool is_clean;		   /* with is_stopping: the argument of writer_stop */
	int64_t stopped_ms;	   /* likewise */
	_Atomic uint64_t flush_to; /* commit at once until this many records are taken */

	/* The thread's own. */
	struct ingest in;
	bool is_loaded;
	struct maintenance maintenance;
	struct uplinks_record uplinks; /* the last uplinks, for a new database */
	struct batch_entry order[BATCH_RECORDS_MAX];
	struct delays delays;
	struct latency latency;
	uint64_t batch_failed; /* records that SQLite refused in this batch */
	unsigned attempts;     /* failed in a row */
	int64_t alive_ms;      /* when the history was last told that the daemon lives */
	int64_t watched_ms, stopping_since_ms;
	int64_t in_place_ms;	/* when the file was last seen where it belongs */
	int64_t moved_since_ms; /* the file went away; 0: it did not */
	char moved_reason[96];	/* why, for the gap */
	int64_t probed_ms;
	int64_t aside_ms; /* when a damaged database was last set aside; 0: never */
	_Atomic int64_t busy_since_ms;

	/* Between the threads. */
	pthread_mutex_t lock;
	pthread_cond_t progress; /* a batch was committed, or failed; the thread has ended */
	bool has_ended;
	uint64_t failures;
	struct write_failures losses;
	struct writer_stats stats;
};

/* --- batch.c: the n oldest records become one transaction ------------------- */

/* Make sure that a database is open. Return SQLite's result code. */
int batch_ready(struct writer *w);
int batch_write(struct writer *w, uint32_t n);
/* Free what the n oldest records own, and drop them from the queue. */
void batch_take(struct writer *w, uint32_t n);
void batch_forget(struct writer *w); /* forget what memory holds of the database */
/* A statement failed: roll back, note why, and close what may be broken; a damaged database is set
 * aside. Return rc. */
int batch_give_up(struct writer *w, int rc);
/* Abandon the missing or unusable database and begin a new one. */
void batch_renew(struct writer *w, const char *reason, const char *text);

/* The same after store_set_aside. */
void batch_renew_damaged(struct writer *w);

/* --- losses.c --------------------------------------------------------------- */

void write_failures_add(struct writer *w, uint64_t n, int64_t now_ms);
bool write_failures_are_unsaid(struct writer *w);
/* Write, update or end the gap's row, inside a transaction. Return SQLite's result code. */
int write_failures_write(struct writer *w);
/* The transaction with it is committed. */
void write_failures_committed(struct writer *w);

#endif
