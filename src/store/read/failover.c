/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * failover.c - finds out what happened to an uplink's flows when the uplink went down. The flows
 * that were live at that time are found in three places: in the index of live flows, in the index
 * of flows with a life of ten minutes or longer, and in the slices of the ten minutes before that
 * time.
 *
 * Knows nothing of the kernel's conntrack table.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/read/query_internal.h"
#include "waymark/store/failover.h"

/* Tolerance, in ms, between an uplink's state change and its effect on flows. Four things take
 * time: packets in flight, changes of routes, requested deletions, and deletions of flows by the
 * kernel when the interface loses its masqueraded address. */
#define MOMENT_MS 1000

static const char *const class_names[FAILOVER_CLASSES] = {
	[FAILOVER_MOVED] = "moved",	  [FAILOVER_DELETED] = "deleted",
	[FAILOVER_STRANDED] = "stranded", [FAILOVER_IDLE] = "idle",
	[FAILOVER_ENDED] = "ended",	  [FAILOVER_BACKUP] = "backup",
	[FAILOVER_RETURNED] = "returned",
};

const char *failover_class_name(enum failover_class c)
{
	return c < FAILOVER_CLASSES ? class_names[c] : NULL;
}

int failover_class_parse(const char *name)
{
	for (int c = 0; c < FAILOVER_CLASSES; c++)
		if (!strcmp(class_names[c], name))
			return c;
	return -EINVAL;
}

/* --- which failover -------------------------------------------------------------------- */

/* The value of column `what` in the last row that precedes row s and has the same uplink name. The
 * query compares names, not uplink ids, because a reload might have given the uplink another row in
 * table uplink. */
#define STATE_BEFORE(what)                                                                         \
	"(SELECT p." what " FROM uplink_state p JOIN uplink v ON v.id = p.uplink"                  \
	" WHERE v.name = u.name AND p.id < s.id ORDER BY p.id DESC LIMIT 1)"

/* The rows at which an uplink went from state 'up' or 'drain' to another state. If a daemon starts
 * while an uplink is down, it records 'down' at its start, although the uplink went down earlier.
 * Such a row does not count; FALLS recognizes it by a gap with source 2 (no daemon ran) that ended
 * between the previous row and this row. ?1 is the latest time (0: any), ?2 the uplink's name
 * (NULL: any). */
#define FALLS                                                                                      \
	" FROM uplink_state s JOIN uplink u ON u.id = s.uplink"                                    \
	" WHERE s.state NOT IN ('up', 'drain') AND (?1 = 0 OR s.time <= ?1) AND (?2 IS NULL OR "   \
	"u.name = ?2)"                                                                             \
	" AND " STATE_BEFORE("state") " IN ('up', 'drain')"                                        \
				      " AND NOT EXISTS (SELECT 1 FROM gap g WHERE g.source = 2 "   \
				      "AND g.ended <= s.time"                                      \
				      " AND g.ended > " STATE_BEFORE("time") ")"

/* Column `what` of the newest health sample that reports a fault (its text is not empty) and that
 * was taken between 60 s before row s and 2 s after it. */
#define SAMPLE_OF(what)                                                                            \
	"(SELECT " what " FROM health_sample h WHERE h.uplink = s.uplink"                          \
	" AND h.time BETWEEN s.time - 60000 AND s.time + 2000 AND h.text <> ''"                    \
	" ORDER BY h.id DESC LIMIT 1)"

/* Select the last failover. If ?3 is not 0, consider only the row with this id. */
static const char fall_sql[] =
	"SELECT s.id, s.time, u.name, (SELECT c.name FROM cause c WHERE c.id = s.cause),"
	" s.decision, s.user, " SAMPLE_OF("h.text") ", " SAMPLE_OF("h.began") ", " SAMPLE_OF(
		"iif(h.probes_answered = 0, 'check', 'flows')") FALLS
	" AND (?3 = 0 OR s.id = ?3) ORDER BY s.id DESC LIMIT 1";

/* Select all failovers, oldest first. ?3 is the earliest time. */
static const char falls_sql[] = "SELECT s.id" FALLS " AND s.time >= ?3 ORDER BY s.id";

static const char return_sql[] =
	"SELECT r.time FROM uplink_state r JOIN uplink u ON u.id = r.uplink"
	" WHERE r.id > ?1 AND u.name = ?2 AND r.state = 'up' ORDER BY r.id LIMIT 1";

static void bind_name(sqlite3_stmt *stmt, int index, const char *name)
{
	sqlite3_bind_text(stmt, index, name, -1, SQLITE_TRANSIENT);
}

