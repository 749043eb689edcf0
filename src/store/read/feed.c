/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.c - reads the history's changes in order, for the exporter.
 *
 * The statements are generated from the arrays of columns below. They read the views, so that the
 * exporter gets the same values as users.
 */
#include "waymark/store/feed.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/db.h"
#include "store/read/query_internal.h"

#define SQL_BYTES   4096
#define COLUMNS_MAX 48

static const struct feed_column flow_columns[] = {
#define FLOW_SHOWN(column, kind, is_nullable, ...) {#column, FEED_##kind, (is_nullable)},
#include "waymark/store/flow_columns.def"
};

static const struct feed_column mismatch_columns[] = {
	{"id", FEED_ID, false},		 {"time", FEED_TIME, false},
	{"flow_id", FEED_ID, true},	 {"proto", FEED_WORD, false},
	{"src", FEED_ADDRESS, true},	 {"sport", FEED_NUMBER16, true},
	{"dst", FEED_ADDRESS, true},	 {"dport", FEED_NUMBER16, true},
	{"direction", FEED_WORD, false}, {"mark", FEED_NUMBER32, true},
	{"expected", FEED_WORD, true},	 {"egress", FEED_WORD, true},
	{"reason", FEED_WORD, true},	 {"evidence", FEED_WORD, false},
	{"packets", FEED_COUNT, true},
};

static const struct feed_column gap_columns[] = {
	{"id", FEED_ID, false},	      {"started", FEED_TIME, true}, {"ended", FEED_TIME, true},
	{"source", FEED_WORD, false}, {"lost", FEED_ID, true},	    {"reason", FEED_TEXT, true},
};

static const struct feed_column coverage_columns[] = {
	{"id", FEED_ID, false},
	{"hour", FEED_TIME, false},
	{"uplink", FEED_WORD, true},
	{"started", FEED_TIME, true},
	{"ended", FEED_TIME, true},
	{"left_packets", FEED_COUNT, true},
	{"left_bytes", FEED_COUNT, true},
	{"seen_packets", FEED_COUNT, true},
	{"seen_bytes", FEED_COUNT, true},
	{"share", FEED_REAL, true},
	{"missing_packets", FEED_COUNT, true},
	{"causes", FEED_TEXT, true},
};

static const struct feed_column usage_columns[] = {
	{"id", FEED_ID, false},
	{"time", FEED_TIME, false},
	{"uplink", FEED_WORD, true},
	{"bytes_sent", FEED_COUNT, true},
	{"bytes_received", FEED_COUNT, true},
	{"packets_sent", FEED_COUNT, true},
	{"packets_received", FEED_COUNT, true},
	{"flows_started", FEED_COUNT, true},
	{"flows_answered", FEED_COUNT, true},
};

static const struct feed_column uplink_state_columns[] = {
	{"id", FEED_ID, false},	     {"time", FEED_TIME, false}, {"uplink", FEED_WORD, true},
	{"state", FEED_WORD, false}, {"cause", FEED_WORD, true},
};

static const struct feed_column tampering_columns[] = {
	{"id", FEED_ID, false}, {"time", FEED_TIME, false},   {"what", FEED_TEXT, false},
	{"pid", FEED_ID, true}, {"process", FEED_TEXT, true}, {"action", FEED_WORD, true},
};

static const struct feed_column alert_columns[] = {
	{"id", FEED_ID, false},	       {"time", FEED_TIME, false},  {"kind", FEED_WORD, false},
	{"severity", FEED_WORD, true}, {"state", FEED_WORD, false}, {"uplinks", FEED_WORD, true},
	{"reason", FEED_WORD, true},   {"count", FEED_COUNT, true}, {"text", FEED_TEXT, true},
};

#define COLUMNS(list) .columns = list, .n_columns = sizeof(list) / sizeof((list)[0])

