/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store.h - the history in SQLite. One writer thread writes the history. A bounded queue holds the
 * records that wait for this thread.
 *
 * query.h has the queries, which use read-only connections of their own.
 */
#ifndef WAYMARK_STORE_STORE_H
#define WAYMARK_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "waymark/base/delays.h"
#include "waymark/base/record.h"

struct store;

/* Open or create the database, take the lock that only one daemon can hold, and migrate an older
 * schema. On failure change nothing, print one line to `errors`, and return NULL with errno: EBUSY
 * (locked by another daemon), EPROTO (not a history of Waymark, or its schema is newer than this
 * program's), EACCES, ... */
struct store *store_open(const char *path, FILE *errors);

/* Like store_open(), but do not fail if the database is damaged or the disk cannot be written,
 * because a daemon must steer even without a history. If SQLite finds our database damaged, rename
 * it, print one line to `errors`, and create a new database; the writer then records a gap and
 * counts a renewal. If the disk is full, is read-only or reports an error, print one line to
 * `errors` and open the database for reading only. If that fails, too, open an empty database in
 * memory. The writer opens the real database for writing when the disk allows it again. */
struct store *store_open_or_renew(const char *path, FILE *errors);

/* Commit, checkpoint the write-ahead log and close. NULL is allowed. */
void store_close(struct store *st);

/* Return the highest id that the history has used. The audit gives higher ids to new records. */
int64_t store_last_flow_id(const struct store *st);
int64_t store_last_mismatch_id(const struct store *st);
int64_t store_last_gap_id(const struct store *st);

/* Return when the previous daemon last recorded that it was alive, in ms; 0: no daemon has run. Set
 * *was_clean to whether that daemon stopped regularly. */
int64_t store_last_alive_ms(const struct store *st, bool *was_clean);

/* Call fn, in the order of ids, for each flow whose conntrack entry still existed when the last
 * daemon stopped. These are the flows in state FLOW_LIVE or FLOW_CLOSED (base/record.h). */
typedef int store_flow_fn(void *data, const struct flow_record *f);
int store_each_live(struct store *st, store_flow_fn *fn, void *data);

/* Call fn for each alert that the webhook has not acknowledged yet, oldest first. line is one JSON
 * object. */
typedef int store_outbox_fn(void *data, int64_t id, const char *line);
int store_each_outbox(struct store *st, store_outbox_fn *fn, void *data);

/* Call fn for the latest reading of each uplink's counters. */
typedef void store_reading_fn(void *data, uint8_t slot, const struct coverage_reading *r);
int store_each_reading(struct store *st, store_reading_fn *fn, void *data);

/* Call fn for the latest reading of each uplink's usage. */
typedef void store_usage_reading_fn(void *data, uint8_t slot, const struct usage_reading *r);
int store_each_usage_reading(struct store *st, store_usage_reading_fn *fn, void *data);

/* Call fn for each usage bin (five minutes) that began at or after since_ms and belongs to an
 * uplink that ever had this name. 'bytes' is the sum of both directions. */
typedef void store_usage_fn(void *data, int64_t time_ms, uint64_t bytes);
int store_each_usage(struct store *st, const char *uplink, int64_t since_ms, store_usage_fn *fn,
		     void *data);

/* Find the last alert that has this kind and these uplinks in the history. Copy its time, state and
 * reason to *out. If no such alert exists, set out->time_ms to 0. Return 0 or -errno. */
int store_last_alert(struct store *st, const char *kind, const char *uplinks,
		     struct alert_record *out);

/* --- the writer thread -------------------------------------------------- */

struct writer;

struct writer_stats {
	/* numbers of records put into the queue, of records written, and of transactions
	 * committed */
	uint64_t queued, written, batches;
	uint64_t dropped; /* number of records that did not fit into the queue */
	/* number of records that SQLite refused, although the rest of their batch was written */
	uint64_t failed;
	uint32_t depth, depth_max, capacity; /* of the queue */
	int64_t last_commit_ms;
	/* p50 and p99 of the time between an event and the commit of its row, for the rows of the
	 * last minute; -1: no row */
	int64_t p50_ms, p99_ms;
	/* the same time, for all rows since the start */
	struct delays delays;
	int64_t database_bytes;
	int last_error; /* SQLite's result code of the last attempt to write; 0: it succeeded */
	char last_error_text[128];
	uint64_t failures; /* number of attempts to write that failed */
	/* SQLite's result code and errno of the last attempt that failed; kept after a success */
	int failure, failure_errno;
	/* CLOCK_MONOTONIC time at which the current step began; 0: no step is running */
	int64_t busy_since_ms;
	char refusal[96];	     /* why SQLite refused the newest failed record */
	uint64_t renewals;	     /* number of databases or logs created to replace lost ones */
	char renewal_reason[16];     /* "damaged", "moved" */
	char renewal_text[128];	     /* what happened to the lost database */
	const char *renewal_created; /* "database", "log" */
};

