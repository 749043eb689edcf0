/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query.c - reads the history for people. Its read-only connections never write a row, never
 * checkpoint, and hold no transaction while a row is shown.
 *
 * Knows nothing of how rows look on a terminal.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/db.h"
#include "store/migrate.h"
#include "store/read/query_internal.h"
#include "store/store_internal.h"

/* How long to wait for a lock. The writer locks readers out only while it changes the schema. */
#define BUSY_TIMEOUT_MS 2000
/* How many ids are fetched in one transaction. */
#define CHUNK 1024

static int refuse(struct query *q, int error, const char *why)
{
	snprintf(q->error, sizeof(q->error), "%s: %s", q->path, why);
	return error;
}

static int file_check(struct query *q)
{
	struct stat info;

	if (stat(q->path, &info) < 0)
		return refuse(
			q, -errno,
			errno == ENOENT
				? "the history does not exist yet; waymarkd creates it at start"
				: strerror(errno));
	if (S_ISREG(info.st_mode) && info.st_size == 0)
		return refuse(q, -ENOENT, "the history is empty; waymarkd fills it");
	return store_file_check(q->path, q->error, sizeof(q->error));
}

static int version_check(struct query *q)
{
	int known = store_migrations[store_migrations_count - 1].version;
	int64_t version, id;
	int rc = db_integer(q->db, "PRAGMA application_id", &id, 0);

	if (rc == SQLITE_OK)
		rc = db_integer(q->db, "PRAGMA user_version", &version, 0);
	if (rc != SQLITE_OK)
		return query_fail(q, rc);
	if (id != STORE_APPLICATION_ID)
		return refuse(q, -EPROTO, "this is not a history of Waymark");
	if (version > known)
		return refuse(q, -EPROTO,
			      "the schema of this history is newer than this program; use the "
			      "newer program");
	if (version < known)
		return refuse(q, -EPROTO,
			      "the schema of this history is older than this program; start "
			      "waymarkd, which migrates the history");
	return 0;
}

static int connection_open(struct query *q)
{
	int rc = sqlite3_open_v2(q->path, &q->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK)
		return query_fail(q, rc);
	db_distrust(q->db);
	sqlite3_extended_result_codes(q->db, 1);
	sqlite3_busy_timeout(q->db, BUSY_TIMEOUT_MS);
	rc = filter_register(q->db);
	return rc == SQLITE_OK ? version_check(q) : query_fail(q, rc);
}

struct query *query_open(const char *path, FILE *errors)
{
	struct query *q = calloc(1, sizeof(*q));
	int r = -ENOMEM;

	if (!q)
		return NULL;
	q->path = strdup(path);
	if (q->path)
		r = file_check(q);
	if (r == 0)
		r = connection_open(q);
	if (r == 0)
		return q;
	if (errors)
		fprintf(errors, "%s\n", q->error[0] ? q->error : strerror(-r));
	query_close(q);
	errno = -r;
	return NULL;
}

void query_close(struct query *q)
{
	if (!q)
		return;
	sqlite3_close(q->db);
	free(q->path);
	free(q);
}

const char *query_error(const struct query *q)
{
	return q->error;
}

/* Show rows in the order of ids, newest first. Fetch the ids in chunks with the statement 'ids',
 * which returns ids below $before. */
static int chunks_show(struct query *q, sqlite3_stmt *ids, uint64_t limit,
		       struct row_shower *shower)
{
	uint64_t left = limit ? limit : UINT64_MAX;
	int64_t list[CHUNK], before = INT64_MAX;
	int n = CHUNK, r = 0;

	while (r == 0 && left && n == CHUNK) {
		sqlite3_bind_int64(ids, sqlite3_bind_parameter_index(ids, "$before"), before);
		n = query_ids(q, ids, list, left < CHUNK ? (int)left : CHUNK);
		r = n < 0 ? n : 0;
		if (n > 0)
			r = row_shower_show_all(shower, list, (size_t)n);
		left -= n > 0 ? (uint64_t)n : 0;
		before = n > 0 ? list[n - 1] : 0;
	}
	return r;
}

