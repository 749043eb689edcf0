/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pruner.c - retention. Flows are deleted by ranges of ids from the beginning of the table, so that
 * whole pages become free. Their entries in index flow_started, which has nearly the same order,
 * are neighbours as well. Live flows stay until they have ended. Freed pages are reused. The file
 * shrinks only if it exceeds its limit, or if it is large and more than half of it is free.
 *
 * Decides when a pass is due. The caller decides when a step of a pass runs.
 */
#include "store/db.h"
#include "store/write/pruner.h"

#include "waymark/base/clock.h"

/* Maximum number of flows that one step deletes. If others_delete() deletes this many rows of a
 * table, more rows may be left. */
#define STEP_FLOWS 4096
/* A slice with at most this many flows needs no postings. */
#define THINNED_FLOWS 2048
/* Number of steps in a row when the disk is full. Together these steps delete more flows than a
 * batch adds. */
#define RELIEF_STEPS	 4
#define LOOK_INTERVAL_MS 1000
#define PASS_INTERVAL_MS 60000
/* Retention keeps the database smaller than its size limit. The difference is a 64th of the
 * limit. */
#define MARGIN_SHIFT 6
/* Number of rows that retention by size keeps in each table of rows about flows, even if their
 * flows have been deleted: one row per 1024 bytes of the size limit. At about 100 bytes per row,
 * these rows take a tenth of the limit. */
#define KEPT_SHIFT 10
/* The file keeps up to this many free pages (64 MiB) for reuse, unless it exceeds its size
 * limit. */
#define FREE_PAGES_KEPT 16384

#define FOREVER		INT64_MAX

/* Delete the flows with ids from ?1 to ?2 that ended before ?3. */
#define FLOWS_DELETE_SQL                                                                           \
	"DELETE FROM flow NOT INDEXED WHERE id BETWEEN ?1 AND ?2 AND state <> 0"                   \
	" AND ifnull(ifnull(started, 0) + ifnull(life, 0), 0) < ?3"

struct usage {
	int64_t page_bytes, pages, free_pages;
};

void pruner_init(struct pruner *p)
{
	atomic_init(&p->retention_s, 0);
	atomic_init(&p->max_bytes, 0);
	atomic_init(&p->is_clock_trusted, false);
	atomic_init(&p->asked, 0);
	atomic_init(&p->done, 0);
	p->served = 0;
	p->ceiling_bytes = 0;
	p->shrink_after_ms = 0;
	p->look_after_ms = 0;
	p->age_after_ms = 0;
	p->has_clock = false;
	p->size_flow_id = 0;
	pruner_reset(p);
}

void pruner_reset(struct pruner *p)
{
	p->is_pass_on = false;
	p->age_flow_id = 0;
}

static int usage_read(sqlite3 *db, struct usage *u)
{
	int rc = db_integer(db, "PRAGMA page_size", &u->page_bytes, 0);

	if (rc == SQLITE_OK)
		rc = db_integer(db, "PRAGMA page_count", &u->pages, 0);
	if (rc == SQLITE_OK)
		rc = db_integer(db, "PRAGMA freelist_count", &u->free_pages, 0);
	return rc;
}

