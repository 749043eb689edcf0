/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * writer.c - the thread that writes the history. It collects records for half of batch_ms, commits
 * them, and does maintenance between batches. If the database fails, the thread tries again while
 * records wait in the queue.
 *
 * Knows nothing of rows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "store/db.h"
#include "store/write/writer_internal.h"

#include "waymark/base/thread.h"
#include "waymark/base/clock.h"

/* How often the thread wakes up for maintenance while no record arrives. */
#define IDLE_MS 1000
/* How often the thread records in the history that the daemon is alive, if no record arrives. */
#define IDLE_ALIVE_MS 5000
/* How often to check that the database's files are still at their paths. */
#define WATCH_MS 2000
/* How often the newest rows are read back to detect damage. */
#define PROBE_MS 4000
/* Pause between two attempts to write to a failing database. RETRY_MS is the first pause,
 * RETRY_MAX_MS the longest. */
#define RETRY_MS     100
#define RETRY_MAX_MS 5000
/* When waymarkd stops and the database fails, how long to try to write the remaining records. */
#define STOP_PATIENCE_MS 3000
/* A maintenance step begins only if this much time is left before the batch is due. */
#define STEP_MS 30
/* After this many batches, do one step of maintenance even if no time is left for it. */
#define STEP_BATCHES 16
/* If maintenance cannot wait (maintenance_is_pressed()), do up to this many steps after each batch.
 * A batch adds less work than these steps do, so that maintenance catches up. */
#define STEPS_PRESSED 4
/* The queue has additional places for records that are not flows: one per RESERVE_PART places for
 * flows. */
#define RESERVE_PART 16

/* busy_begin() and busy_end() mark the time in which the thread may be waiting for the disk. */
static void busy_begin(struct writer *w)
{
	atomic_store(&w->busy_since_ms, clock_steady_ms());
}

static void busy_end(struct writer *w)
{
	atomic_store(&w->busy_since_ms, 0);
}

static void progress_tell(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	pthread_cond_broadcast(&w->progress);
	pthread_mutex_unlock(&w->lock);
}

static int64_t file_bytes(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 ? info.st_size : 0;
}

static void latency_note(struct writer *w, uint32_t n, int64_t now_ms)
{
	for (uint32_t i = 0; i < n; i++) {
		int64_t event_ms = queue_at(&w->queue, i)->event_ms;

		if (!event_ms)
			continue;
		latency_add(&w->latency, now_ms, now_ms - event_ms);
		delays_add(&w->delays, now_ms - event_ms);
	}
}

static void committed_note(struct writer *w, uint32_t n)
{
	int64_t bytes = file_bytes(w->st->path), now_ms = clock_now_ms();

	latency_note(w, n, now_ms);
	pthread_mutex_lock(&w->lock);
	w->stats.p50_ms = latency_quantile(&w->latency, now_ms, 500);
	w->stats.p99_ms = latency_quantile(&w->latency, now_ms, 990);
	w->stats.delays = w->delays;
	w->stats.written += n - w->batch_failed;
	w->stats.failed += w->batch_failed;
	w->stats.batches++;
	w->stats.last_commit_ms = now_ms;
	w->stats.database_bytes = bytes;
	w->stats.last_error = 0;
	w->stats.last_error_text[0] = '\0';
	pthread_mutex_unlock(&w->lock);
	if (w->batch_failed)
		write_failures_add(w, w->batch_failed, now_ms);
	w->batch_failed = 0;
	w->attempts = 0;
}

static void depth_note(struct writer *w)
{
	uint32_t depth = queue_depth(&w->queue);

	pthread_mutex_lock(&w->lock);
	if (depth > w->stats.depth_max)
		w->stats.depth_max = depth;
	pthread_mutex_unlock(&w->lock);
}

/* If the disk is full, free space. Return whether rows were deleted. If so, the next attempt to
 * write can succeed and should not wait for long. */
static bool is_relieved(struct writer *w, int code, int64_t now_ms)
{
	bool did = false;
	int rc;

	if ((code & 0xff) != SQLITE_FULL || batch_ready(w) != SQLITE_OK)
		return false;
	rc = maintenance_relieve(&w->maintenance, &w->in, w->attempts, now_ms, &did);
	if (rc == SQLITE_OK)
		return did;
	batch_give_up(w, rc);
	return false;
}