static int chunks_run(struct query *q, const struct query_filter *f, enum filter_table table,
		      const char *head, struct row_shower *shower)
{
	char *condition = filter_condition(f, table);
	char *sql = condition ? sqlite3_mprintf("%s%s ORDER BY id DESC", head, condition) : NULL;
	sqlite3_stmt *ids = NULL;
	int rc = sql ? db_prepare(q->db, &ids, sql) : SQLITE_NOMEM, r;

	sqlite3_free(condition);
	sqlite3_free(sql);
	if (rc != SQLITE_OK)
		return query_fail(q, rc);
	filter_bind(ids, f);
	r = chunks_show(q, ids, f->limit, shower);
	sqlite3_finalize(ids);
	return r;
}

/* Choose the index to search. For a filter that selects only live flows, use the index of live
 * flows. For a filter that selects a verdict below VERDICT_UNKNOWN, use the index of flagged flows.
 * Both indexes are small. Search slices for any other filter. */
static int query_flows_run(struct query *q, const struct query_filter *f, struct row_shower *shower)
{
	bool is_flagged = f->verdict != VERDICT_NONE && f->verdict < VERDICT_UNKNOWN;

	if (f->is_live)
		return chunks_run(q, f, FILTER_FLOW,
				  "SELECT id FROM flow INDEXED BY flow_live"
				  " WHERE id < $before",
				  shower);
	if (is_flagged)
		return chunks_run(q, f, FILTER_FLOW,
				  "SELECT id FROM flow INDEXED BY flow_flagged"
				  " WHERE id < $before",
				  shower);
	return search_slices(q, f, shower);
}

int query_flows(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data)
{
	struct row_shower shower;
	int r = row_shower_open(&shower, q, "SELECT * FROM flows WHERE id = ?", fn, data);

	if (r == 0)
		r = query_flows_run(q, f, &shower);
	row_shower_close(&shower);
	return r;
}

int query_mismatches(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data)
{
	struct row_shower shower;
	int r = row_shower_open(&shower, q, "SELECT * FROM mismatches WHERE id = ?", fn, data);

	if (r == 0)
		r = chunks_run(q, f, FILTER_MISMATCH, "SELECT id FROM mismatch WHERE id < $before",
			       &shower);
	row_shower_close(&shower);
	return r;
}

/* Show the few rows of a statement with the parameters ?1 to ?3 (numbers) and ?4 (text or NULL). */
static int few_run_for(struct query *q, const char *sql, const int64_t numbers[3], const char *text,
		       query_row_fn *fn, void *data)
{
	sqlite3_stmt *stmt = NULL;
	int r, rc = db_prepare(q->db, &stmt, sql);

	if (rc != SQLITE_OK)
		return query_fail(q, rc);
	for (int i = 1; i <= 3 && i <= sqlite3_bind_parameter_count(stmt); i++)
		sqlite3_bind_int64(stmt, i, numbers[i - 1]);
	if (text)
		sqlite3_bind_text(stmt, 4, text, -1, SQLITE_STATIC);
	r = query_show_all(q, stmt, fn, data);
	sqlite3_finalize(stmt);
	return r;
}

static int few_run(struct query *q, const char *sql, int64_t first, int64_t second, int64_t third,
		   query_row_fn *fn, void *data)
{
	return few_run_for(q, sql, (int64_t[]){first, second, third}, NULL, fn, data);
}

/* If the clock was set back within a gap, the gap ends before it begins. Such a gap counts for the
 * time from its end to its beginning. */
int query_gaps(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data)
{
	return few_run(q,
		       "SELECT v.* FROM gap g JOIN gaps v ON v.id = g.id"
		       " WHERE (?1 = 0 OR ifnull(max(g.ended, ifnull(g.started, 0)), ?1) >= ?1)"
		       " AND (?2 = 0 OR min(ifnull(g.started, 0), ifnull(g.ended, ?2)) < ?2)"
		       " ORDER BY g.started DESC, abs(g.id) DESC LIMIT ?3",
		       f->since_ms, f->until_ms, f->limit ? (int64_t)f->limit : -1, fn, data);
}