static void text_take(char *to, size_t size, sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	snprintf(to, size, "%s", text ? (const char *)text : "");
}

static void name_take(char name[UPLINK_NAME_MAX], sqlite3_stmt *stmt, int column)
{
	text_take(name, UPLINK_NAME_MAX, stmt, column);
}

static int return_find(struct query *q, int64_t fall, struct failover *f)
{
	sqlite3_stmt *stmt = NULL;
	int rc = db_prepare(q->db, &stmt, return_sql);

	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(stmt, 1, fall);
		bind_name(stmt, 2, f->uplink);
		rc = sqlite3_step(stmt);
	}
	if (rc == SQLITE_ROW)
		f->back_ms = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : query_fail(q, rc);
}

/* Which failover to read. If `id` is not 0, read the failover with this id. If `id` is 0, read the
 * last failover of `uplink` (NULL: of any uplink) at or before at_ms (0: at any time). */
struct wanted {
	int64_t id, at_ms;
	const char *uplink;
};

/* Set when the fault began and what detected it. If the failover's cause is "health", both are in
 * columns of the health sample. Any other cause is itself what detected the fault, and the time
 * when the fault began stays unknown (0). */
static void detection_take(struct failover *f, sqlite3_stmt *stmt, int column)
{
	if (strcmp(f->cause, "health")) {
		snprintf(f->detected_by, sizeof(f->detected_by), "%s", f->cause);
		return;
	}
	f->began_ms = sqlite3_column_int64(stmt, column);
	text_take(f->detected_by, sizeof(f->detected_by), stmt, column + 1);
}

static int fall_find(struct query *q, const struct wanted *w, struct failover *f)
{
	sqlite3_stmt *stmt = NULL;
	int64_t fall = 0;
	int rc = db_prepare(q->db, &stmt, fall_sql);

	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(stmt, 1, w->at_ms);
		bind_name(stmt, 2, w->uplink);
		sqlite3_bind_int64(stmt, 3, w->id);
		rc = sqlite3_step(stmt);
	}
	if (rc == SQLITE_ROW) {
		fall = sqlite3_column_int64(stmt, 0);
		f->down_ms = sqlite3_column_int64(stmt, 1);
		name_take(f->uplink, stmt, 2);
		text_take(f->cause, sizeof(f->cause), stmt, 3);
		text_take(f->decision, sizeof(f->decision), stmt, 4);
		text_take(f->user, sizeof(f->user), stmt, 5);
		text_take(f->detail, sizeof(f->detail), stmt, 6);
		detection_take(f, stmt, 7);
	}
	sqlite3_finalize(stmt);
	if (rc == SQLITE_DONE)
		return -ENOENT;
	return rc == SQLITE_ROW ? return_find(q, fall, f) : query_fail(q, rc);
}

/* --- which flows ------------------------------------------------------------------------ */

#define IN_SLICE "f.id BETWEEN s.id << 15 AND (s.id << 15) + 32767"
#define ENDED	 "(ifnull(f.started, 0) + f.life)"
/* Whether the flow was deleted during the failover. 10 is REASON_UPLINK_DOWN_FLUSH. A live flow has
 * no end, so state is tested before the end. */
#define IS_DELETED "f.reason = 10 AND f.state <> 0 AND " ENDED " <= $end"
/* The class (enum failover_class) of a flow that was live when the uplink went down and did not
 * move. */
#define HELD_CLASS "CASE WHEN " IS_DELETED " THEN 1 WHEN f.state <> 0 THEN 4 ELSE 2 END"

/* 'members' contains the flows of the failover. Its columns are `id`, `class` and `by`, the
 * uplink.id to which the flow moved or on which it started (NULL: none). $down, $back and $end are
 * in ms. If the uplink is still down, $back and $end are later than all times in the history.
 * 600000 is the minimum life, in ms, of the flows in index flow_long; 3 is REASON_UPLINK_DOWN. */
