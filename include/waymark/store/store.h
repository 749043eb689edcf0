/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store.h - the history in SQLite: one writer, a bounded queue before it.
 *
 * Queries are query.h, on read-only connections of their own.
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

/* Open or make the database, take the lock that keeps a second daemon away, and migrate an older
 * schema. On failure returns NULL with errno and prints one line to errors: EBUSY (locked by
 * another daemon), EPROTO (not ours or newer), EACCES, ... Nothing has been changed then. */
struct store *store_open(const char *path, FILE *errors);

/* The same, but a database of ours that SQLite finds damaged is renamed, with one line to
 * errors, and a new one begun: its writer adds a gap and counts a renewal. */
struct store *store_open_or_renew(const char *path, FILE *errors);

/* Commits and closes; checkpoints the WAL. NULL is allowed. */
void store_close(struct store *st);

/* Highest ids in use; the audit continues above them. */
int64_t store_last_flow_id(const struct store *st);
int64_t store_last_mismatch_id(const struct store *st);
int64_t store_last_gap_id(const struct store *st);

/* When the last daemon was last known to be alive (its last commit or its
 * stop), ms; 0: never. was_clean: it stopped by itself. */
int64_t store_last_alive_ms(const struct store *st, bool *was_clean);

/* Call fn for each flow that is still 'live' in the history, oldest first. */
typedef int store_flow_fn(void *data, const struct flow_record *f);
int store_each_live(struct store *st, store_flow_fn *fn, void *data);

/* Call fn for each alert that still waits for the webhook, oldest first. line: one JSON object. */
typedef int store_outbox_fn(void *data, int64_t id, const char *line);
int store_each_outbox(struct store *st, store_outbox_fn *fn, void *data);

/* Call fn for the latest reading of each uplink's counters. */
typedef void store_reading_fn(void *data, uint8_t slot, const struct coverage_reading *r);
int store_each_reading(struct store *st, store_reading_fn *fn, void *data);

/* Call fn for the latest reading of each uplink's usage. */
typedef void store_usage_reading_fn(void *data, uint8_t slot, const struct usage_reading *r);
int store_each_usage_reading(struct store *st, store_usage_reading_fn *fn, void *data);

/* Call fn for each bin of usage since a time, of all uplinks that had this name. bytes: both
 * directions. */
typedef void store_usage_fn(void *data, int64_t time_ms, uint64_t bytes);
int store_each_usage(struct store *st, const char *uplink, int64_t since_ms, store_usage_fn *fn,
		     void *data);

/* Return in out the time, state and reason of the last alert of a kind about an uplink;
 * time_ms 0: there was none. */
int store_last_alert(struct store *st, const char *kind, const char *uplinks,
		     struct alert_record *out);

/* --- the writer thread -------------------------------------------------- */

struct writer;

struct writer_stats {
	uint64_t queued, written, batches; /* records; commits */
	uint64_t dropped;		   /* records refused because the queue was full */
	uint64_t failed; /* records that SQLite refused, the rest of their batch not */
	uint32_t depth, depth_max, capacity;
	int64_t last_commit_ms;
	int64_t p50_ms, p99_ms; /* from event to committed row, in the last minute; -1: none */
	struct delays delays;	/* the same, since the start */
	int64_t database_bytes;
	int last_error; /* SQLite's result code; 0: no error */
	char last_error_text[128];
	uint64_t failures;	    /* attempts to write that failed */
	int failure, failure_errno; /* SQLite's and the system's code of the last of them */
	int64_t busy_since_ms;	    /* steady; of the step that runs; 0: none does */
	char refusal[96];	    /* why SQLite refused the last record that it did */
	uint64_t renewals;	    /* new databases begun after one was lost */
	char renewal_reason[16];    /* "damaged", "moved" */
	char renewal_text[128];	    /* what happened to the lost database */
};

/* Why the history cannot be written: in a word or two, and in a sentence. */
struct store_failure {
	const char *reason, *cause;
};
/* Return reason and cause for SQLite's result code and errno. */
struct store_failure store_failure_of(int code, int system_errno);
/* Return why the writer makes no progress; NULL: it does, or the cause is not yet known. */
const char *store_failure_cause(const struct writer_stats *s, int64_t steady_ms);

/* Start the thread; it owns st until writer_stop. capacity: flows that may wait. A batch is
 * committed at most batch_ms after its first record. */
struct writer *writer_start(struct store *st, uint32_t capacity, uint32_t batch_ms);

/* Copy the record into the queue; never blocks. Return 0, or -ENOBUFS if the queue is full: the
 * caller keeps what the record owns, and writes a gap when there is room again. For records that
 * SQLite refuses the writer itself writes a gap (source 'store', id below 0). One producer
 * thread. */
int writer_push(struct writer *w, const struct record *r);

/* Return how many flows there is room for. Other records have a reserve beyond it, so that a burst
 * of flows never keeps a gap or a mismatch out. */
uint32_t writer_room(const struct writer *w);

/* Wait until everything pushed so far is committed, or until an attempt to commit it failed. The
 * producer's thread. */
void writer_flush(struct writer *w);
/* Return false if the disk did not answer within patience_ms. */
bool writer_flush_within(struct writer *w, unsigned patience_ms);

/* How long a stop waits for a disk that does not answer. */
#define WRITER_STOP_MS 15000
/* Drain the queue, commit, and end the thread. is_clean is saved for store_last_alive_ms. A failing
 * database is retried for some seconds; then the remaining records are lost. Return 0 (the store is
 * still open), or -ETIMEDOUT: the disk does not answer, the thread keeps the store for ever, and
 * the process must exit. */
int writer_stop(struct writer *w, bool is_clean, int64_t now_ms);

void writer_stats(struct writer *w, struct writer_stats *out);

/* Retention, on the writer's thread between batches, at once and then each
 * minute: flows that ended longer than retention_s ago (0: no limit of age) and
 * the oldest while the database is larger than max_bytes (0: no limit) are
 * deleted, in steps that do not stall ingest. Live flows stay. */
void writer_set_retention(struct writer *w, uint64_t retention_s, uint64_t max_bytes);

/* Cut the addresses of flows that ended more than a day ago to their first bits, on the
 * writer's thread as retention is; is_on false: no longer. Exporters that have shipped a flow
 * do not hear of it again. */
void writer_set_anonymize(struct writer *w, bool is_on, uint8_t ipv4_bits, uint8_t ipv6_bits);

/* Retention now, at the request of an administrator, who knows that the clock is
 * right: a jump of the clock is otherwise not believed for a while. */
void writer_prune(struct writer *w);

/* Delete all data about a host: flows that have ended, mismatches, sums, alerts. Return 0, or
 * -EBUSY while another host is being deleted. */
int writer_forget(struct writer *w, const struct addr *host);

/* Return whether all of it has been done since writer_set_retention, writer_prune and
 * writer_forget. */
bool writer_is_pruned(struct writer *w);

#endif
