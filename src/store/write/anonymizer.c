/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * anonymizer.c - cuts addresses in flows, removes the postings of the changed slices, then cuts
 * addresses in other tables. SQLite overwrites the old bytes in the file (secure_delete).
 *
 * Decides when a pass is due; the caller decides when a step may run.
 */
#include "store/write/anonymizer.h"

#include "store/db.h"
#include "waymark/base/clock.h"

#define DAY_MS		 INT64_C(86400000)
#define LONG_MS		 600000 /* the minimum life of the flows in index flow_long */
#define STEP_ROWS	 2048
#define LEFT_STEP_ROWS	 128 /* fewer than STEP_ROWS, because each row needs a look-up */
#define PASS_INTERVAL_MS 600000
/* The argument `keep_ms` of age_clock_read(). With this value it accepts a leap of the clock by up
 * to a day at once. */
#define CLOCK_KEEP_MS (16 * DAY_MS)

#define FLOW_END      "ifnull(ifnull(started, 0) + ifnull(life, 0), 0)"
#define FLOW_CUT                                                                                   \
	"UPDATE flow SET src = address_cut(src), dst = address_cut(dst),"                          \
	" nat_src = address_cut(nat_src), nat_dst = address_cut(nat_dst) WHERE state <> 0"         \
	" AND (address_cut(src) IS NOT src OR address_cut(dst) IS NOT dst"                         \
	" OR address_cut(nat_src) IS NOT nat_src OR address_cut(nat_dst) IS NOT nat_dst) AND "

/* Cut the flows with ids from ?1 to ?2 that ended before ?3. */
#define FLOWS_CUT_SQL FLOW_CUT "id BETWEEN ?1 AND ?2 AND " FLOW_END " < ?3"

/* The first flow with an id from ?1 to ?2 that started between ?3 and ?4. A pass stops before this
 * flow. */
#define YOUNG_SQL                                                                                  \
	"SELECT min(id) FROM flow NOT INDEXED WHERE id BETWEEN ?1 AND ?2"                          \
	" AND started BETWEEN ?3 AND ?4"

/* The next flow that an earlier pass skipped and this pass can cut: it ended at or after ?1 and
 * before ?2, and its id is below ?3. */
#define LEFT_SQL                                                                                   \
	"SELECT id, ifnull(started, 0) + life FROM flow INDEXED BY flow_long"                      \
	" WHERE state <> 0 AND life >= 600000 AND ifnull(started, 0) + life >= ?1"                 \
	" AND ifnull(started, 0) + life < ?2 AND id < ?3"                                          \
	" AND (address_cut(src) IS NOT src OR address_cut(dst) IS NOT dst"                         \
	" OR address_cut(nat_src) IS NOT nat_src OR address_cut(nat_dst) IS NOT nat_dst)"          \
	" ORDER BY ifnull(started, 0) + life LIMIT 1"

#define HOUR_SQL                                                                                   \
	"SELECT min(hour) FROM host_hour WHERE hour > ?1 AND hour < ?2"                            \
	" AND address_cut(host) IS NOT host"

/* Cut the addresses of an hour's hosts. If several hosts get the same cut address, add up their
 * sums. */
static const char *const hour_sql[] = {
	"INSERT INTO host_hour SELECT hour, address_cut(host), uplink, sum(flows),"
	" sum(unanswered), sum(bytes_sent), sum(bytes_received) FROM host_hour"
	" WHERE hour = ?1 AND address_cut(host) IS NOT host GROUP BY 2, 3"
	" ON CONFLICT (hour, host, uplink) DO UPDATE SET flows = flows + excluded.flows,"
	" unanswered = unanswered + excluded.unanswered,"
	" bytes_sent = bytes_sent + excluded.bytes_sent,"
	" bytes_received = bytes_received + excluded.bytes_received",
	"DELETE FROM host_hour WHERE hour = ?1 AND address_cut(host) IS NOT host",
};

/* Tables that each pass reads completely, in the order of ids. ?1 is the last id that the previous
 * step has read, ?2 the last id that this step reads. Rows with a time before ?3 are cut. */