const struct feed_table feed_tables[FEED_TABLES] = {
	[FEED_FLOWS] = {.name = "flows",
			COLUMNS(flow_columns),
			.day = "started",
			.time = "ended",
			.text = "flows that ended, and the newest row of those that live for long"},
	[FEED_MISMATCHES] =
		{.name = "mismatches",
		 COLUMNS(mismatch_columns),
		 .is_urgent = true,
		 .day = "time",
		 .time = "time",
		 .text = "packets that left by an interface that the mark does not name"},
	[FEED_GAPS] = {.name = "gaps",
		       COLUMNS(gap_columns),
		       .is_urgent = true,
		       .day = "started",
		       .time = "started",
		       .text = "intervals in which something may be missing"},
	[FEED_COVERAGE] =
		{.name = "coverage",
		 COLUMNS(coverage_columns),
		 .day = "hour",
		 .time = "hour",
		 .text = "packets by uplink, and how many of them the history accounts for"},
	[FEED_USAGE] = {.name = "usage",
			COLUMNS(usage_columns),
			.day = "time",
			.time = "time",
			.text = "bytes and flows per uplink in bins of 5 minutes"},
	[FEED_UPLINK_STATES] = {.name = "uplink_states",
				COLUMNS(uplink_state_columns),
				.is_urgent = true,
				.day = "time",
				.time = "time",
				.text = "what each uplink became, and why"},
	[FEED_TAMPERING] = {.name = "tampering",
			    COLUMNS(tampering_columns),
			    .is_urgent = true,
			    .day = "time",
			    .time = "time",
			    .text = "what another process changed of the steering"},
	[FEED_ALERTS] = {.name = "alerts",
			 COLUMNS(alert_columns),
			 .is_urgent = true,
			 .day = "time",
			 .time = "time",
			 .text = "alerts that were raised, summarized, over"},
};

/* The values of column `kind` in table change (see version-3.sql) that belong to a table of the
 * feed. */
struct feed_source {
	int kind, other; /* `other` equals `kind` if only one value belongs to the table */
};

static const struct feed_source sources[FEED_TABLES] = {
	[FEED_FLOWS] = {0, 1},	   [FEED_MISMATCHES] = {2, 2}, [FEED_GAPS] = {3, 3},
	[FEED_COVERAGE] = {4, 4},  [FEED_USAGE] = {5, 5},      [FEED_UPLINK_STATES] = {6, 6},
	[FEED_TAMPERING] = {7, 7}, [FEED_ALERTS] = {8, 8},
};

/* Select how many changes retention has deleted. The first column counts all kinds, the second
 * column only kinds ?1 and ?2. */
#define PRUNED_SQL                                                                                 \
	"SELECT ifnull(sum(value), 0), ifnull(sum(CASE WHEN name IN ('pruned_changes_' || ?1,"     \
	" 'pruned_changes_' || ?2) THEN value END), 0) FROM meta WHERE name GLOB "                 \
	"'pruned_changes_*'"

/* Select the rows of table change for one feed table, beginning with the row that contains the
 * first change after ?1. */
#define CHANGES_SQL                                                                                \
	"SELECT first, n, ids FROM change"                                                         \
	" WHERE first >= ifnull((SELECT max(first) FROM change WHERE first <= ?1), 0)"             \
	" AND kind IN (?2, ?3) AND first + n > ?1 ORDER BY first"

struct feed {
	struct query *query;
	char history[64];
	dev_t device;
	ino_t inode;
	int64_t scanned;	   /* number of the newest change that changes_scan() has read */
	int64_t last[FEED_TABLES]; /* number of the newest change of each table, up to `scanned` */
	sqlite3_stmt *changes, *scan, *first, *pruned, *live, *rows[FEED_TABLES];
};

/* --- open ------------------------------------------------------------------------- */

static void names_put(char *sql, size_t size, const struct feed_table *t)
{
	size_t used = strlen(sql);

	for (size_t i = 0; i < t->n_columns && used < size; i++)
		used += (size_t)snprintf(sql + used, size - used, "%s%s%s", i ? ", " : "",
					 t->columns[i].name,
					 t->columns[i].kind == FEED_TIME ? "_ms" : "");
}

static int statement_make(struct feed *f, sqlite3_stmt **out, const struct feed_table *t,
			  const char *condition)
{
	char sql[SQL_BYTES] = "SELECT ";
	size_t used;

	names_put(sql, sizeof(sql), t);
	used = strlen(sql);
	snprintf(sql + used, sizeof(sql) - used, " FROM %s WHERE %s", t->name, condition);
	return db_prepare(f->query->db, out, sql);
}