/* Count a failure, then wait. The wait grows with each failure in a row. Records stay in the queue
 * during the wait. */
static void failed_note(struct writer *w, int rc)
{
	int64_t pause = RETRY_MS << (w->attempts < 6 ? w->attempts : 6);
	int64_t now = clock_steady_ms();

	w->attempts++;
	pthread_mutex_lock(&w->lock);
	w->failures++;
	pthread_mutex_unlock(&w->lock);
	progress_tell(w);
	depth_note(w);
	busy_begin(w);
	if (is_relieved(w, rc, now) || atomic_load(&w->is_stopping))
		pause = RETRY_MS;
	busy_end(w);
	queue_wait(&w->queue, w->queue.capacity + 1,
		   now + (pause < RETRY_MAX_MS ? pause : RETRY_MAX_MS));
}

static void commit(struct writer *w)
{
	uint32_t n = queue_depth(&w->queue);
	int rc;

	depth_note(w);
	if (n > BATCH_RECORDS_MAX)
		n = BATCH_RECORDS_MAX;
	busy_begin(w);
	rc = batch_ready(w);
	if (rc == SQLITE_OK)
		rc = batch_write(w, n);
	busy_end(w);
	if (rc != SQLITE_OK) {
		failed_note(w, rc);
		return;
	}
	committed_note(w, n);
	batch_take(w, n);
	progress_tell(w);
}

/* Check the database for damage, because records that are written to a damaged database are
 * lost. */
static void damage_look(struct writer *w, int64_t now_ms)
{
	int rc = store_damage(w->st);

	if (rc == SQLITE_OK && now_ms >= w->probed_ms + PROBE_MS) {
		w->probed_ms = now_ms;
		rc = store_probe(w->st);
	}
	if (rc != SQLITE_OK)
		batch_give_up(w, rc);
	else
		w->in_place_ms = clock_now_ms();
}

/* Check that the files are still at their paths, because records that are written to a deleted or
 * replaced file are lost. If a file is missing or replaced, open the database again, which creates
 * missing files. */
static void watch(struct writer *w, int64_t now_ms)
{
	enum store_move move;

	if (now_ms < w->watched_ms + WATCH_MS)
		return;
	w->watched_ms = now_ms;
	move = store_move(w->st);
	if (move == STORE_IN_PLACE) {
		if (w->st->db)
			damage_look(w, now_ms);
		return;
	}
	batch_renew_moved(w, move);
	batch_forget(w);
	store_abandon(w->st);
	commit(w);
}

/* Do one step of maintenance. Return false if there was nothing to do. */
static bool keep(struct writer *w, int64_t now_ms)
{
	bool did = false;
	int rc;

	busy_begin(w);
	rc = batch_ready(w);
	if (rc == SQLITE_OK)
		rc = maintenance_step(&w->maintenance, &w->in, now_ms, &did);
	if (rc != SQLITE_OK && w->is_loaded)
		batch_give_up(w, rc);
	busy_end(w);
	if (rc == SQLITE_OK)
		return did;
	failed_note(w, rc);
	return true;
}

static bool is_flushing(struct writer *w)
{
	return atomic_load(&w->is_stopping) || atomic_load(&w->flush_to) > queue_taken(&w->queue);
}

static void gather(struct writer *w)
{
	int64_t due = clock_steady_ms() + w->batch_ms / 2, now;

	while ((now = clock_steady_ms()) < due && !is_flushing(w) &&
	       queue_depth(&w->queue) < BATCH_RECORDS_MAX)
		if (due - now < STEP_MS || !keep(w, now))
			queue_wait(&w->queue, BATCH_RECORDS_MAX, due);
}

/* After a batch, do the maintenance that cannot be postponed until there is nothing to write. */
static void keep_up(struct writer *w, int64_t now_ms)
{
	if (w->stats.batches % STEP_BATCHES == 0)
		keep(w, now_ms);
	for (int i = 0; i < STEPS_PRESSED && w->is_loaded && !w->attempts; i++)
		if (!maintenance_is_pressed(&w->maintenance, &w->in, now_ms) || !keep(w, now_ms))
			break;
}

