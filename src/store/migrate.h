/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migrate.h - brings a database's schema to the version that this program knows.
 */
#ifndef WAYMARK_SRC_STORE_MIGRATE_H
#define WAYMARK_SRC_STORE_MIGRATE_H

#include <sqlite3.h>
#include <stddef.h>

/* One step of a migration. It brings a database from the version of the previous step (for the
 * first step: from an empty database) to 'version'. */
struct migration {
	int version;
	const char *sql_file; /* name of a file in sql_files (sql.h); NULL: use sql */
	const char *sql;
};

/* The steps of this program's schema: the files sql/version-N.sql. */
extern const struct migration store_migrations[];
extern const size_t store_migrations_count;

/* Run the steps that db lacks and, if there were any, recreate the views. Then add new names of
 * enumerations and replace changed ones. All this is one transaction. Set *version to the version
 * that db had. Return 0 on success, else SQLite's result code, which is SQLITE_SCHEMA if db is
 * newer than the last step. */
int migrate_run(sqlite3 *db, const struct migration *steps, size_t n, int *version);

#endif