static int history_read(struct feed *f)
{
	sqlite3_stmt *stmt = NULL;
	int rc = db_prepare(f->query->db, &stmt, "SELECT value FROM meta WHERE name = 'history'");

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) == SQLITE_TEXT)
		snprintf(f->history, sizeof(f->history), "%s", sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int feed_prepare(struct feed *f)
{
	int rc = history_read(f);

	if (rc == SQLITE_OK)
		rc = db_prepare(f->query->db, &f->changes, CHANGES_SQL);
	if (rc == SQLITE_OK)
		rc = db_prepare(
			f->query->db, &f->scan,
			"SELECT first + n, kind FROM change WHERE first >= ?1 ORDER BY first");
	if (rc == SQLITE_OK)
		rc = db_prepare(f->query->db, &f->first, "SELECT min(first) FROM change");
	if (rc == SQLITE_OK)
		rc = db_prepare(f->query->db, &f->pruned, PRUNED_SQL);
	for (int i = 0; rc == SQLITE_OK && i < FEED_TABLES; i++)
		rc = statement_make(f, &f->rows[i], &feed_tables[i], "id = ?1");
	if (rc == SQLITE_OK)
		rc = statement_make(
			f, &f->live, &feed_tables[FEED_FLOWS],
			"id IN (SELECT id FROM flow INDEXED BY flow_live WHERE state = 0"
			" AND started < ?2 AND id > ?1 ORDER BY id LIMIT ?3) ORDER BY id");
	return rc == SQLITE_OK ? 0 : query_fail(f->query, rc);
}

static int identity_read(struct feed *f)
{
	struct stat info;

	if (stat(f->query->path, &info) < 0)
		return -errno;
	f->device = info.st_dev;
	f->inode = info.st_ino;
	return 0;
}

struct feed *feed_open(const char *path, FILE *errors)
{
	struct feed *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return NULL;
	f->query = query_open(path, errors);
	if (!f->query) {
		r = -errno;
		free(f);
		errno = -r;
		return NULL;
	}
	r = identity_read(f);
	if (r == 0)
		r = feed_prepare(f);
	if (r == 0)
		return f;
	if (errors)
		fprintf(errors, "%s: %s\n", path, feed_error(f)[0] ? feed_error(f) : strerror(-r));
	feed_close(f);
	errno = -r;
	return NULL;
}

void feed_close(struct feed *f)
{
	if (!f)
		return;
	for (int i = 0; i < FEED_TABLES; i++)
		sqlite3_finalize(f->rows[i]);
	sqlite3_finalize(f->changes);
	sqlite3_finalize(f->scan);
	sqlite3_finalize(f->first);
	sqlite3_finalize(f->pruned);
	sqlite3_finalize(f->live);
	query_close(f->query);
	free(f);
}

const char *feed_history(const struct feed *f)
{
	return f->history;
}

bool feed_is_current(const struct feed *f)
{
	struct stat info;

	return stat(f->query->path, &info) == 0 && info.st_dev == f->device &&
	       info.st_ino == f->inode;
}

const char *feed_error(const struct feed *f)
{
	return query_error(f->query);
}

/* --- rows ------------------------------------------------------------------------- */

static struct feed_value value_read(sqlite3_stmt *stmt, int column)
{
	struct feed_value v = {.kind = FEED_VALUE_NULL};

	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_INTEGER:
		v.kind = FEED_VALUE_INTEGER;
		v.integer = sqlite3_column_int64(stmt, column);
		break;
	case SQLITE_FLOAT:
		v.kind = FEED_VALUE_REAL;
		v.real = sqlite3_column_double(stmt, column);
		break;
	case SQLITE_TEXT:
		v.kind = FEED_VALUE_TEXT;
		v.text = (const char *)sqlite3_column_text(stmt, column);
		v.size = (size_t)sqlite3_column_bytes(stmt, column);
		break;
	default: /* the views have no other types */
		break;
	}
	return v;
}

static void values_read(sqlite3_stmt *stmt, struct feed_value *values)
{
	int n = sqlite3_column_count(stmt);

	for (int i = 0; i < n && i < COLUMNS_MAX; i++)
		values[i] = value_read(stmt, i);
}

static int row_show(struct feed *f, int table, struct feed_row *row, feed_row_fn *fn, void *data)
{
	struct feed_value values[COLUMNS_MAX];
	sqlite3_stmt *stmt = f->rows[table];
	int r, rc;

	sqlite3_bind_int64(stmt, 1, row->id);
	rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		r = query_fail(f->query, rc);
	} else {
		if (rc == SQLITE_ROW)
			values_read(stmt, values);
		row->values = rc == SQLITE_ROW ? values : NULL;
		r = fn(data, row);
	}
	sqlite3_reset(stmt);
	return r;
}

/* A list of ids as table change encodes it: each id is stored as its difference from the previous
 * id, in zigzag and LEB128 encoding. */
struct change_ids {
	const uint8_t *at, *end;
	int64_t id;
};

