/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * db.h - small helpers on an SQLite connection, for the store's own files. Nothing outside
 * src/store/ includes it.
 *
 * Functions return SQLite's result codes unless they say otherwise.
 */
#ifndef WAYMARK_SRC_STORE_DB_H
#define WAYMARK_SRC_STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "waymark/base/addr.h"

/* "WMRK": application_id of our databases. */
#define STORE_APPLICATION_ID 0x574d524b

/* Set up a read-only connection: a file from elsewhere may run no code and write to no table of
 * SQLite's own. */
void db_distrust(sqlite3 *db);

/* Run statements whose rows do not matter. */
int db_exec(sqlite3 *db, const char *sql);

/* Read the first column of the first row; fallback if there is no row or it is NULL. */
int db_integer(sqlite3 *db, const char *sql, int64_t *out, int64_t fallback);

/* Give the file room for every page that the log has, and more_bytes besides, and let the database
 * grow no further: the log can then be written back also when the disk stays full. */
int db_size_hold(sqlite3 *db, int64_t more_bytes);
int db_size_release(sqlite3 *db);
bool db_size_is_held(sqlite3 *db);

/* Prepares a statement that will be used for long. */
int db_prepare(sqlite3 *db, sqlite3_stmt **out, const char *sql);

/* Steps a statement that answers no rows and resets it. */
int db_run(sqlite3_stmt *stmt);

/* Prepares a statement, binds n numbers, runs it. */
int db_run_numbers(sqlite3 *db, const char *sql, int n, const int64_t *numbers);

/* Bind a number, or NULL where it is 'none'. */
int db_bind_or_null(sqlite3_stmt *stmt, int index, int64_t value, int64_t none);

/* Addresses as the tables code them. */
int db_bind_addr(sqlite3_stmt *stmt, int index, const struct addr *a);
void db_column_addr(sqlite3_stmt *stmt, int column, struct addr *out);
int32_t db_addr4(const struct addr *a);

/* Return the negative errno that is closest to SQLite's result code. */
int db_errno(int code);

#endif
