/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * batch.c - writes the oldest records of the queue in one transaction. The records stay in the
 * queue until the transaction is committed, so that a failure loses none of them.
 *
 * Knows nothing of when a batch is due.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/write/writer_internal.h"

#include "waymark/base/clock.h"
#include "waymark/base/sort.h"

/* The daemon records that it is alive (alive_ms in table meta) at most once in this time. */
#define ALIVE_INTERVAL_MS 1000
/* Minimum interval between two renewals of a damaged database. A renewal renames the database and
 * creates a new one. */
#define ASIDE_PAUSE_MS 60000

/* Return whether this error can be due to a single record. All other errors concern the
 * database. */
static bool is_records_fault(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
	case SQLITE_RANGE:
		return true;
	default:
		return false;
	}
}

static int refuse_if(struct writer *w, int rc)
{
	if (!is_records_fault(rc))
		return rc;
	w->batch_failed++;
	pthread_mutex_lock(&w->lock);
	snprintf(w->stats.refusal, sizeof(w->stats.refusal), "%.*s",
		 (int)sizeof(w->stats.refusal) - 1, sqlite3_errmsg(w->st->db));
	pthread_mutex_unlock(&w->lock);
	return SQLITE_OK;
}

static int entry_compare(const void *a, const void *b)
{
	const struct batch_entry *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

static void order_sort(struct batch_entry *order, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (entry_compare(&order[i - 1], &order[i]) > 0) {
			list_sort(order, n, sizeof(*order), entry_compare);
			return;
		}
}

/* Copy a flow's end and counters from the record 'before' to the later record 'last', if 'last'
 * lacks them. A record that is pushed after the flow's end need not repeat them. */
static void flow_inherit(struct flow_record *last, const struct flow_record *before)
{
	if (!last->ended_ms && last->state != FLOW_LIVE)
		last->ended_ms = before->ended_ms;
	if (last->has_counters || !before->has_counters)
		return;
	last->has_counters = true;
	memcpy(last->packets, before->packets, sizeof(last->packets));
	memcpy(last->bytes, before->bytes, sizeof(last->bytes));
}

static struct flow_record *flow_at(struct writer *w, uint32_t i)
{
	return &queue_at(&w->queue, w->order[i].at)->flow;
}

/* Write the flows in the order of ids, because rows with neighbouring ids share database pages. If
 * a flow has several records in the batch, write only the last one. */
static int flows_write(struct writer *w, uint32_t n)
{
	int rc = SQLITE_OK;

	order_sort(w->order, n);
	for (uint32_t i = 0; rc == SQLITE_OK && i < n; i++) {
		if (i + 1 < n && w->order[i + 1].id == w->order[i].id) {
			flow_inherit(flow_at(w, i + 1), flow_at(w, i));
			continue;
		}
		rc = refuse_if(w, ingest_flow(&w->in, flow_at(w, i)));
	}
	return rc;
}

/* Write the records. Flows are collected and written last. If a record changes the uplinks, first
 * write the flows collected so far, because these flows refer to the previous uplinks. */
static int records_write(struct writer *w, uint32_t n)
{
	uint32_t n_flows = 0;
	int rc = SQLITE_OK;

	for (uint32_t i = 0; rc == SQLITE_OK && i < n; i++) {
		const struct record *r = queue_at(&w->queue, i);

		if (r->type == RECORD_FLOW) {
			w->order[n_flows++] = (struct batch_entry){.id = r->flow.id, .at = i};
			continue;
		}
		if (r->type == RECORD_UPLINKS) {
			rc = flows_write(w, n_flows);
			n_flows = 0;
		}
		if (rc == SQLITE_OK)
			rc = refuse_if(w, ingest_record(&w->in, r));
	}
	return rc == SQLITE_OK ? flows_write(w, n_flows) : rc;
}

static int alive_write(struct writer *w)
{
	int64_t now_ms = clock_steady_ms();

	if (w->alive_ms && now_ms < w->alive_ms + ALIVE_INTERVAL_MS)
		return SQLITE_OK;
	w->alive_ms = now_ms;
	return ingest_meta(&w->in, "alive_ms", clock_now_ms());
}

/* If this database replaces a lost one, record a gap in it. The gap begins when the lost database
 * was last seen undamaged at its path, and ends now. */
static int moved_write(struct writer *w)
{
	struct record r = {
		.type = RECORD_GAP,
		.gap = {.id = w->st->own_gap_id - 1,
			.source = GAP_STORE,
			.lost = -1,
			.started_ms = w->moved_since_ms,
			.ended_ms = clock_now_ms()},
	};

	if (!w->moved_since_ms)
		return SQLITE_OK;
	snprintf(r.gap.reason, sizeof(r.gap.reason), "%s", w->moved_reason);
	return ingest_record(&w->in, &r);
}

void batch_forget(struct writer *w)
{
	if (w->is_loaded)
		ingest_unload(&w->in);
	maintenance_forget(&w->maintenance);
	w->is_loaded = false;
	w->alive_ms = 0;
}

static void error_note(struct writer *w, int rc, int system_errno, const char *text)
{
	pthread_mutex_lock(&w->lock);
	w->stats.last_error = w->stats.failure = rc;
	w->stats.failure_errno = system_errno;
	w->stats.failures++;
	snprintf(w->stats.last_error_text, sizeof(w->stats.last_error_text), "%.*s",
		 (int)sizeof(w->stats.last_error_text) - 1, text);
	pthread_mutex_unlock(&w->lock);
}

/* Note that the database was lost. 'reason' is one word for the alert. 'text' is a sentence.
 * 'created' names what is created in place of the lost file. */
static void renew(struct writer *w, const char *reason, const char *text, const char *created)
{
	w->moved_since_ms = w->in_place_ms;
	snprintf(w->moved_reason, sizeof(w->moved_reason), "%s", text);
	pthread_mutex_lock(&w->lock);
	w->stats.renewals++;
	snprintf(w->stats.renewal_reason, sizeof(w->stats.renewal_reason), "%s", reason);
	snprintf(w->stats.renewal_text, sizeof(w->stats.renewal_text), "%s", text);
	w->stats.renewal_created = created;
	pthread_mutex_unlock(&w->lock);
}

void batch_renew_damaged(struct writer *w)
{
	char text[128];

	w->aside_ms = clock_steady_ms();
	snprintf(text, sizeof(text), "the database was damaged and is kept as %s", w->st->aside);
	renew(w, "damaged", text, "database");
}

void batch_renew_moved(struct writer *w, enum store_move move)
{
	if (move == STORE_LOG_MOVED)
		renew(w, "moved", "the database's write-ahead log was moved or deleted", "log");
	else
		renew(w, "moved", "the database's file was moved, replaced or deleted", "database");
}

/* Rename the damaged database so that a new one is created. If the last renewal was less than
 * ASIDE_PAUSE_MS ago, the disk is probably at fault. In this case only close the database. */
static void set_aside(struct writer *w, int rc)
{
	int64_t now_ms = clock_steady_ms();

	if (w->aside_ms && now_ms - w->aside_ms < ASIDE_PAUSE_MS) {
		store_disconnect(w->st);
		return;
	}
	if (store_set_aside(w->st)) {
		error_note(w, rc, 0, w->st->error);
		return;
	}
	batch_renew_damaged(w);
}

int batch_give_up(struct writer *w, int rc)
{
	bool is_told =
		sqlite3_extended_errcode(w->st->db) == rc || sqlite3_errcode(w->st->db) == rc;

	/* Do not report a short lock by another process while there is nothing to write. */
	if ((rc & 0xff) != SQLITE_BUSY || queue_depth(&w->queue))
		error_note(w, rc, is_told ? db_system_errno(w->st->db) : 0,
			   is_told ? sqlite3_errmsg(w->st->db) : sqlite3_errstr(rc));
	if (!sqlite3_get_autocommit(w->st->db))
		db_exec(w->st->db, "ROLLBACK");
	batch_forget(w);
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_NOMEM:
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		set_aside(w, rc);
		break;
	default: /* the connection might be broken */
		store_disconnect(w->st);
	}
	return rc;
}

