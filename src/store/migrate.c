/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migrate.c - migrates the schema from one version to the next. Each step is a file of sql/. PRAGMA
 * user_version holds a database's version.
 *
 * Knows nothing of rows.
 */
#include <stdio.h>

#include "store/db.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "waymark/base/record.h"

static int version_set(sqlite3 *db, int version)
{
	char sql[96];

	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 STORE_APPLICATION_ID, version);
	return db_exec(db, sql);
}

/* Insert or update a name, but write nothing if the table already has it. */
#define WORD_PUT(table)                                                                            \
	"INSERT INTO " table " VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET "                      \
	"name = excluded.name WHERE name <> excluded.name"

static const char *verdict_word(int number)
{
	return verdict_name((enum verdict)number);
}

static const char *reason_word(int number)
{
	return reason_name((enum reason)number);
}

static const char *evidence_word(int number)
{
	return evidence_name((enum evidence)number);
}

static const char *gap_source_word(int number)
{
	return gap_source_name((enum gap_source)number);
}

static const char *cause_word(int number)
{
	return state_cause_name((enum state_cause)number);
}

/* Tables with the names of the program's enumerations. The views join these tables, to show names
 * in place of numbers. */
static const struct {
	const char *put;
	int first;
	const char *(*word)(int number);
} word_tables[] = {
	{WORD_PUT("verdict"), 1, verdict_word},	  {WORD_PUT("reason"), 1, reason_word},
	{WORD_PUT("evidence"), 0, evidence_word}, {WORD_PUT("gap_source"), 0, gap_source_word},
	{WORD_PUT("cause"), 1, cause_word},
};

static int word_put(sqlite3_stmt *stmt, int number, const char *name)
{
	sqlite3_bind_int(stmt, 1, number);
	sqlite3_bind_text(stmt, 2, name, -1, SQLITE_STATIC);
	return db_run(stmt);
}

static int words_put(sqlite3 *db)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; rc == SQLITE_OK && i < sizeof(word_tables) / sizeof(word_tables[0]);
	     i++) {
		sqlite3_stmt *stmt = NULL;

		rc = db_prepare(db, &stmt, word_tables[i].put);
		for (int n = word_tables[i].first; rc == SQLITE_OK && word_tables[i].word(n); n++)
			rc = word_put(stmt, n, word_tables[i].word(n));
		sqlite3_finalize(stmt);
	}
	return rc;
}

static int steps_run(sqlite3 *db, const struct migration *steps, size_t n, int version)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; rc == SQLITE_OK && i < n; i++) {
		if (steps[i].version <= version)
			continue;
		rc = db_exec(db, steps[i].sql ? steps[i].sql : sql_text(steps[i].sql_file));
		if (rc == SQLITE_OK)
			rc = version_set(db, steps[i].version);
	}
	if (rc == SQLITE_OK)
		rc = db_exec(db, sql_text("views.sql"));
	return rc;
}

int migrate_run(sqlite3 *db, const struct migration *steps, size_t n, int *version)
{
	int64_t found;
	int rc = db_integer(db, "PRAGMA user_version", &found, 0);

	*version = (int)found;
	if (rc != SQLITE_OK)
		return rc;
	if (found > steps[n - 1].version)
		return SQLITE_SCHEMA;
	rc = db_exec(db, "BEGIN IMMEDIATE");
	if (rc != SQLITE_OK)
		return rc;
	if (found < steps[n - 1].version)
		rc = steps_run(db, steps, n, *version);
	if (rc == SQLITE_OK)
		rc = words_put(db);
	if (rc == SQLITE_OK)
		rc = db_exec(db, "COMMIT");
	if (rc != SQLITE_OK)
		db_exec(db, "ROLLBACK");
	return rc;
}
