/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * db.c - small helper functions for an SQLite connection. They know no table.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/db.h"
#include "store/sql.h"

/* The highest max_page_count that every version of SQLite accepts. Here it means "no limit". */
#define PAGES_MAX 1073741823
/* The highest chunk size that this file sets with SQLITE_FCNTL_CHUNK_SIZE: 1 GiB. */
#define CHUNK_MAX (INT64_C(1) << 30)

const char *sql_text(const char *name)
{
	const struct sql_file *f = sql_files;

	while (f->name && strcmp(f->name, name))
		f++;
	return f->text;
}

void db_distrust(sqlite3 *db)
{
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
}

int db_exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int max_pages_set(sqlite3 *db, int64_t pages)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %" PRId64, pages);
	return db_exec(db, sql);
}

/* Divide a file of this many bytes into equal chunks of CHUNK_MAX bytes or less, and return the
 * chunk size, rounded up to whole pages. Without a chunk size (SQLITE_FCNTL_CHUNK_SIZE) SQLite
 * ignores SQLITE_FCNTL_SIZE_HINT. It rounds the file's size up to a multiple of the chunk size,
 * also at a checkpoint. */
static int chunk_of(int64_t bytes, int64_t page_bytes)
{
	int64_t n = 1 + bytes / CHUNK_MAX;

	return (int)((bytes / n + page_bytes - 1) / page_bytes * page_bytes);
}

int db_size_hold(sqlite3 *db, int64_t more_bytes)
{
	int64_t page_bytes, pages;
	sqlite3_int64 bytes;
	int chunk, rc = db_integer(db, "PRAGMA page_size", &page_bytes, 0);

	if (rc == SQLITE_OK)
		rc = db_integer(db, "PRAGMA page_count", &pages, 0);
	if (rc != SQLITE_OK || !page_bytes || !pages)
		return rc;
	pages += more_bytes / page_bytes;
	bytes = pages * page_bytes;
	chunk = chunk_of(bytes, page_bytes);
	rc = max_pages_set(db, pages);
	sqlite3_file_control(db, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk);
	return rc == SQLITE_OK ? sqlite3_file_control(db, "main", SQLITE_FCNTL_SIZE_HINT, &bytes)
			       : rc;
}

int db_size_release(sqlite3 *db)
{
	int none = 0;

	sqlite3_file_control(db, "main", SQLITE_FCNTL_CHUNK_SIZE, &none);
	return max_pages_set(db, PAGES_MAX);
}

bool db_size_is_held(sqlite3 *db)
{
	int64_t pages;

	return db_integer(db, "PRAGMA max_page_count", &pages, 0) == SQLITE_OK && pages < PAGES_MAX;
}

int db_prepare(sqlite3 *db, sqlite3_stmt **out, const char *sql)
{
	return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

int db_integer(sqlite3 *db, const char *sql, int64_t *out, int64_t fallback)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	*out = fallback;
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		*out = sqlite3_column_int64(stmt, 0);
	rc = sqlite3_finalize(stmt);
	return rc;
}

int db_run(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt), reset = sqlite3_reset(stmt);

	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : reset ? reset : rc;
}

int db_run_numbers(sqlite3 *db, const char *sql, int n, const int64_t *numbers)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	for (int i = 0; i < n && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_int64(stmt, i + 1, numbers[i]);
	if (rc == SQLITE_OK)
		rc = db_run(stmt);
	sqlite3_finalize(stmt);
	return rc;
}

int db_bind_or_null(sqlite3_stmt *stmt, int index, int64_t value, int64_t none)
{
	return value == none ? sqlite3_bind_null(stmt, index)
			     : sqlite3_bind_int64(stmt, index, value);
}

int32_t db_addr4(const struct addr *a)
{
	uint32_t n;

	memcpy(&n, a->bytes, sizeof(n));
	return (int32_t)ntohl(n);
}

int db_bind_addr(sqlite3_stmt *stmt, int index, const struct addr *a)
{
	char text[ADDR_STRLEN];

	if (a->family == AF_INET)
		return sqlite3_bind_int64(stmt, index, db_addr4(a));
	if (a->family == AF_INET6)
		return sqlite3_bind_text(stmt, index, addr_format(a, text), -1, SQLITE_TRANSIENT);
	return sqlite3_bind_null(stmt, index);
}

void db_column_addr(sqlite3_stmt *stmt, int column, struct addr *out)
{
	uint32_t n;

	memset(out, 0, sizeof(*out));
	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_INTEGER:
		n = htonl((uint32_t)sqlite3_column_int64(stmt, column));
		addr_set(out, AF_INET, &n);
		break;
	case SQLITE_TEXT:
		if (addr_parse(out, (const char *)sqlite3_column_text(stmt, column)) < 0)
			memset(out, 0, sizeof(*out));
		break;
	}
}

static bool is_of_the_disk(int error)
{
	return error == EROFS || error == ENOSPC || error == EDQUOT;
}

int db_system_errno(sqlite3 *db)
{
	int error = sqlite3_system_errno(db), last = 0;
	sqlite3_file *log = NULL;

	if (is_of_the_disk(error))
		return error;
	sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &last);
	if (is_of_the_disk(last))
		return last;
	sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	if (log && log->pMethods)
		log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &last);
	return is_of_the_disk(last) ? last : error;
}

int db_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		return -EACCES;
	case SQLITE_NOTADB:
		return -EPROTO;
	default:
		return -EIO;
	}
}