static int flows_count(sqlite3 *db, const struct slice *slice, int64_t *count)
{
	sqlite3_stmt *stmt = NULL;
	int rc = db_prepare(db, &stmt,
			    "SELECT count(*) FROM flow WHERE id"
			    " BETWEEN ?1 << 15 AND (?1 << 15) + 32767");

	sqlite3_bind_int64(stmt, 1, slice->id);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	*count = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int postings_delete(struct ingest *in, const struct slice *slice)
{
	in->is_torn |= in->building == slice->id;
	return db_run_numbers(in->db, "DELETE FROM posting WHERE slice = ?", 1, &slice->id);
}

/* Finish a slice from which flows were deleted. If few flows are left, delete the slice's postings,
 * because a search can quickly read so few flows without postings. Otherwise keep the postings; a
 * posting that names a deleted flow does no harm. */
static int slice_finish(struct ingest *in, struct slice *slice)
{
	int64_t left;
	int rc = flows_count(in->db, slice, &left);

	if (rc != SQLITE_OK || left > THINNED_FLOWS)
		return rc;
	if (slice->state != SLICE_THINNED)
		rc = postings_delete(in, slice);
	if (rc != SQLITE_OK)
		return rc;
	if (!left)
		return slices_remove(&in->slices, slice->id);
	slice->is_dirty |= slice->state != SLICE_THINNED;
	slice->state = SLICE_THINNED;
	slice->indexed = 0;
	return slices_flush(&in->slices);
}

static int64_t slice_end(const struct slice *slice)
{
	return ((slice->id + 1) << SLICE_BITS) - 1;
}

/* Return the last id of a step whose first id is *from. If *from is lower than the first id of the
 * slice, first set *from to the first id of the slice. */
static int64_t step_end(const struct slice *slice, int64_t *from)
{
	if (*from < slice->id << SLICE_BITS)
		*from = slice->id << SLICE_BITS;
	if (*from + STEP_FLOWS > slice_end(slice) || slice->state == SLICE_THINNED)
		return slice_end(slice);
	return *from + STEP_FLOWS - 1;
}

/* In one slice, delete the flows with ids from `first` to `last` that ended before `before_ms`.
 * Record the highest id ever used, so that the id is not used again after its flow is deleted. */
static int flows_delete(struct ingest *in, struct slice *slice, int64_t first, int64_t last,
			int64_t before_ms)
{
	int rc = db_exec(in->db, "BEGIN IMMEDIATE");

	if (rc == SQLITE_OK)
		rc = db_run_numbers(in->db, FLOWS_DELETE_SQL, 3,
				    (int64_t[]){first, last, before_ms});
	if (rc == SQLITE_OK)
		rc = ingest_meta(in, "pruned_flow_id", in->last_flow_id);
	if (rc == SQLITE_OK && last == slice_end(slice))
		rc = slice_finish(in, slice);
	return rc == SQLITE_OK ? db_exec(in->db, "COMMIT") : rc;
}

/* Among the flows with ids from `first` to `last`, find the first one that began within the age
 * limit. Set *id to its id, or to FOREVER if there is none. */
static int young_find(struct ingest *in, const struct pruner *p, int64_t first, int64_t last,
		      int64_t *id)
{
	sqlite3_stmt *stmt = NULL;
	int rc = db_prepare(in->db, &stmt,
			    "SELECT id FROM flow NOT INDEXED WHERE id BETWEEN ?1 AND ?2"
			    " AND started BETWEEN ?3 AND ?4 ORDER BY id LIMIT 1");
	const int64_t numbers[] = {first, last, p->before_ms, p->time_ms};

	for (int i = 0; rc == SQLITE_OK && i < 4; i++)
		rc = sqlite3_bind_int64(stmt, i + 1, numbers[i]);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	*id = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : FOREVER;
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Among a table's 4096 oldest rows, delete the rows older than ?1, but stop at the first row with a
 * time between ?1 and ?2 (the current time). A row with a later time does not count, because the
 * clock was wrong. */
#define OLDEST(table) "(SELECT id, time FROM " table " ORDER BY id LIMIT 4096)"
#define OLDEST_DELETE_SQL(table)                                                                   \
	"DELETE FROM " table " WHERE time < ?1 AND id <= (SELECT max(id) FROM " OLDEST(            \
		table) ")"                                                                         \
		       " AND id < ifnull((SELECT min(id) FROM " OLDEST(                            \
			       table) " WHERE time BETWEEN ?1 AND ?2), 9223372036854775807)"

/* Delete old rows of uplink_state as OLDEST_DELETE_SQL() does, but keep each uplink's newest row
 * before ?1: it shows the state that the uplink had at the time ?1. */
#define STATES_DELETE_SQL                                                                          \
	OLDEST_DELETE_SQL("uplink_state")                                                          \
	" AND EXISTS (SELECT 1 FROM uplink_state n"                                                \
	" WHERE n.uplink = uplink_state.uplink AND n.id > uplink_state.id AND n.time < ?1)"

/* Delete the gaps that ended before ?1, but only those recorded before the first gap that started
 * between ?1 and ?2. Ids show the order: the ids of gaps that the store itself records are negative
 * and count down, the other ids count up. */
#define GAPS_DELETE_SQL                                                                            \
	"DELETE FROM gap WHERE max(ifnull(started, 0), ended) < ?1 AND CASE WHEN id > 0"           \
	" THEN id < ifnull((SELECT min(id) FROM gap WHERE id > 0"                                  \
	" AND started BETWEEN ?1 AND ?2), 9223372036854775807)"                                    \
	" ELSE id > ifnull((SELECT max(id) FROM gap WHERE id < 0"                                  \
	" AND started BETWEEN ?1 AND ?2), -9223372036854775807) END"

/* If space is needed, delete the oldest gaps among those that have ended, but keep ?1 gaps. Gaps
 * are few and small, and only gaps show that rows are missing. */
#define GAPS_LEAVE_SQL                                                                             \
	"DELETE FROM gap WHERE (SELECT count(*) FROM gap) > ?1 AND id IN (SELECT id FROM gap"      \
	" WHERE ended IS NOT NULL ORDER BY max(ifnull(started, 0), ended)"                         \
	" LIMIT min(4096, (SELECT count(*) FROM gap) - ?1)) AND ?2 >= 0"

/* Delete the sums of hosts for the hours that ended before ?1. */
#define HOSTS_DELETE_SQL                                                                           \
	"DELETE FROM host_hour WHERE hour < ?1 - 3600000 AND hour <="                              \
	" (SELECT max(hour) FROM (SELECT hour FROM host_hour ORDER BY hour LIMIT 4096))"           \
	" AND ?2 >= 0"

/* Select the rows of table change that were committed before ?1. Do not select the newest row,
 * because the next change gets its number from this row. */
#define OLD_CHANGES                                                                                \
	" FROM change WHERE time < ?1 AND first < (SELECT max(first) FROM change)"                 \
	" AND first <= (SELECT max(first) FROM (SELECT first FROM change ORDER BY first"           \
	" LIMIT 4096)) AND ?2 >= 0"

/* Select the rows of table change that were committed before the oldest flow began, except for the
 * newest row. */
#define LEFT_CHANGES                                                                               \
	" FROM change WHERE time < (SELECT started FROM flow ORDER BY id LIMIT 1)"                 \
	" AND first <= (SELECT max(first) FROM (SELECT first FROM change ORDER BY first"           \
	" LIMIT 16384)) AND first < (SELECT max(first) FROM change) AND ?1 >= 0"

/* Before changes are deleted, add their number to the count of deleted changes of their kind.
 * feed.c reads these counts from table meta. */
#define CHANGES_COUNT_SQL(selection)                                                               \
	"INSERT INTO meta SELECT 'pruned_changes_' || kind, sum(n)" selection                      \
	" GROUP BY kind ON CONFLICT (name) DO UPDATE SET value = value + excluded.value"
#define CHANGES_DELETE_SQL(selection) "DELETE" selection

/* Record the highest ids of mismatches and gaps ever used, so that an id is not used again after
 * its row is deleted. */
static int last_ids_keep(struct ingest *in)
{
	int rc = SQLITE_OK;

	if (in->last_mismatch_id)
		rc = ingest_meta(in, "pruned_mismatch_id", in->last_mismatch_id);
	if (rc == SQLITE_OK && in->last_gap_id)
		rc = ingest_meta(in, "pruned_gap_id", in->last_gap_id);
	return rc;
}

/* Delete old rows of table gap and of the tables in sql[]. Set *has_more to whether more old rows
 * might be left. */
static int others_delete(struct ingest *in, const char *gaps_sql, const int64_t gaps_numbers[2],
			 int64_t before_ms, int64_t time_ms, bool *has_more)
{
	static const char *const sql[] = {
		OLDEST_DELETE_SQL("mismatch"),	     OLDEST_DELETE_SQL("mark_change"),
		OLDEST_DELETE_SQL("tamper"),	     OLDEST_DELETE_SQL("coverage_hour"),
		OLDEST_DELETE_SQL("coverage_count"), STATES_DELETE_SQL,
		OLDEST_DELETE_SQL("deletion"),	     OLDEST_DELETE_SQL("health_sample"),
		OLDEST_DELETE_SQL("alert"),	     HOSTS_DELETE_SQL,
		CHANGES_COUNT_SQL(OLD_CHANGES),	     CHANGES_DELETE_SQL(OLD_CHANGES),
	};
	int rc = db_exec(in->db, "BEGIN IMMEDIATE");

	if (rc == SQLITE_OK)
		rc = db_run_numbers(in->db, gaps_sql, 2, gaps_numbers);
	*has_more = rc == SQLITE_OK && sqlite3_changes(in->db) >= STEP_FLOWS;
	for (size_t i = 0; rc == SQLITE_OK && i < sizeof(sql) / sizeof(sql[0]); i++) {
		rc = db_run_numbers(in->db, sql[i], 2, (int64_t[]){before_ms, time_ms});
		*has_more |= rc == SQLITE_OK && sqlite3_changes(in->db) >= STEP_FLOWS;
	}
	if (rc == SQLITE_OK)
		rc = last_ids_keep(in);
	return rc == SQLITE_OK ? db_exec(in->db, "COMMIT") : rc;
}

/* Among a table's 16384 oldest rows, delete those whose flow was deleted, but keep the table's
 * newest ?1 rows. */
#define LEFT_DELETE_SQL(table)                                                                     \
	"DELETE FROM " table " WHERE id <= min((SELECT max(id) FROM " table ") - ?1,"              \
	" (SELECT max(id) FROM (SELECT id FROM " table " ORDER BY id LIMIT 16384)))"               \
	" AND NOT EXISTS (SELECT 1 FROM flow WHERE flow.id = flow_id)"

/* Delete rows about deleted flows, but keep the newest `kept` rows of each table. If all such rows
 * stayed, they would in time leave no room for flows. */
static int left_delete(struct ingest *in, int64_t kept)
{
	static const char *const sql[] = {
		LEFT_DELETE_SQL("mismatch"),	  LEFT_DELETE_SQL("mark_change"),
		LEFT_DELETE_SQL("deletion"),	  CHANGES_COUNT_SQL(LEFT_CHANGES),
		CHANGES_DELETE_SQL(LEFT_CHANGES),
	};
	int rc = db_exec(in->db, "BEGIN IMMEDIATE");

	for (size_t i = 0; rc == SQLITE_OK && i < sizeof(sql) / sizeof(sql[0]); i++)
		rc = db_run_numbers(in->db, sql[i], 1, &kept);
	if (rc == SQLITE_OK)
		rc = last_ids_keep(in);
	return rc == SQLITE_OK ? db_exec(in->db, "COMMIT") : rc;
}

/* Return the next slice of the pass by age; NULL: there is none. Skip slices whose flows all seem
 * to begin in the future, because the clock was wrong. */
static struct slice *age_slice(struct pruner *p, struct ingest *in)
{
	struct slice *slice = slices_from(&in->slices, p->age_flow_id);

	while (slice && slice->first_ms > p->time_ms && slice->first_ms <= slice->last_ms)
		slice = slices_from(&in->slices, (slice->id + 1) << SLICE_BITS);
	return slice;
}

static int age_delete(struct pruner *p, struct ingest *in, struct slice *slice)
{
	int64_t last = step_end(slice, &p->age_flow_id), first = p->age_flow_id, young;
	int rc = young_find(in, p, first, last, &young);

	if (rc != SQLITE_OK)
		return rc;
	if (last >= young)
		last = young - 1;
	p->age_flow_id = young < FOREVER ? FOREVER : last + 1;
	return last < first ? SQLITE_OK : flows_delete(in, slice, first, last, p->before_ms);
}

/* Do a step of the pass by age. The pass goes from the oldest flow to the first flow that began
 * within the limit, then through the other tables (see others_delete()). */
static int age_step(struct pruner *p, struct ingest *in)
{
	struct slice *slice = age_slice(p, in);
	int rc;

	if (slice)
		return age_delete(p, in, slice);
	rc = others_delete(in, GAPS_DELETE_SQL, (int64_t[]){p->before_ms, p->time_ms}, p->before_ms,
			   p->time_ms, &p->is_pass_on);
	return rc == SQLITE_OK ? ingest_meta(in, "age_ms", p->clock.believed.time_ms) : rc;
}

/* Return the current size limit; 0: none. It is the configured limit or the size at which the disk
 * was full, whichever is less. */
static uint64_t limit_bytes(const struct pruner *p)
{
	uint64_t max_bytes = atomic_load(&p->max_bytes), ceiling = (uint64_t)p->ceiling_bytes;

	return ceiling && (!max_bytes || ceiling < max_bytes) ? ceiling : max_bytes;
}

/* Do a step of retention by size: delete the oldest flows and the rows about deleted flows (see
 * left_delete()). If no flow is left, delete rows of other tables (see others_delete()). */
static int size_step(struct pruner *p, struct ingest *in)
{
	struct slice *slice = slices_from(&in->slices, p->size_flow_id);
	bool has_more;

	if (slice) {
		int64_t last = step_end(slice, &p->size_flow_id), first = p->size_flow_id;
		int rc = flows_delete(in, slice, first, last, FOREVER);

		if (rc != SQLITE_OK)
			return rc;
		p->size_flow_id = last + 1;
		return left_delete(in, (int64_t)(limit_bytes(p) >> KEPT_SHIFT));
	}
	p->size_flow_id = 0;
	return others_delete(in, GAPS_LEAVE_SQL,
			     (int64_t[]){(int64_t)(limit_bytes(p) >> KEPT_SHIFT), 0}, FOREVER, 0,
			     &has_more);
}

/* Start the age clock from the last time that an earlier run accepted. */
static int clock_load(struct pruner *p, struct ingest *in, int64_t now_ms)
{
	int64_t known_ms;
	int rc = db_integer(in->db, "SELECT value FROM meta WHERE name = 'age_ms'", &known_ms, 0);

	if (rc == SQLITE_OK)
		age_clock_init(&p->clock, known_ms, now_ms);
	p->has_clock = rc == SQLITE_OK;
	return rc;
}

static int pass_begin(struct pruner *p, struct ingest *in, int64_t now_ms)
{
	uint64_t retention_s = atomic_load(&p->retention_s);
	int64_t keep_ms = retention_s < FOREVER / 4000 ? (int64_t)retention_s * 1000 : FOREVER / 4;
	int rc = p->has_clock ? SQLITE_OK : clock_load(p, in, now_ms);

	if (!retention_s || rc != SQLITE_OK)
		return rc;
	if (atomic_exchange(&p->is_clock_trusted, false))
		age_clock_init(&p->clock, 0, now_ms);
	p->time_ms = age_clock_read(
		&p->clock, &(struct age_moment){.time_ms = clock_now_ms(), .steady_ms = now_ms},
		keep_ms);
	p->is_pass_on = true;
	p->before_ms = p->time_ms - keep_ms;
	p->age_flow_id = 0;
	return SQLITE_OK;
}

bool pruner_has_limit(const struct pruner *p)
{
	return atomic_load(&p->max_bytes) || atomic_load(&p->retention_s);
}

void pruner_set_roomy(struct pruner *p)
{
	p->ceiling_bytes = 0;
}

static bool is_over(const struct usage *u, uint64_t max_bytes)
{
	return max_bytes && (uint64_t)((u->pages - u->free_pages) * u->page_bytes) >
				    max_bytes - (max_bytes >> MARGIN_SHIFT);
}

static bool is_slack(const struct usage *u, uint64_t max_bytes)
{
	bool is_too_large = max_bytes && (uint64_t)(u->pages * u->page_bytes) > max_bytes;

	return u->free_pages &&
	       (is_too_large || (u->free_pages > FREE_PAGES_KEPT && u->free_pages > u->pages / 2));
}

bool pruner_is_over(const struct pruner *p, const struct ingest *in, int64_t now_ms)
{
	uint64_t max_bytes = limit_bytes(p);
	struct usage u;

	return max_bytes && now_ms >= p->shrink_after_ms && usage_read(in->db, &u) == SQLITE_OK &&
	       is_over(&u, max_bytes);
}

int pruner_shrink(struct pruner *p, struct ingest *in, int64_t now_ms)
{
	int rc = size_step(p, in);

	if (!p->size_flow_id)
		p->shrink_after_ms = now_ms + LOOK_INTERVAL_MS;
	return rc;
}

/* Return free pages to the file system. While the disk is full, do not let the database grow again,
 * because other processes might take the freed space. */
static int vacuum(const struct pruner *p, sqlite3 *db)
{
	int rc = db_exec(db, "PRAGMA incremental_vacuum(256)");

	return rc == SQLITE_OK && p->ceiling_bytes ? db_size_hold(db, 0) : rc;
}

/* Check the database's size, and return pages to the file system if many are free. */
static int look(struct pruner *p, struct ingest *in, int64_t now_ms, bool *did)
{
	struct usage u;
	int rc = usage_read(in->db, &u);

	if (rc != SQLITE_OK)
		return rc;
	if (!is_over(&u, limit_bytes(p)))
		p->size_flow_id = 0;
	*did = is_slack(&u, atomic_load(&p->max_bytes));
	if (*did)
		return vacuum(p, in->db);
	p->look_after_ms = now_ms + LOOK_INTERVAL_MS;
	return SQLITE_OK;
}

int pruner_step(struct pruner *p, struct ingest *in, int64_t now_ms, bool *did)
{
	uint64_t asked = atomic_load(&p->asked);
	int rc = SQLITE_OK;

	*did = true;
	if (p->is_pass_on)
		return age_step(p, in);
	if (asked != p->served || now_ms >= p->age_after_ms) {
		p->served = asked;
		p->age_after_ms = now_ms + PASS_INTERVAL_MS;
		p->look_after_ms = now_ms;
		return pass_begin(p, in, now_ms);
	}
	*did = now_ms >= p->look_after_ms;
	if (*did)
		rc = look(p, in, now_ms, did);
	if (rc == SQLITE_OK && !*did)
		atomic_store(&p->done, p->served);
	return rc;
}

int pruner_relieve(struct pruner *p, struct ingest *in, bool *did)
{
	struct usage u;
	int rc = usage_read(in->db, &u);

	*did = false;
	if (rc != SQLITE_OK)
		return rc;
	if (!p->ceiling_bytes)
		p->ceiling_bytes = u.pages * u.page_bytes;
	for (int i = 0; rc == SQLITE_OK && i < RELIEF_STEPS; i++) {
		rc = size_step(p, in);
		*did |= p->size_flow_id > 0;
	}
	return rc;
}
