/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migrate.h - brings a database's schema to the version that this program knows.
 */
#ifndef WAYMARK_SRC_STORE_MIGRATE_H
#define WAYMARK_SRC_STORE_MIGRATE_H

#include <sqlite3.h>
#include <stddef.h>

/* A step: leads from the version before it in its list (0: an empty database)
 * to 'version'. */
struct migration {
	int version;
	const char *sql_file; /* of sql_files; or NULL, with: */
	const char *sql;
};

/* What this program's history goes through: the files sql/version-N.sql. */
extern const struct migration store_migrations[];
extern const size_t store_migrations_count;

/* Runs the steps that db lacks and then makes the views anew; puts in the words
 * of verdicts and reasons that it lacks: all in one transaction, either all of it
 * or nothing is done. 0 where nothing had to be done or all is; else SQLite's code, or
 * SQLITE_SCHEMA where db is newer than the last step (*version then says how new). */
int migrate_run(sqlite3 *db, const struct migration *steps, size_t n, int *version);

#endif