/* Select the rows of a view with times from ?1 (0: any) to ?2, exclusive (0: any). */
#define BY_TIME(view)                                                                              \
	"SELECT * FROM " view " WHERE (?1 = 0 OR time_ms >= ?1) AND (?2 = 0 OR time_ms < ?2)"

static int timed_run(struct query *q, const char *sql, const struct query_filter *f,
		     const char *text, query_row_fn *fn, void *data)
{
	return few_run_for(q, sql,
			   (int64_t[]){f->since_ms, f->until_ms, f->limit ? (int64_t)f->limit : -1},
			   text, fn, data);
}

int query_tampering(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data)
{
	return timed_run(q, BY_TIME("tampering") " ORDER BY time_ms DESC, id DESC LIMIT ?3", f,
			 NULL, fn, data);
}

int query_coverage(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data)
{
	return few_run_for(q,
			   "SELECT * FROM coverage"
			   " WHERE (?1 = 0 OR hour_ms + 3600000 > ?1)"
			   " AND (?2 = 0 OR hour_ms < ?2) AND (?4 IS NULL OR uplink = ?4)"
			   " ORDER BY hour DESC, uplink LIMIT ?3",
			   (int64_t[]){f->since_ms, f->until_ms, f->limit ? (int64_t)f->limit : -1},
			   f->uplink, fn, data);
}

int query_untracked(struct query *q, int64_t since_ms, query_row_fn *fn, void *data)
{
	return few_run(q,
		       "SELECT uplink, sum(untracked) AS packets, untracked_example AS example,"
		       " max(iif(untracked_example IS NULL, 0, hour_ms)) AS hour_ms"
		       " FROM coverage WHERE hour_ms + 3600000 > ?1 AND untracked > 0"
		       " GROUP BY uplink ORDER BY uplink",
		       since_ms, 0, 0, fn, data);
}

int query_unasked(struct query *q, int64_t since_ms, query_row_fn *fn, void *data)
{
	return few_run(q,
		       "SELECT uplink, sum(unasked) AS answers, unasked_example AS example,"
		       " max(iif(unasked_example IS NULL, 0, hour_ms)) AS hour_ms"
		       " FROM coverage WHERE hour_ms + 3600000 > ?1 AND unasked > 0"
		       " GROUP BY uplink ORDER BY uplink",
		       since_ms, 0, 0, fn, data);
}

int query_uplinks(struct query *q, query_row_fn *fn, void *data)
{
	return few_run(q,
		       "SELECT * FROM uplinks ORDER BY valid_to IS NOT NULL, valid_to DESC, name",
		       0, 0, 0, fn, data);
}

int query_interfaces(struct query *q, query_row_fn *fn, void *data)
{
	return few_run(q, "SELECT interface FROM uplink UNION SELECT interface FROM ifset_member",
		       0, 0, 0, fn, data);
}

/* Passes rows to fn and notes whether there was any row. */
struct witness {
	query_row_fn *fn;
	void *data;
	bool has_seen;
};

static int witness_row(void *data, const struct value *values, size_t n)
{
	struct witness *w = data;

	w->has_seen = true;
	return w->fn(w->data, values, n);
}

int query_flow(struct query *q, int64_t id, query_row_fn *fn, void *data)
{
	struct witness w = {.fn = fn, .data = data};
	int r = few_run(q, "SELECT * FROM flows WHERE id = ?1", id, 0, 0, witness_row, &w);

	return r == 0 && !w.has_seen ? -ENOENT : r;
}

int query_flow_mismatches(struct query *q, int64_t id, query_row_fn *fn, void *data)
{
	return few_run(q, "SELECT * FROM mismatches WHERE flow_id = ?1 ORDER BY id", id, 0, 0, fn,
		       data);
}