#define MEMBERS                                                                                    \
	"WITH names AS (SELECT id FROM uplink WHERE name = $uplink),"                              \
	" moved AS (SELECT m.flow_id AS id, m.egress AS by, max(m.id) FROM mismatch m"             \
	" WHERE m.time BETWEEN $down - $moment AND $end AND m.reason = 3"                          \
	" AND m.expected IN names AND EXISTS (SELECT 1 FROM flow f WHERE f.id = m.flow_id)"        \
	" GROUP BY m.flow_id),"                                                                    \
	" held AS ("                                                                               \
	"SELECT f.id, " HELD_CLASS " AS class FROM flow f INDEXED BY flow_live"                    \
	" WHERE f.state = 0 AND f.uplink IN names AND ifnull(f.started, 0) <= $down"               \
	" UNION ALL SELECT f.id, " HELD_CLASS " FROM flow f INDEXED BY flow_long"                  \
	" WHERE f.state <> 0 AND f.life >= 600000 AND f.uplink IN names"                           \
	" AND ifnull(f.started, 0) <= $down AND " ENDED " >= $down - $moment"                      \
	" UNION ALL SELECT f.id, " HELD_CLASS " FROM slice s CROSS JOIN flow f NOT INDEXED"        \
	" WHERE s.last_ms >= $down - 600000 AND s.first_ms <= $down AND " IN_SLICE                 \
	" AND f.started BETWEEN $down - 600000 AND $down AND f.state <> 0"                         \
	" AND f.life < 600000 AND " ENDED " >= $down - $moment AND f.uplink IN names),"            \
	" begun AS (SELECT f.id, CASE WHEN f.uplink NOT IN names THEN"                             \
	" iif(EXISTS (SELECT 1 FROM deletion d WHERE d.flow_id = f.id"                             \
	" AND d.action = 'returned'), 6, 5)"                                                       \
	" WHEN " IS_DELETED " THEN 1 END AS class,"                                                \
	" iif(f.uplink NOT IN names, f.uplink, NULL) AS by"                                        \
	" FROM slice s CROSS JOIN flow f NOT INDEXED"                                              \
	" WHERE s.last_ms > $down AND s.first_ms < $back AND " IN_SLICE                            \
	" AND f.started > $down AND f.started < $back AND f.uplink IS NOT NULL),"                  \
	" members (id, class, by) AS (SELECT id, 0, by FROM moved"                                 \
	" UNION ALL SELECT id, class, NULL FROM held WHERE id NOT IN (SELECT id FROM moved)"       \
	" UNION ALL SELECT id, class, by FROM begun WHERE class IS NOT NULL"                       \
	" AND id NOT IN (SELECT id FROM moved)) "

#define BY_NAME "(SELECT u.name FROM uplink u WHERE u.id = m.by)"

static const char sums_sql[] =
	MEMBERS "SELECT m.class, " BY_NAME " AS name, count(*), sum(f.state = 0),"
		" ifnull(sum(f.bytes + f.bytes_reply), 0), sum(f.bytes IS NULL)"
		" FROM members m CROSS JOIN flow f ON f.id = m.id GROUP BY m.class, name"
		" ORDER BY m.class, name";

static const char live_sql[] =
	MEMBERS "SELECT m.id, m.class, " BY_NAME ", ifnull(f.started, 0), f.proto, f.zone, f.ct_id,"
		" f.src, f.dst, f.sport, f.dport FROM members m CROSS JOIN flow f ON f.id = m.id"
		" WHERE f.state = 0 AND f.bytes IS NULL ORDER BY m.id";

static const char ids_sql[] =
	MEMBERS "SELECT id FROM members WHERE class = $class ORDER BY id DESC LIMIT $limit";

static int members_prepare(struct query *q, sqlite3_stmt **stmt, const char *sql,
			   const struct failover *f)
{
	int rc = db_prepare(q->db, stmt, sql);

	if (rc != SQLITE_OK)
		return query_fail(q, rc);
	filter_bind_number(*stmt, "$down", f->down_ms);
	filter_bind_number(*stmt, "$back", f->back_ms ? f->back_ms : INT64_MAX);
	filter_bind_number(*stmt, "$end", f->back_ms ? f->back_ms + MOMENT_MS : INT64_MAX);
	filter_bind_number(*stmt, "$moment", MOMENT_MS);
	bind_name(*stmt, sqlite3_bind_parameter_index(*stmt, "$uplink"), f->uplink);
	return 0;
}

/* --- sums and live flows ------------------------------------------------------------------ */

/* Return the list with room for one more element, or NULL if memory is short. The capacity is a
 * power of two. It is doubled when the list is full. */
static void *list_grow(void *list, size_t n, size_t size)
{
	if (n & (n - 1))
		return list;
	return realloc(list, (n ? 2 * n : 1) * size);
}

static struct failover_sum *sum_add(struct failover *f, enum failover_class class)
{
	struct failover_sum *sums = list_grow(f->sums, f->n_sums, sizeof(*sums));

	if (!sums)
		return NULL;
	f->sums = sums;
	sums[f->n_sums] = (struct failover_sum){.class = class};
	return &sums[f->n_sums++];
}