static void idle(struct writer *w)
{
	int64_t now = clock_steady_ms();

	if (write_failures_are_unsaid(w) || now - w->alive_ms >= IDLE_ALIVE_MS)
		commit(w);
	else if (!keep(w, now))
		queue_wait(&w->queue, 1, now + IDLE_MS);
}

/* Return whether waymarkd is stopping and has tried for long enough to write to a failing
 * database. */
static bool is_given_up(struct writer *w, int64_t now_ms)
{
	if (!atomic_load(&w->is_stopping))
		return false;
	if (!w->stopping_since_ms)
		w->stopping_since_ms = now_ms;
	return w->attempts && now_ms - w->stopping_since_ms > STOP_PATIENCE_MS;
}

static void writer_main(struct writer *w)
{
	for (;;) {
		int64_t now = clock_steady_ms();

		watch(w, now);
		if (is_given_up(w, now))
			break;
		if (queue_depth(&w->queue)) {
			gather(w);
			commit(w);
			keep_up(w, now);
		} else if (atomic_load(&w->is_stopping) && !write_failures_are_unsaid(w)) {
			break;
		} else {
			idle(w);
		}
	}
}

/* Record the stop. This is the last write to the history. */
static void stop_mark(struct store *st, bool is_clean, int64_t now_ms)
{
	if (!st->db)
		return;
	db_run_numbers(st->db, "INSERT OR REPLACE INTO meta VALUES ('alive_ms', ?)", 1, &now_ms);
	db_run_numbers(st->db, "INSERT OR REPLACE INTO meta VALUES ('is_clean', ?)", 1,
		       (int64_t[]){is_clean});
}

/* Drop the records that could not be written, and record the stop. */
static void ending_write(struct writer *w)
{
	uint32_t left = queue_depth(&w->queue);

	batch_take(w, left);
	w->n_given_up = left;
	batch_forget(w);
	stop_mark(w->st, w->is_clean && !left, w->stopped_ms);
}