/* Record that a daemon runs. If it does not stop regularly, is_clean stays 0. */
static int start_mark(struct store *st)
{
	return db_exec(st->db, "INSERT OR REPLACE INTO meta VALUES ('is_clean', 0)");
}

/* Load what the writer keeps in memory. If the database replaces a lost one, write the gap (see
 * moved_write()) and the uplinks that are valid now. */
static int load(struct writer *w)
{
	int rc;

	w->is_loaded = true;
	rc = w->is_marked ? SQLITE_OK : start_mark(w->st);
	if (rc != SQLITE_OK)
		return rc;
	w->is_marked = true;
	rc = ingest_load(&w->in, w->st);
	if (rc == SQLITE_OK)
		rc = maintenance_attach(&w->maintenance, w->st->db);
	if (rc != SQLITE_OK || !w->moved_since_ms)
		return rc;
	rc = db_exec(w->st->db, "BEGIN IMMEDIATE");
	if (rc == SQLITE_OK)
		rc = moved_write(w);
	if (rc == SQLITE_OK && w->uplinks.uplinks)
		rc = uplinks_apply(&w->in.uplinks, &w->uplinks);
	if (rc == SQLITE_OK)
		rc = db_exec(w->st->db, "COMMIT");
	if (rc == SQLITE_OK) {
		w->st->own_gap_id--;
		w->moved_since_ms = 0;
	}
	return rc;
}