int query_flow_mark_changes(struct query *q, int64_t id, query_row_fn *fn, void *data)
{
	return few_run(q, "SELECT * FROM mark_changes WHERE flow_id = ?1 ORDER BY time", id, 0, 0,
		       fn, data);
}

int query_flow_deletions(struct query *q, int64_t id, query_row_fn *fn, void *data)
{
	return few_run(q, "SELECT * FROM deleted_flows WHERE flow_id = ?1 ORDER BY time", id, 0, 0,
		       fn, data);
}

/* Count the flows here instead of in SQL, because SQLite would sort the rows to group them. */
static int totals_read(struct query *q, sqlite3_stmt *stmt, struct query_totals *out)
{
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		int verdict = sqlite3_column_int(stmt, 0);

		if (verdict >= 0 && verdict <= VERDICT_OK)
			out->by_verdict[verdict]++;
		out->flows++;
		out->live += sqlite3_column_int(stmt, 1) == FLOW_LIVE;
	}
	return rc == SQLITE_DONE ? 0 : query_fail(q, rc);
}

static int flow_totals(struct query *q, const struct query_filter *f, struct query_totals *out)
{
	struct query_filter times = {
		.started_since_ms = f->since_ms, .until_ms = f->until_ms, .port = -1, .proto = -1};
	char *condition = filter_condition(&times, FILTER_FLOW), *sql;
	sqlite3_stmt *stmt = NULL;
	int r, rc;

	sql = sqlite3_mprintf("SELECT verdict, state FROM"
			      " (SELECT id AS slice_id FROM slice WHERE"
			      " ($since IS NULL OR last_ms >= $since) AND"
			      " ($until IS NULL OR first_ms < $until)) CROSS JOIN flow NOT INDEXED"
			      " WHERE id BETWEEN slice_id << 15 AND (slice_id << 15) + 32767%s",
			      condition ? condition : "");
	rc = sql && condition ? db_prepare(q->db, &stmt, sql) : SQLITE_NOMEM;
	sqlite3_free(condition);
	sqlite3_free(sql);
	if (rc != SQLITE_OK)
		return query_fail(q, rc);
	if (f->since_ms)
		sqlite3_bind_int64(stmt, sqlite3_bind_parameter_index(stmt, "$since"), f->since_ms);
	filter_bind_number(stmt, "$started", f->since_ms);
	if (f->until_ms)
		sqlite3_bind_int64(stmt, sqlite3_bind_parameter_index(stmt, "$until"), f->until_ms);
	r = totals_read(q, stmt, out);
	sqlite3_finalize(stmt);
	return r;
}

static int integer_read(struct query *q, const char *sql, int64_t *out)
{
	int rc = db_integer(q->db, sql, out, 0);

	return rc == SQLITE_OK ? 0 : query_fail(q, rc);
}

int query_totals(struct query *q, const struct query_filter *f, struct query_totals *out)
{
	int64_t mismatches, gaps;
	int r;

	*out = (struct query_totals){0};
	r = flow_totals(q, f, out);
	if (r == 0)
		r = integer_read(q, "SELECT count(*) FROM mismatch", &mismatches);
	if (r == 0)
		r = integer_read(q, "SELECT count(*) FROM gap", &gaps);
	if (r < 0)
		return r;
	out->mismatches = (uint64_t)mismatches;
	out->gaps = (uint64_t)gaps;
	return 0;
}

int query_last_ids(struct query *q, int64_t *flow, int64_t *mismatch, int64_t *gap)
{
	int r = integer_read(q, "SELECT max(id) FROM flow", flow);

	if (r == 0)
		r = integer_read(q, "SELECT max(id) FROM mismatch", mismatch);
	return r == 0 ? integer_read(q, "SELECT max(id) FROM gap", gap) : r;
}

int query_oldest(struct query *q, int64_t *id, int64_t *started_ms)
{
	int r = integer_read(q, "SELECT min(id) FROM flow", id);

	if (r == 0)
		r = integer_read(q, "SELECT ifnull(started, 0) FROM flow ORDER BY id LIMIT 1",
				 started_ms);
	return r;
}
