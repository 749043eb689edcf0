/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * db.c - small verbs on an SQLite connection. Knows no table.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "store/db.h"
#include "store/sql.h"

const char *sql_text(const char *name)
{
	const struct sql_file *f = sql_files;

	while (f->name && strcmp(f->name, name))
		f++;
	return f->text;
}

int db_exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
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

static int64_t clock_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_realtime_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}