static void *thread_run(void *data)
{
	struct writer *w = data;

	writer_main(w);
	ending_write(w);
	pthread_mutex_lock(&w->lock);
	w->has_ended = true;
	pthread_cond_broadcast(&w->progress);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* If store_open_or_renew() renamed a damaged database and created a new one, note this (see
 * batch_renew_damaged()). */
static void renewal_take(struct writer *w)
{
	if (!w->st->aside[0])
		return;
	w->in_place_ms = w->st->written_ms;
	batch_renew_damaged(w);
}

struct writer *writer_start(struct store *st, uint32_t capacity, uint32_t batch_ms)
{
	struct writer *w = calloc(1, sizeof(*w));
	int r = -ENOMEM;

	if (!w)
		return NULL;
	w->st = st;
	if (st->is_postponed)
		store_disconnect(st);
	w->batch_ms = batch_ms;
	w->in_place_ms = clock_now_ms();
	w->stats.capacity = capacity;
	w->stats.p50_ms = w->stats.p99_ms = -1;
	w->stats.database_bytes = file_bytes(st->path);
	maintenance_init(&w->maintenance);
	pthread_mutex_init(&w->lock, NULL);
	thread_cond_init(&w->progress);
	renewal_take(w);
	w->flows_max = capacity;
	if (queue_init(&w->queue, capacity + capacity / RESERVE_PART + 1) < 0)
		goto free_writer;
	r = thread_start(&w->thread, thread_run, w);
	if (r == 0)
		return w;
	queue_destroy(&w->queue);
free_writer:
	pthread_cond_destroy(&w->progress);
	pthread_mutex_destroy(&w->lock);
	free(w);
	errno = -r;
	return NULL;
}

uint32_t writer_room(const struct writer *w)
{
	uint32_t depth = queue_depth(&w->queue);

	return w->flows_max > depth ? w->flows_max - depth : 0;
}

/* Count a record that was refused because the queue was full. Also note the queue's depth, because
 * the writer takes many records at a time and might never see a full queue. */
static void refused_note(struct writer *w, uint32_t depth)
{
	pthread_mutex_lock(&w->lock);
	w->stats.dropped++;
	if (depth > w->stats.depth_max)
		w->stats.depth_max = depth;
	pthread_mutex_unlock(&w->lock);
}

int writer_push(struct writer *w, const struct record *r)
{
	if (r->type == RECORD_FLOW && !writer_room(w)) {
		refused_note(w, w->flows_max);
		return -ENOBUFS;
	}
	if (!queue_push(&w->queue, r))
		return 0;
	refused_note(w, w->queue.capacity);
	return -ENOBUFS;
}

static struct timespec deadline(unsigned patience_ms)
{
	return thread_deadline(clock_steady_ms() + patience_ms);
}

bool writer_flush_within(struct writer *w, unsigned patience_ms)
{
	uint64_t target = queue_pushed(&w->queue), failures;
	struct timespec end = deadline(patience_ms);
	int err = 0;

	atomic_store(&w->flush_to, target);
	queue_kick(&w->queue);
	pthread_mutex_lock(&w->lock);
	failures = w->failures;
	while (queue_taken(&w->queue) < target && w->failures == failures && !err)
		err = pthread_cond_timedwait(&w->progress, &w->lock, &end);
	pthread_mutex_unlock(&w->lock);
	return !err;
}

void writer_flush(struct writer *w)
{
	while (!writer_flush_within(w, WRITER_STOP_MS))
		;
}

static bool ending_await(struct writer *w)
{
	struct timespec end = deadline(WRITER_STOP_MS);
	bool has_ended;
	int err = 0;

	pthread_mutex_lock(&w->lock);
	while (!w->has_ended && !err)
		err = pthread_cond_timedwait(&w->progress, &w->lock, &end);
	has_ended = w->has_ended;
	pthread_mutex_unlock(&w->lock);
	return has_ended;
}

int writer_stop(struct writer *w, bool is_clean, int64_t now_ms)
{
	int n_given_up;

	w->is_clean = is_clean;
	w->stopped_ms = now_ms;
	atomic_store(&w->is_stopping, true);
	queue_kick(&w->queue);
	if (!ending_await(w)) {
		pthread_detach(w->thread);
		return -ETIMEDOUT;
	}
	pthread_join(w->thread, NULL);
	n_given_up = (int)w->n_given_up;
	free(w->uplinks.uplinks);
	queue_destroy(&w->queue);
	pthread_cond_destroy(&w->progress);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return n_given_up;
}

void writer_stats(struct writer *w, struct writer_stats *out)
{
	pthread_mutex_lock(&w->lock);
	*out = w->stats;
	pthread_mutex_unlock(&w->lock);
	out->busy_since_ms = atomic_load(&w->busy_since_ms);
	out->queued = queue_pushed(&w->queue);
	out->depth = queue_depth(&w->queue);
	if (out->depth > out->depth_max)
		out->depth_max = out->depth;
}

void writer_set_retention(struct writer *w, uint64_t retention_s, uint64_t max_bytes)
{
	atomic_store(&w->maintenance.pruner.retention_s, retention_s);
	atomic_store(&w->maintenance.pruner.max_bytes, max_bytes);
	atomic_fetch_add(&w->maintenance.pruner.asked, 1);
	queue_kick(&w->queue);
}

void writer_set_anonymize(struct writer *w, bool is_on, uint8_t ipv4_bits, uint8_t ipv6_bits)
{
	anonymizer_set(&w->maintenance.anonymizer, is_on,
		       (struct address_cut){.ipv4_bits = ipv4_bits, .ipv6_bits = ipv6_bits});
	queue_kick(&w->queue);
}

void writer_prune(struct writer *w)
{
	atomic_store(&w->maintenance.pruner.is_clock_trusted, true);
	atomic_fetch_add(&w->maintenance.pruner.asked, 1);
	queue_kick(&w->queue);
}

int writer_forget(struct writer *w, const struct addr *host)
{
	if (!forget_ask(&w->maintenance.forget, host))
		return -EBUSY;
	queue_kick(&w->queue);
	return 0;
}

bool writer_is_pruned(struct writer *w)
{
	return !forget_has_work(&w->maintenance.forget) &&
	       atomic_load(&w->maintenance.pruner.done) ==
		       atomic_load(&w->maintenance.pruner.asked);
}