static const struct table {
	const char *last, *cut;
} tables[] = {
	{"SELECT max(id) FROM (SELECT id FROM mismatch WHERE id > ?1 ORDER BY id LIMIT 2048)",
	 "UPDATE mismatch SET src = address_cut(src), dst = address_cut(dst)"
	 " WHERE id > ?1 AND id <= ?2 AND time < ?3"
	 " AND (address_cut(src) IS NOT src OR address_cut(dst) IS NOT dst) AND NOT EXISTS"
	 " (SELECT 1 FROM flow f WHERE f.id = flow_id AND (f.state = 0 OR"
	 " ifnull(f.started, 0) + ifnull(f.life, 0) >= ?3))"},
	{"SELECT max(id) FROM (SELECT id FROM alert WHERE id > ?1 ORDER BY id LIMIT 2048)",
	 "UPDATE alert SET text = text_cut(text) WHERE id > ?1 AND id <= ?2 AND time < ?3"
	 " AND kind IN ('mismatch', 'wrong-source', 'unmarked', 'foreign')"
	 " AND text_cut(text) IS NOT text"},
	{"SELECT max(id) FROM (SELECT id FROM coverage_hour WHERE id > ?1 ORDER BY id LIMIT 2048)",
	 "UPDATE coverage_hour SET untracked_example = text_cut(untracked_example),"
	 " unasked_example = text_cut(unasked_example)"
	 " WHERE id > ?1 AND id <= ?2 AND time < ?3 - 3600000"
	 " AND (text_cut(untracked_example) IS NOT untracked_example"
	 " OR text_cut(unasked_example) IS NOT unasked_example)"},
};
#define TABLES ((int)(sizeof(tables) / sizeof(tables[0])))

enum part { PART_NONE = -1, PART_FLOWS, PART_LEFT, PART_HOURS, PART_TABLES };

void anonymizer_init(struct anonymizer *x)
{
	atomic_init(&x->asked, 0);
	x->served = 0;
	anonymizer_reset(x);
}

void anonymizer_reset(struct anonymizer *x)
{
	x->is_loaded = x->is_in_slice = false;
	x->part = PART_NONE;
	x->pass_after_ms = 0;
}

int anonymizer_attach(struct anonymizer *x, sqlite3 *db)
{
	return address_cut_register(db, &x->cut);
}

void anonymizer_set(struct anonymizer *x, bool is_on, struct address_cut cut)
{
	uint32_t bits = (uint32_t)cut.ipv6_bits << 8 | cut.ipv4_bits;

	atomic_store(&x->asked, is_on ? bits + 1 : 0);
}

bool anonymizer_is_in_slice(const struct anonymizer *x)
{
	return x->is_in_slice;
}

