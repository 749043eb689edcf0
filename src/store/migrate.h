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

/* The steps of this program's history: the files sql/version-N.sql. */
extern const struct migration store_migrations[];
extern const size_t store_migrations_count;

/* Run the steps that db lacks, recreate the views, and add missing names of verdicts and reasons,
 * all in one transaction. Return 0 if all is done or nothing was to do; else SQLite's result code,
 * or SQLITE_SCHEMA if db is newer than the last step (*version is then set to its version). */
int migrate_run(sqlite3 *db, const struct migration *steps, size_t n, int *version);

#endif