/* Why the history cannot be written: `reason` is one or two words, `cause` a phrase for people. */
struct store_failure {
	const char *reason, *cause;
};
/* Translate SQLite's result code and the errno of a failed write. */
struct store_failure store_failure_of(int code, int system_errno);
/* Return why the writer makes no progress. Return NULL if the writer makes progress, or if the
 * cause is not known yet. steady_ms is the current CLOCK_MONOTONIC time. */
const char *store_failure_cause(const struct writer_stats *s, int64_t steady_ms);

/* Start the writer thread, which owns st until writer_stop(). 'capacity' is the number of flows
 * that the queue holds. A batch is committed at most batch_ms milliseconds after its first
 * record. */
struct writer *writer_start(struct store *st, uint32_t capacity, uint32_t batch_ms);

/* Copy a record into the queue; never block. Only one thread may call this. Return 0, or -ENOBUFS
 * if the queue is full. In that case the caller still owns what the record points to, and must push
 * a gap once there is room. If SQLite refuses a record, the writer itself records a gap (source
 * 'store', negative id). */
int writer_push(struct writer *w, const struct record *r);

/* Return how many more flows the queue has room for. Records that are not flows have their own
 * room, so that a burst of flows never displaces a gap or a mismatch. */
uint32_t writer_room(const struct writer *w);

/* Wait until all records pushed so far are committed, or until an attempt to commit has failed.
 * Call this from the thread that pushes. */
void writer_flush(struct writer *w);
/* Like writer_flush(), but return false if the disk has not answered within patience_ms. */
bool writer_flush_within(struct writer *w, unsigned patience_ms);

/* How long a stop waits for a disk that does not answer. */
#define WRITER_STOP_MS 15000
/* Write the rest of the queue, commit, and end the thread. is_clean is saved for
 * store_last_alive_ms(). If writing fails, retry for some seconds, then give up the remaining
 * records. Return the number of records that were given up; the caller then closes the store.
 * Return -ETIMEDOUT if the disk does not answer. In this case the thread never releases the store,
 * and the process must exit. */
int writer_stop(struct writer *w, bool is_clean, int64_t now_ms);

void writer_stats(struct writer *w, struct writer_stats *out);

/* Set the retention. The writer thread deletes flows that ended more than retention_s seconds ago
 * (0: no limit). It also deletes the oldest flows while the database is larger than max_bytes (0:
 * no limit). It applies the new retention at once, and checks the age of flows again every minute.
 * It works between batches, in steps that do not stall writing. It never deletes live flows. */
void writer_set_retention(struct writer *w, uint64_t retention_s, uint64_t max_bytes);

/* If is_on is true, cut the addresses of flows that ended more than a day ago to their first
 * ipv4_bits or ipv6_bits bits; if false, stop doing so. The writer thread does this in steps, like
 * retention. The cut is not in the log of changes, so that an exporter does not ship the flow
 * again. */
void writer_set_anonymize(struct writer *w, bool is_on, uint8_t ipv4_bits, uint8_t ipv6_bits);

/* Apply retention now, at the request of an administrator, even if the clock has just jumped. (The
 * periodic retention waits for a while after a jump, see src/store/write/age_clock.h.) */
void writer_prune(struct writer *w);

/* Delete all data about a host: its ended flows, mismatches, sums and alerts. Return 0, or -EBUSY
 * if the writer is still deleting the data of another host. */
int writer_forget(struct writer *w, const struct addr *host);

/* Return whether the writer has finished all deletions that writer_set_retention(), writer_prune()
 * and writer_forget() caused. */
bool writer_is_pruned(struct writer *w);

#endif
