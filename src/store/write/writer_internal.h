/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * writer_internal.h - the writer thread's state, shared by its files.
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

/* Maximum number of records in one transaction. */
#define BATCH_RECORDS_MAX 10000

/* A flow's id and the position of its record in the batch. Entries are sorted to write flows in the
 * order of ids. */
struct batch_entry {
	int64_t id;
	uint32_t at;
};

/* Records that could not be written. A gap in the history reports them. */
struct write_failures {
	uint64_t lost; /* records lost since the current gap began */
	int64_t first_ms, last_ms;
	uint64_t row_lost; /* how many lost records the gap's row reports */
	int64_t row_id;	   /* id of the gap's row; 0: not written yet */
	bool is_row_final; /* the row contains the end of the gap */
};

struct writer {
	struct store *st;
	uint32_t batch_ms, flows_max;
	pthread_t thread;
	struct queue queue;
	_Atomic bool is_stopping;
	bool is_clean;	    /* if is_stopping: the argument of writer_stop() */
	int64_t stopped_ms; /* if is_stopping: the time of the stop */
	/* set by writer_flush_within(): commit without delay until queue_taken() reaches this
	 * number */
	_Atomic uint64_t flush_to;

	/* Used only by the writer thread: */
	struct ingest in;
	bool is_loaded;
	bool is_marked; /* the start of this daemon has been recorded in the history */
	struct maintenance maintenance;
	struct uplinks_record uplinks; /* the current uplinks, to be written to a new database */
	struct batch_entry order[BATCH_RECORDS_MAX];
	struct delays delays;
	struct latency latency;
	uint64_t batch_failed; /* records of this batch that SQLite refused */
	unsigned attempts;     /* failed attempts in a row */
	uint32_t n_given_up;   /* records that a stop could not write */
	int64_t alive_ms;      /* when "the daemon is alive" was last recorded in the history */
	int64_t watched_ms, stopping_since_ms;
	int64_t in_place_ms; /* when the file was last seen undamaged at its path */
	/* If the previous database was lost (moved or damaged): when it was last seen undamaged at
	 * its path. A gap that begins at this time must be recorded in the new database. 0: no such
	 * gap waits to be recorded. */
	int64_t moved_since_ms;
	char moved_reason[96]; /* reason of that gap */
	int64_t probed_ms;
	int64_t aside_ms; /* when a damaged database was last renamed; 0: never */
	_Atomic int64_t busy_since_ms;

	/* Shared by the threads, guarded by lock: */
	pthread_mutex_t lock;
	/* signaled when a batch was committed or failed, and when the thread has ended */
	pthread_cond_t progress;
	bool has_ended;
	uint64_t failures;
	struct write_failures losses;
	struct writer_stats stats;
};

/* --- batch.c: writes the n oldest records in one transaction ---------------- */

/* Make sure that a database is open. Return SQLite's result code. */
int batch_ready(struct writer *w);
int batch_write(struct writer *w, uint32_t n);
/* Free what the n oldest records own, and drop the records from the queue. */
void batch_take(struct writer *w, uint32_t n);
void batch_forget(struct writer *w); /* unload what was loaded from the database */
/* Clean up after a statement has failed with rc. Roll back and note why the statement failed. If
 * the connection might be broken, close it. If the database is damaged, rename it. Return rc. */
int batch_give_up(struct writer *w, int rc);
/* Note that the database is lost and why it is lost, so that a gap is recorded in the new database.
 * Call batch_renew_damaged() after store_set_aside() has renamed a damaged database, and
 * batch_renew_moved() if a file is not at its path. */
void batch_renew_damaged(struct writer *w);
void batch_renew_moved(struct writer *w, enum store_move move);

/* --- write_failures.c ------------------------------------------------------- */

void write_failures_add(struct writer *w, uint64_t n, int64_t now_ms);
bool write_failures_are_unsaid(struct writer *w);
/* Write or update the row of the current gap, within a transaction. Return SQLite's result code. */
int write_failures_write(struct writer *w);
/* Note that the transaction with the gap's row was committed. */
void write_failures_committed(struct writer *w);

#endif