/* Connect again to a database that was closed after an error. Another file might be at the path
 * now. */
static int connect_again(struct writer *w)
{
	int r = store_reconnect(w->st);

	if (r < 0) {
		error_note(w, w->st->code ? w->st->code : SQLITE_CANTOPEN, -r, w->st->error);
		if (store_is_damaged(w->st, r))
			set_aside(w, SQLITE_CORRUPT);
		return SQLITE_CANTOPEN;
	}
	if (w->st->is_other && !w->moved_since_ms)
		batch_renew_moved(w, STORE_FILE_MOVED);
	return SQLITE_OK;
}

int batch_ready(struct writer *w)
{
	int rc = w->st->db ? SQLITE_OK : connect_again(w);

	if (rc != SQLITE_OK || w->is_loaded)
		return rc;
	rc = load(w);
	return rc == SQLITE_OK ? rc : batch_give_up(w, rc);
}

int batch_write(struct writer *w, uint32_t n)
{
	int rc = db_exec(w->st->db, "BEGIN IMMEDIATE");

	w->batch_failed = 0;
	if (rc == SQLITE_OK)
		rc = records_write(w, n);
	if (rc == SQLITE_OK)
		rc = write_failures_write(w);
	if (rc == SQLITE_OK)
		rc = ingest_finish(&w->in, clock_now_ms());
	if (rc == SQLITE_OK)
		rc = alive_write(w);
	if (rc == SQLITE_OK)
		rc = db_exec(w->st->db, "COMMIT");
	if (rc != SQLITE_OK)
		return batch_give_up(w, rc);
	write_failures_committed(w);
	return SQLITE_OK;
}

static void uplinks_keep(struct writer *w, struct uplinks_record *r)
{
	free(w->uplinks.uplinks);
	w->uplinks = *r;
	r->uplinks = NULL;
}

void batch_take(struct writer *w, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct record *r = queue_at(&w->queue, i);

		if (r->type == RECORD_UPLINKS)
			uplinks_keep(w, &r->uplinks);
		else
			record_clear(r);
	}
	queue_take(&w->queue, n);
}
