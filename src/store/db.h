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

/* Set up a read-only connection for a file that another user might have written. The file then
 * cannot make SQLite run code or write to SQLite's internal tables. */
void db_distrust(sqlite3 *db);

/* Run statements and ignore the rows they return. */
int db_exec(sqlite3 *db, const char *sql);

/* Run a query. Set *out to the first column of the first row. If there is no row or the column is
 * NULL, set *out to 'fallback'. */
int db_integer(sqlite3 *db, const char *sql, int64_t *out, int64_t fallback);

/* Extend the file so that it has room for every page of the write-ahead log and for `more_bytes`
 * bytes more, and prevent the database from growing further. The log can then be checkpointed even
 * while the disk is full. db_size_release() lets the database grow again. */
int db_size_hold(sqlite3 *db, int64_t more_bytes);
int db_size_release(sqlite3 *db);
bool db_size_is_held(sqlite3 *db);

/* Prepare a statement that will be used for a long time. */
int db_prepare(sqlite3 *db, sqlite3_stmt **out, const char *sql);

/* Run a statement that returns no rows, and reset it. */
int db_run(sqlite3_stmt *stmt);

/* Prepare a statement, bind n numbers and run it. */
int db_run_numbers(sqlite3 *db, const char *sql, int n, const int64_t *numbers);

/* Bind 'value', but bind NULL if 'value' equals 'none'. */
int db_bind_or_null(sqlite3_stmt *stmt, int index, int64_t value, int64_t none);

/* Bind and read addresses as the tables encode them: IPv4 as an integer, IPv6 as text. */
int db_bind_addr(sqlite3_stmt *stmt, int index, const struct addr *a);
void db_column_addr(sqlite3_stmt *stmt, int column, struct addr *out);
int32_t db_addr4(const struct addr *a);

/* Return the negative errno that is closest to SQLite's result code. */
int db_errno(int code);
/* Return the errno of the last failed operation on the database's file or its write-ahead log; 0:
 * unknown. sqlite3_system_errno() alone is not enough, because it can return the errno of a later
 * system call. */
int db_system_errno(sqlite3 *db);

#endif