static int number_get(sqlite3 *db, const char *sql, int n, const int64_t *numbers, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	int rc = db_prepare(db, &stmt, sql);

	*out = 0;
	for (int i = 0; rc == SQLITE_OK && i < n; i++)
		rc = sqlite3_bind_int64(stmt, i + 1, numbers[i]);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* --- the pass ------------------------------------------------------------------------- */

static int begin(struct ingest *in)
{
	int rc = db_exec(in->db, "PRAGMA secure_delete = ON");

	return rc == SQLITE_OK ? db_exec(in->db, "BEGIN IMMEDIATE") : rc;
}

static int finish(struct ingest *in, int rc)
{
	if (rc == SQLITE_OK)
		rc = db_exec(in->db, "COMMIT");
	db_exec(in->db, "PRAGMA secure_delete = OFF");
	return rc;
}

static int state_load(struct anonymizer *x, struct ingest *in, int64_t now_ms)
{
	int64_t known_ms, cut_bits;
	int rc = SQLITE_OK;
	const struct {
		const char *sql;
		int64_t *out;
	} reads[] = {
		{"SELECT value FROM meta WHERE name = 'anonymized_flow_id'", &x->flow_id},
		{"SELECT value FROM meta WHERE name = 'anonymized_ms'", &x->since_ms},
		{"SELECT value FROM meta WHERE name = 'anonymized_left_ms'", &x->left_since_ms},
		{"SELECT value FROM meta WHERE name = 'anonymized_bits'", &cut_bits},
		{"SELECT value FROM meta WHERE name = 'age_ms'", &known_ms},
	};

	for (size_t i = 0; rc == SQLITE_OK && i < sizeof(reads) / sizeof(reads[0]); i++)
		rc = db_integer(in->db, reads[i].sql, reads[i].out, 0);
	if (rc != SQLITE_OK)
		return rc;
	if (x->since_ms && x->since_ms + DAY_MS > known_ms)
		known_ms = x->since_ms + DAY_MS;
	age_clock_init(&x->clock, known_ms, now_ms);
	x->served = (uint32_t)cut_bits;
	x->is_loaded = true;
	return SQLITE_OK;
}

/* Note the requested prefix lengths. If one of them is shorter than its previous value, begin again
 * with the oldest flow. */
static void prefix_take(struct anonymizer *x, uint32_t asked)
{
	uint32_t was = x->served ? x->served - 1 : 0xffff, now = asked - 1;

	x->served = asked;
	x->cut = (struct address_cut){.ipv4_bits = now & 0xff, .ipv6_bits = (uint8_t)(now >> 8)};
	if ((now & 0xff) < (was & 0xff) || now >> 8 < was >> 8)
		x->flow_id = x->since_ms = x->left_since_ms = 0;
}

static int pass_begin(struct anonymizer *x, struct ingest *in, uint32_t asked, int64_t now_ms)
{
	int rc = x->is_loaded ? SQLITE_OK : state_load(x, in, now_ms);

	if (rc != SQLITE_OK)
		return rc;
	x->time_ms = age_clock_read(
		&x->clock, &(struct age_moment){.time_ms = clock_now_ms(), .steady_ms = now_ms},
		CLOCK_KEEP_MS);
	x->before_ms = x->time_ms - DAY_MS;
	x->pass_after_ms = now_ms + PASS_INTERVAL_MS;
	prefix_take(x, asked);
	x->part = PART_FLOWS;
	if (!x->left_since_ms)
		x->left_since_ms = x->before_ms;
	rc = begin(in);
	if (rc == SQLITE_OK)
		rc = ingest_meta(in, "anonymized_bits", x->served);
	if (rc == SQLITE_OK)
		rc = ingest_meta(in, "anonymized_left_ms", x->left_since_ms);
	return finish(in, rc);
}

static int pass_end(struct anonymizer *x, struct ingest *in)
{
	int rc = begin(in);

	x->since_ms = x->left_since_ms = x->before_ms;
	x->part = PART_NONE;
	if (rc == SQLITE_OK)
		rc = ingest_meta(in, "anonymized_ms", x->since_ms);
	if (rc == SQLITE_OK)
		rc = ingest_meta(in, "anonymized_left_ms", x->left_since_ms);
	return finish(in, rc);
}

static void part_next(struct anonymizer *x)
{
	x->part++;
	x->at = 0;
}

/* --- flows ---------------------------------------------------------------------------- */

/* Delete the postings of a slice, because they contain addresses that have been cut in table flow.
 * The indexer builds the postings again. */
static int slice_reopen(struct ingest *in, struct slice *slice)
{
	in->is_torn |= in->building == slice->id;
	if (slice->state != SLICE_THINNED)
		slice->state = SLICE_OPEN;
	slice->indexed = 0;
	slice->is_dirty = true;
	return db_run_numbers(in->db, "DELETE FROM posting WHERE slice = ?", 1, &slice->id);
}

static int flows_cut(struct anonymizer *x, struct ingest *in, struct slice *slice, int64_t first,
		     int64_t last)
{
	int rc = begin(in);

	if (rc == SQLITE_OK)
		rc = db_run_numbers(in->db, FLOWS_CUT_SQL, 3,
				    (int64_t[]){first, last, x->before_ms});
	if (rc == SQLITE_OK && sqlite3_changes(in->db))
		rc = slice_reopen(in, slice);
	if (rc == SQLITE_OK)
		rc = slices_flush(&in->slices);
	if (rc == SQLITE_OK)
		rc = ingest_meta(in, "anonymized_flow_id", x->flow_id);
	return finish(in, rc);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int flows_step(struct anonymizer *x, struct ingest *in)
{
	struct slice *slice = slices_from(&in->slices, x->flow_id);
	int64_t first, last, young;
	int rc;

	x->is_in_slice = false;
	if (!slice || x->flow_id > in->last_flow_id) {
		part_next(x);
		return SQLITE_OK;
	}
	first = x->flow_id > slice->id << SLICE_BITS ? x->flow_id : slice->id << SLICE_BITS;
	last = least(least(first + STEP_ROWS - 1, ((slice->id + 1) << SLICE_BITS) - 1),
		     in->last_flow_id);
	rc = number_get(in->db, YOUNG_SQL, 4,
			(int64_t[]){first, last, x->before_ms - LONG_MS, x->time_ms}, &young);
	if (rc != SQLITE_OK)
		return rc;
	x->flow_id = young ? young : last + 1;
	x->is_in_slice = !young && (x->flow_id & (SLICE_FLOWS - 1));
	if (young)
		part_next(x);
	return flows_cut(x, in, slice, first, x->flow_id - 1);
}

static int left_cut(struct anonymizer *x, struct ingest *in, int64_t id)
{
	struct slice *slice = slices_get(&in->slices, id);
	int rc;

	if (!slice)
		return SQLITE_NOMEM;
	rc = db_run_numbers(in->db, FLOWS_CUT_SQL, 3, (int64_t[]){id, id, x->before_ms});
	return rc == SQLITE_OK ? slice_reopen(in, slice) : rc;
}

/* Find the next skipped flow that ended at or after x->at. A flow that has been cut does not match
 * again, so all flows with the same end are found one after another. */
static int left_find(struct anonymizer *x, sqlite3_stmt *stmt, int64_t *id)
{
	int rc;

	sqlite3_bind_int64(stmt, 1, x->at > x->left_since_ms ? x->at : x->left_since_ms);
	sqlite3_bind_int64(stmt, 2, x->before_ms);
	sqlite3_bind_int64(stmt, 3, x->flow_id);
	rc = sqlite3_step(stmt);
	*id = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	if (*id)
		x->at = sqlite3_column_int64(stmt, 1);
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int left_step(struct anonymizer *x, struct ingest *in)
{
	sqlite3_stmt *stmt = NULL;
	int rc = begin(in);
	int64_t id = 1;

	if (rc == SQLITE_OK)
		rc = db_prepare(in->db, &stmt, LEFT_SQL);
	for (int i = 0; rc == SQLITE_OK && id && i < LEFT_STEP_ROWS; i++) {
		rc = left_find(x, stmt, &id);
		if (rc == SQLITE_OK && id)
			rc = left_cut(x, in, id);
	}
	sqlite3_finalize(stmt);
	if (rc == SQLITE_OK)
		rc = slices_flush(&in->slices);
	if (!id)
		part_next(x);
	return finish(in, rc);
}

/* --- other tables --------------------------------------------------------------------- */

static int hours_step(struct anonymizer *x, struct ingest *in)
{
	int64_t from = x->at > x->since_ms - 7200000 ? x->at : x->since_ms - 7200000, hour;
	int rc = number_get(in->db, HOUR_SQL, 2, (int64_t[]){from, x->before_ms - 3600000}, &hour);

	if (rc != SQLITE_OK || !hour) {
		part_next(x);
		return rc;
	}
	x->at = hour;
	rc = begin(in);
	for (size_t i = 0; rc == SQLITE_OK && i < sizeof(hour_sql) / sizeof(hour_sql[0]); i++)
		rc = db_run_numbers(in->db, hour_sql[i], 1, &hour);
	return finish(in, rc);
}

static int table_step(struct anonymizer *x, struct ingest *in, const struct table *table)
{
	int64_t last;
	int rc = number_get(in->db, table->last, 1, &x->at, &last);

	if (rc != SQLITE_OK || !last) {
		part_next(x);
		return rc;
	}
	rc = begin(in);
	if (rc == SQLITE_OK)
		rc = db_run_numbers(in->db, table->cut, 3, (int64_t[]){x->at, last, x->before_ms});
	x->at = last;
	return finish(in, rc);
}

int anonymizer_step(struct anonymizer *x, struct ingest *in, int64_t now_ms, bool *did)
{
	uint32_t asked = atomic_load(&x->asked);

	*did = asked && (x->part != PART_NONE || asked != x->served || now_ms >= x->pass_after_ms);
	if (!*did) {
		x->is_in_slice = false;
		return SQLITE_OK;
	}
	if (x->part == PART_NONE || !x->is_loaded || asked != x->served)
		return pass_begin(x, in, asked, now_ms);
	switch (x->part) {
	case PART_FLOWS:
		return flows_step(x, in);
	case PART_LEFT:
		return left_step(x, in);
	case PART_HOURS:
		return hours_step(x, in);
	default:
		return x->part < PART_TABLES + TABLES
			       ? table_step(x, in, &tables[x->part - PART_TABLES])
			       : pass_end(x, in);
	}
}
