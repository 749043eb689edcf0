/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coverage_sums.c - stores coverage: the number of packets that left by an uplink, and how many of
 * them the flows of the history account for. Writes intervals and counter readings as rows, and
 * reads the saved counter readings. An interval is added to the hour that contains its middle.
 *
 * Does not compare these two numbers.
 */
#include "store/write/coverage_sums.h"

#include "store/db.h"
#include "store/store_internal.h"
#include "waymark/store/store.h"

#define HOUR_MS INT64_C(3600000)

/* Kinds of counts. The numbers are stored in the database (sql/version-2.sql). */
enum kind {
	KIND_LINK = 0,
	KIND_LEFT = 1,
	KIND_SKIPPED = 2,
	KIND_RULES = 10, /* + enum rule_count */
	KIND_FLOWS = 20, /* + enum flow_share */
	KIND_UNASKED = 30,
};

const char *const coverage_sql[COVERAGE_STATEMENTS] = {
	[COVERAGE_ADD_HOUR] =
		"INSERT INTO coverage_hour (time, uplink, started, ended, intervals, unknown,"
		" is_partial, has_gap, has_uncounted, untracked_example, unasked_example)"
		" VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT (time, uplink) DO UPDATE SET"
		" started = min(started, excluded.started), ended = max(ended, excluded.ended),"
		" intervals = intervals + 1, unknown = unknown + excluded.unknown,"
		" is_partial = max(is_partial, excluded.is_partial),"
		" has_gap = max(has_gap, excluded.has_gap),"
		" has_uncounted = max(has_uncounted, excluded.has_uncounted),"
		" untracked_example = ifnull(excluded.untracked_example, untracked_example),"
		" unasked_example = ifnull(excluded.unasked_example, unasked_example)",
	[COVERAGE_ADD_COUNT] =
		"INSERT INTO coverage_count (packets, bytes, kind, uplink, time)"
		" VALUES (?, ?, ?, ?, ?) ON CONFLICT (time, uplink, kind) DO UPDATE SET"
		" packets = packets + excluded.packets, bytes = bytes + excluded.bytes",
	[COVERAGE_GET_HOUR] = "SELECT id FROM coverage_hour WHERE time = ? AND uplink = ?",
	[COVERAGE_PUT_READING] =
		"INSERT OR REPLACE INTO coverage_reading (uplink, time, boot, rules, ifindex)"
		" VALUES (?, ?, ?, ?, ?)",
	[COVERAGE_PUT_READING_COUNT] =
		"INSERT OR REPLACE INTO coverage_reading_count (packets, bytes, kind, uplink)"
		" VALUES (?, ?, ?, ?)",
};

/* --- rows ------------------------------------------------------------------------------ */

/* A prepared statement that writes one count each time it runs. The caller has bound the parameters
 * that all counts share: the uplink, and the hour if the counts belong to an interval. */
struct counts {
	sqlite3_stmt *stmt;
	bool skips_zero;
	int rc;
};

static void count_put(struct counts *c, int kind, const struct tally *t)
{
	if (c->rc != SQLITE_OK || (c->skips_zero && !t->packets && !t->bytes))
		return;
	sqlite3_bind_int64(c->stmt, 1, (int64_t)t->packets);
	sqlite3_bind_int64(c->stmt, 2, (int64_t)t->bytes);
	sqlite3_bind_int(c->stmt, 3, kind);
	c->rc = db_run(c->stmt);
}

static void rows_put(struct counts *c, int first, const struct tally *list, int n)
{
	for (int i = 0; i < n; i++)
		count_put(c, first + i, &list[i]);
}

static void example_bind(sqlite3_stmt *s, int parameter, const char *text)
{
	if (*text)
		sqlite3_bind_text(s, parameter, text, -1, SQLITE_TRANSIENT);
	else
		sqlite3_bind_null(s, parameter);
}

static int hour_add(sqlite3_stmt *s, int64_t uplink, int64_t hour_ms,
		    const struct coverage_record *r)
{
	sqlite3_bind_int64(s, 1, hour_ms);
	sqlite3_bind_int64(s, 2, uplink);
	sqlite3_bind_int64(s, 3, r->started_ms);
	sqlite3_bind_int64(s, 4, r->ended_ms);
	sqlite3_bind_int(s, 5, !r->has_left);
	sqlite3_bind_int(s, 6, !r->is_whole);
	sqlite3_bind_int(s, 7, r->has_gap);
	sqlite3_bind_int(s, 8, r->has_uncounted);
	example_bind(s, 9, r->untracked_example);
	example_bind(s, 10, r->unasked_example);
	return db_run(s);
}