/* Add an empty sum for each class after the last class in the list and before class 'next'. */
static int empty_add(struct failover *f, int next)
{
	int class = f->n_sums ? (int)f->sums[f->n_sums - 1].class + 1 : 0;

	for (; class < next; class ++)
		if (!sum_add(f, (enum failover_class) class))
			return -ENOMEM;
	return 0;
}

static int sum_take(struct failover *f, sqlite3_stmt *stmt)
{
	int class = sqlite3_column_int(stmt, 0), r = empty_add(f, class);
	struct failover_sum *sum = r ? NULL : sum_add(f, (enum failover_class) class);

	if (!sum)
		return -ENOMEM;
	name_take(sum->by, stmt, 1);
	sum->flows = (uint64_t)sqlite3_column_int64(stmt, 2);
	sum->live = (uint64_t)sqlite3_column_int64(stmt, 3);
	sum->bytes = (uint64_t)sqlite3_column_int64(stmt, 4);
	sum->unknown = (uint64_t)sqlite3_column_int64(stmt, 5);
	return 0;
}

static size_t sum_find(const struct failover *f, int class, const char *by)
{
	for (size_t i = 0; i < f->n_sums; i++)
		if ((int)f->sums[i].class == class && !strcmp(f->sums[i].by, by))
			return i;
	return 0;
}

static int live_take(struct failover *f, sqlite3_stmt *stmt)
{
	struct failover_live *list = list_grow(f->live, f->n_live, sizeof(*list)), *l;
	char by[UPLINK_NAME_MAX];

	if (!list)
		return -ENOMEM;
	f->live = list;
	l = &list[f->n_live++];
	name_take(by, stmt, 2);
	*l = (struct failover_live){
		.id = sqlite3_column_int64(stmt, 0),
		.sum = sum_find(f, sqlite3_column_int(stmt, 1), by),
		.started_ms = sqlite3_column_int64(stmt, 3),
		.proto = (uint8_t)sqlite3_column_int(stmt, 4),
		.zone = (uint16_t)sqlite3_column_int(stmt, 5),
		.ct_id = (uint32_t)sqlite3_column_int64(stmt, 6),
		.tuple.sport = (uint16_t)sqlite3_column_int(stmt, 9),
		.tuple.dport = (uint16_t)sqlite3_column_int(stmt, 10),
	};
	db_column_addr(stmt, 7, &l->tuple.src);
	db_column_addr(stmt, 8, &l->tuple.dst);
	return 0;
}

