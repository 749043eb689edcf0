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
	const char *sql_file; /* name of a file in sql_files (sql.h); NULL: use `sql` */
	const char *sql;
};

/* The steps of this program's schema: the files sql/version-N.sql. */
extern const struct migration store_migrations[];
extern const size_t store_migrations_count;

/* Run the steps that the database lacks. If a step was run, recreate the views. Then add new names
 * of enumerations and replace changed names. All this is one transaction. Set *version to the
 * version that the database had before. Return SQLite's result code; SQLITE_SCHEMA: the database is
 * newer than the last step. */
int migrate_run(sqlite3 *db, const struct migration *steps, size_t n, int *version);

#endif