static int hour_find(sqlite3_stmt *s, int64_t uplink, int64_t hour_ms, int64_t *id)
{
	int rc;

	sqlite3_bind_int64(s, 1, hour_ms);
	sqlite3_bind_int64(s, 2, uplink);
	rc = sqlite3_step(s);
	*id = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int interval_add(sqlite3_stmt *const *statements, int64_t uplink,
			const struct coverage_record *r, int64_t *hour_id)
{
	int64_t middle_ms = r->started_ms + (r->ended_ms - r->started_ms) / 2;
	int64_t hour_ms = middle_ms - middle_ms % HOUR_MS;
	struct counts c = {.stmt = statements[COVERAGE_ADD_COUNT], .skips_zero = true};
	struct tally unasked = {.packets = r->unasked};

	c.rc = hour_add(statements[COVERAGE_ADD_HOUR], uplink, hour_ms, r);
	if (c.rc == SQLITE_OK)
		c.rc = hour_find(statements[COVERAGE_GET_HOUR], uplink, hour_ms, hour_id);
	sqlite3_bind_int64(c.stmt, 4, uplink);
	sqlite3_bind_int64(c.stmt, 5, hour_ms);
	count_put(&c, KIND_LINK, &r->link);
	count_put(&c, KIND_LEFT, &r->left);
	count_put(&c, KIND_SKIPPED, &r->skipped);
	rows_put(&c, KIND_RULES, r->rules, RULE_COUNTS);
	rows_put(&c, KIND_FLOWS, r->flows, FLOW_SHARES);
	count_put(&c, KIND_UNASKED, &unasked);
	return c.rc;
}

static int reading_put(sqlite3_stmt *const *statements, int64_t uplink,
		       const struct coverage_reading *r)
{
	struct counts c = {.stmt = statements[COVERAGE_PUT_READING_COUNT]};
	sqlite3_stmt *s = statements[COVERAGE_PUT_READING];

	sqlite3_bind_int64(s, 1, uplink);
	sqlite3_bind_int64(s, 2, r->time_ms);
	sqlite3_bind_int64(s, 3, (int64_t)r->boot);
	sqlite3_bind_int64(s, 4, (int64_t)r->table);
	sqlite3_bind_int64(s, 5, r->ifindex);
	c.rc = db_run(s);
	sqlite3_bind_int64(c.stmt, 4, uplink);
	count_put(&c, KIND_LINK, &r->link);
	rows_put(&c, KIND_RULES, r->rules, RULE_COUNTS);
	rows_put(&c, KIND_FLOWS, r->flows, FLOW_SHARES);
	return c.rc;
}

int coverage_put(sqlite3_stmt *const *statements, const struct uplinks *u,
		 const struct coverage_record *r, int64_t *hour_id)
{
	int64_t uplink = uplinks_id_now(u, r->slot);
	int rc = SQLITE_OK;

	*hour_id = 0;
	if (!uplink)
		return SQLITE_OK;
	if (r->started_ms)
		rc = interval_add(statements, uplink, r, hour_id);
	return rc == SQLITE_OK ? reading_put(statements, uplink, &r->reading) : rc;
}

/* --- reading --------------------------------------------------------------------------- */

static struct tally *place_of(struct coverage_reading *r, int kind)
{
	if (kind == KIND_LINK)
		return &r->link;
	if (kind >= KIND_RULES && kind < KIND_RULES + RULE_COUNTS)
		return &r->rules[kind - KIND_RULES];
	if (kind >= KIND_FLOWS && kind < KIND_FLOWS + FLOW_SHARES)
		return &r->flows[kind - KIND_FLOWS];
	return NULL;
}

static int counts_read(sqlite3_stmt *stmt, int64_t uplink, struct coverage_reading *r)
{
	int rc;

	sqlite3_bind_int64(stmt, 1, uplink);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct tally *t = place_of(r, sqlite3_column_int(stmt, 0));

		if (t)
			*t = (struct tally){(uint64_t)sqlite3_column_int64(stmt, 1),
					    (uint64_t)sqlite3_column_int64(stmt, 2)};
	}
	sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void reading_read(sqlite3_stmt *stmt, struct coverage_reading *r)
{
	*r = (struct coverage_reading){
		.time_ms = sqlite3_column_int64(stmt, 1),
		.boot = (uint64_t)sqlite3_column_int64(stmt, 2),
		.table = (uint64_t)sqlite3_column_int64(stmt, 3),
		.ifindex = (uint32_t)sqlite3_column_int64(stmt, 4),
	};
}

int store_each_reading(struct store *st, store_reading_fn *fn, void *data)
{
	sqlite3_stmt *readings = NULL, *counts = NULL;
	struct coverage_reading r;
	struct uplinks u;
	int rc = uplinks_load(&u, st->db);

	if (rc == SQLITE_OK)
		rc = db_prepare(st->db, &readings,
				"SELECT r.uplink, r.time, r.boot, r.rules, r.ifindex"
				" FROM coverage_reading r JOIN uplink u ON u.id = r.uplink"
				" WHERE u.valid_to IS NULL");
	if (rc == SQLITE_OK)
		rc = db_prepare(st->db, &counts,
				"SELECT kind, packets, bytes"
				" FROM coverage_reading_count WHERE uplink = ?");
	while (rc == SQLITE_OK && (rc = sqlite3_step(readings)) == SQLITE_ROW) {
		int64_t uplink = sqlite3_column_int64(readings, 0);

		reading_read(readings, &r);
		rc = counts_read(counts, uplink, &r);
		if (rc == SQLITE_OK)
			fn(data, uplinks_slot(&u, uplink), &r);
	}
	sqlite3_finalize(readings);
	sqlite3_finalize(counts);
	uplinks_unload(&u);
	return rc == SQLITE_DONE ? 0 : db_errno(rc);
}