static int members_read(struct query *q, const char *sql, struct failover *f,
			int (*take)(struct failover *f, sqlite3_stmt *stmt))
{
	sqlite3_stmt *stmt = NULL;
	int rc = SQLITE_DONE, r = members_prepare(q, &stmt, sql, f);

	while (r == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		r = take(f, stmt);
	if (r == 0 && rc != SQLITE_DONE)
		r = query_fail(q, rc);
	sqlite3_finalize(stmt);
	return r;
}

/* Count the flows that started between $began and $down and got no reply, and the packets that they
 * sent. Live flows whose rows have no counters yet are missing here; failover_add_live() adds
 * them. */
static const char lost_sql[] =
	"SELECT count(*), ifnull(sum(f.packets), 0) FROM slice s CROSS JOIN flow f NOT INDEXED"
	" WHERE s.last_ms >= $began AND s.first_ms <= $down AND " IN_SLICE
	" AND f.started BETWEEN $began AND $down AND f.packets_reply = 0"
	" AND f.uplink IN (SELECT id FROM uplink WHERE name = $uplink)";

static int lost_read(struct query *q, struct failover *f)
{
	sqlite3_stmt *stmt = NULL;
	int rc = f->began_ms ? db_prepare(q->db, &stmt, lost_sql) : SQLITE_DONE;

	if (rc == SQLITE_OK) {
		filter_bind_number(stmt, "$began", f->began_ms);
		filter_bind_number(stmt, "$down", f->down_ms);
		bind_name(stmt, sqlite3_bind_parameter_index(stmt, "$uplink"), f->uplink);
		rc = sqlite3_step(stmt);
	}
	if (rc == SQLITE_ROW) {
		f->unanswered = (uint64_t)sqlite3_column_int64(stmt, 0);
		f->packets_lost = (uint64_t)sqlite3_column_int64(stmt, 1);
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : query_fail(q, rc);
}

static int failover_read(struct query *q, const struct wanted *w, struct failover *f)
{
	int r = fall_find(q, w, f);

	if (r == 0)
		r = members_read(q, sums_sql, f, sum_take);
	if (r == 0)
		r = empty_add(f, FAILOVER_CLASSES);
	if (r == 0)
		r = members_read(q, live_sql, f, live_take);
	return r == 0 ? lost_read(q, f) : r;
}

/* Read everything in one transaction, so that the listed live flows are those that the sums
 * count. */
static int failover_query(struct query *q, const struct wanted *w, struct failover *out)
{
	int r, rc = db_exec(q->db, "BEGIN");

	*out = (struct failover){0};
	if (rc != SQLITE_OK)
		return query_fail(q, rc);
	r = failover_read(q, w, out);
	db_exec(q->db, "COMMIT");
	if (r)
		failover_free(out);
	return r;
}

int query_failover(struct query *q, const char *uplink, int64_t at_ms, struct failover *out)
{
	return failover_query(q, &(struct wanted){.uplink = uplink, .at_ms = at_ms}, out);
}

int query_failover_of(struct query *q, int64_t id, struct failover *out)
{
	return failover_query(q, &(struct wanted){.id = id}, out);
}

void failover_add_live(struct failover *f, const struct failover_live *l)
{
	struct failover_sum *sum = &f->sums[l->sum];
	bool is_of_backup = sum->class == FAILOVER_BACKUP || sum->class == FAILOVER_RETURNED;

	sum->bytes += l->bytes[DIR_ORIGINAL] + l->bytes[DIR_REPLY];
	sum->unknown--;
	if (!f->began_ms || is_of_backup || l->packets[DIR_REPLY] || l->started_ms < f->began_ms ||
	    l->started_ms > f->down_ms)
		return;
	f->unanswered++;
	f->packets_lost += l->packets[DIR_ORIGINAL];
}

void failover_set_idle(struct failover *f, struct failover_live *l)
{
	struct failover_sum *from = &f->sums[l->sum];
	size_t i = 0;

	if (from->class != FAILOVER_STRANDED || l->is_idle)
		return;
	while (f->sums[i].class != FAILOVER_IDLE)
		i++;
	l->is_idle = true;
	l->sum = i;
	from->flows--;
	from->live--;
	from->unknown--;
	f->sums[i].flows++;
	f->sums[i].live++;
	f->sums[i].unknown++;
}

void failover_free(struct failover *f)
{
	free(f->sums);
	free(f->live);
	*f = (struct failover){0};
}

/* --- flows of a class ---------------------------------------------------------------------- */

static int ids_read(struct query *q, sqlite3_stmt *stmt, int64_t **list, size_t *n)
{
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		int64_t *grown = list_grow(*list, *n, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		*list = grown;
		grown[(*n)++] = sqlite3_column_int64(stmt, 0);
	}
	return rc == SQLITE_DONE ? 0 : query_fail(q, rc);
}

static int ids_show(struct query *q, const int64_t *list, size_t n, query_row_fn *fn, void *data)
{
	struct row_shower shower;
	int r = row_shower_open(&shower, q, "SELECT * FROM flows WHERE id = ?", fn, data);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = row_shower_show(&shower, list[i]);
	row_shower_close(&shower);
	return r;
}

int query_failover_flows(struct query *q, const struct failover *f, enum failover_class c,
			 uint64_t limit, query_row_fn *fn, void *data)
{
	sqlite3_stmt *stmt = NULL;
	int64_t *list = NULL;
	size_t n = 0;
	int r = members_prepare(q, &stmt, ids_sql, f);

	if (r == 0) {
		filter_bind_number(stmt, "$class", c);
		filter_bind_number(stmt, "$limit", limit ? (int64_t)limit : -1);
		r = ids_read(q, stmt, &list, &n);
	}
	sqlite3_finalize(stmt);
	if (r == 0)
		r = ids_show(q, list, n, fn, data);
	free(list);
	return r;
}

int query_failovers(struct query *q, const char *uplink, int64_t since_ms, int64_t until_ms,
		    int64_t **ids, size_t *n)
{
	sqlite3_stmt *stmt = NULL;
	int r = db_prepare(q->db, &stmt, falls_sql);

	*ids = NULL;
	*n = 0;
	if (r != SQLITE_OK)
		return query_fail(q, r);
	sqlite3_bind_int64(stmt, 1, until_ms > 0 ? until_ms - 1 : until_ms);
	bind_name(stmt, 2, uplink);
	sqlite3_bind_int64(stmt, 3, since_ms);
	r = ids_read(q, stmt, ids, n);
	sqlite3_finalize(stmt);
	return r;
}