static int id_next(struct change_ids *l)
{
	uint64_t number = 0;
	unsigned shift = 0;

	while (l->at < l->end && shift < 64) {
		uint8_t byte = *l->at++;

		number |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (byte & 0x80)
			continue;
		l->id += (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
		return 0;
	}
	return -EBADMSG;
}

/* The state of a feed_read() call. */
struct feed_reading {
	struct feed *f;
	int table;
	int64_t after;
	unsigned left;
	feed_row_fn *fn;
	void *data;
};

/* Call fn for each change in the current row of table change. Skip changes up to position
 * r->after. */
static int change_show(struct feed_reading *r)
{
	sqlite3_stmt *stmt = r->f->changes;
	int64_t number = sqlite3_column_int64(stmt, 0), n = sqlite3_column_int64(stmt, 1);
	const uint8_t *bytes = sqlite3_column_blob(stmt, 2);
	struct change_ids list = {bytes, bytes + sqlite3_column_bytes(stmt, 2), 0};
	int err = 0;

	for (; err == 0 && n > 0 && r->left; n--) {
		struct feed_row row = {.position = number + 1, .version = number + 1};

		number++;
		err = id_next(&list);
		if (err < 0 || number <= r->after)
			continue;
		row.id = list.id;
		r->left--;
		err = row_show(r->f, r->table, &row, r->fn, r->data);
	}
	return err;
}

static int number_read(struct feed *f, sqlite3_stmt *stmt, int64_t *out)
{
	int rc = sqlite3_step(stmt);

	*out = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : query_fail(f->query, rc);
}

/* Set *count to the number of the table's changes that retention has deleted; -1: unknown, because
 * retention deleted some changes without counting them by table. `first` is the number of deleted
 * changes of all tables. */
static int pruned_read(struct feed *f, int table, int64_t first, int64_t *count)
{
	int rc;

	sqlite3_bind_int(f->pruned, 1, sources[table].kind);
	sqlite3_bind_int(f->pruned, 2, sources[table].other);
	rc = sqlite3_step(f->pruned);
	*count = -1;
	if (rc == SQLITE_ROW && sqlite3_column_int64(f->pruned, 0) == first)
		*count = sqlite3_column_int64(f->pruned, 1);
	sqlite3_reset(f->pruned);
	return rc == SQLITE_ROW ? 0 : query_fail(f->query, rc);
}

/* If retention has deleted changes after position r->after, report all of them in one call of fn,
 * and set r->after to the last of them. */
static int pruned_show(struct feed_reading *r)
{
	struct feed_row row = {.is_pruned = true};
	int err = number_read(r->f, r->f->first, &row.position);

	if (err < 0 || row.position <= r->after)
		return err;
	err = pruned_read(r->f, r->table, row.position, &row.pruned);
	if (err < 0)
		return err;
	r->after = row.position;
	return r->fn(r->data, &row);
}

static int changes_show(struct feed_reading *r)
{
	sqlite3_stmt *stmt = r->f->changes;
	int err = 0, rc = SQLITE_DONE;

	sqlite3_bind_int64(stmt, 1, r->after);
	sqlite3_bind_int(stmt, 2, sources[r->table].kind);
	sqlite3_bind_int(stmt, 3, sources[r->table].other);
	while (err == 0 && r->left && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		err = change_show(r);
	if (err == 0 && rc != SQLITE_ROW && rc != SQLITE_DONE)
		err = query_fail(r->f->query, rc);
	sqlite3_reset(stmt);
	return err;
}

int feed_read(struct feed *f, enum feed_table_id table, int64_t after, unsigned limit,
	      feed_row_fn *fn, void *data)
{
	struct feed_reading r = {f, table, after, limit, fn, data};
	int err, rc = db_exec(f->query->db, "BEGIN");

	if (rc != SQLITE_OK)
		return query_fail(f->query, rc);
	err = pruned_show(&r);
	if (err == 0)
		err = changes_show(&r);
	rc = db_exec(f->query->db, "COMMIT");
	return err == 0 && rc != SQLITE_OK ? query_fail(f->query, rc) : err;
}

static void change_note(struct feed *f, int64_t last, int kind)
{
	for (int i = 0; i < FEED_TABLES; i++)
		if (sources[i].kind == kind || sources[i].other == kind)
			f->last[i] = last;
	f->scanned = last;
}

/* Update `last` and `scanned` with the changes since the previous scan. */
static int changes_scan(struct feed *f)
{
	int rc;

	sqlite3_bind_int64(f->scan, 1, f->scanned);
	while ((rc = sqlite3_step(f->scan)) == SQLITE_ROW)
		change_note(f, sqlite3_column_int64(f->scan, 0), sqlite3_column_int(f->scan, 1));
	sqlite3_reset(f->scan);
	return rc == SQLITE_DONE ? 0 : query_fail(f->query, rc);
}

int feed_span(struct feed *f, struct feed_span *out)
{
	int64_t first;
	int err = changes_scan(f);

	if (err == 0)
		err = number_read(f, f->first, &first);
	if (err < 0)
		return err;
	out->first = first + 1;
	out->last = f->scanned;
	memcpy(out->tables, f->last, sizeof(out->tables));
	return 0;
}

int feed_pending(struct feed *f, enum feed_table_id table, int64_t after, int64_t *count)
{
	sqlite3_stmt *stmt = NULL;
	int rc = db_prepare(
		f->query->db, &stmt,
		"SELECT sum(first + n - max(first, ?1)) FROM change"
		" WHERE first + n > ?1 AND kind IN (?2, ?3)"
		" AND first >= ifnull((SELECT max(first) FROM change WHERE first <= ?1), 0)");
	int err;

	if (rc != SQLITE_OK)
		return query_fail(f->query, rc);
	sqlite3_bind_int64(stmt, 1, after);
	sqlite3_bind_int(stmt, 2, sources[table].kind);
	sqlite3_bind_int(stmt, 3, sources[table].other);
	err = number_read(f, stmt, count);
	sqlite3_finalize(stmt);
	return err;
}

int feed_ordinal(struct feed *f, enum feed_table_id table, int64_t position, int64_t *count)
{
	int64_t first, pruned = -1, all = 0, later = 0;
	int err, rc = db_exec(f->query->db, "BEGIN");

	if (rc != SQLITE_OK)
		return query_fail(f->query, rc);
	err = number_read(f, f->first, &first);
	if (err == 0 && position >= first)
		err = pruned_read(f, table, first, &pruned);
	if (err == 0)
		err = feed_pending(f, table, 0, &all);
	if (err == 0)
		err = feed_pending(f, table, position, &later);
	*count = pruned < 0 ? -1 : pruned + all - later;
	rc = db_exec(f->query->db, "COMMIT");
	return err == 0 && rc != SQLITE_OK ? query_fail(f->query, rc) : err;
}

/* --- live flows, positions, the heartbeat ---------------------------------------------- */

static int live_show(struct feed *f, int64_t version, feed_row_fn *fn, void *data)
{
	struct feed_value values[COLUMNS_MAX];
	int r = 0, rc;

	while (r == 0 && (rc = sqlite3_step(f->live)) != SQLITE_DONE) {
		struct feed_row row = {.position = version, .version = version, .values = values};

		if (rc != SQLITE_ROW)
			return query_fail(f->query, rc);
		values_read(f->live, values);
		row.id = values[0].integer;
		r = fn(data, &row);
	}
	return r;
}

/* Read the last position and the live flows in one transaction, so that the end of such a flow
 * always gets a higher position. */
int feed_read_live(struct feed *f, int64_t after_id, int64_t before_ms, unsigned limit,
		   feed_row_fn *fn, void *data)
{
	int r, rc = db_exec(f->query->db, "BEGIN");

	if (rc != SQLITE_OK)
		return query_fail(f->query, rc);
	r = changes_scan(f);
	sqlite3_bind_int64(f->live, 1, after_id);
	sqlite3_bind_int64(f->live, 2, before_ms);
	sqlite3_bind_int64(f->live, 3, limit);
	if (r == 0)
		r = live_show(f, f->scanned, fn, data);
	sqlite3_reset(f->live);
	rc = db_exec(f->query->db, "COMMIT");
	return r == 0 && rc != SQLITE_OK ? query_fail(f->query, rc) : r;
}

int feed_find(struct feed *f, int64_t since_ms, int64_t *position)
{
	sqlite3_stmt *stmt = NULL;
	int rc = db_prepare(f->query->db, &stmt,
			    "SELECT ifnull((SELECT first FROM change WHERE time >= ?1"
			    " ORDER BY first LIMIT 1), (SELECT max(first + n) FROM change))");
	int err;

	if (rc != SQLITE_OK)
		return query_fail(f->query, rc);
	sqlite3_bind_int64(stmt, 1, since_ms);
	err = number_read(f, stmt, position);
	sqlite3_finalize(stmt);
	return err;
}

int feed_pulse(struct feed *f, struct feed_pulse *out)
{
	int err = changes_scan(f), rc;

	if (err < 0)
		return err;
	out->last_position = f->scanned;
	rc = db_integer(f->query->db, "SELECT max(id) FROM flow", &out->last_flow_id, 0);
	if (rc == SQLITE_OK)
		rc = db_integer(f->query->db, "SELECT value FROM meta WHERE name = 'alive_ms'",
				&out->alive_ms, 0);
	return rc == SQLITE_OK ? 0 : query_fail(f->query, rc);
}
