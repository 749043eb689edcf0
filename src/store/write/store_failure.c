/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_failure.c - explains in words why the history cannot be written.
 */
#include <errno.h>
#include <sqlite3.h>

#include "waymark/store/store.h"

/* After a step of the writer has taken this long, report that the disk does not answer. */
#define SLOW_MS 500

static const struct store_failure full = {"disk full", "the disk is full"},
				  quota = {"disk quota", "the disk quota is used up"},
				  read_only = {"read-only", "the file system is read-only"},
				  io = {"I/O error", "the disk reports an I/O error"},
				  memory = {"memory", "memory is exhausted"},
				  locked = {"locked", "another process has locked the database"};

static const struct failure {
	int code;
	struct store_failure is;
} failures[] = {
	{SQLITE_READONLY, {"read-only", "the database is read-only"}},
	{SQLITE_PERM, {"read-only", "the database is read-only"}},
	{SQLITE_CANTOPEN, {"cannot open", "the database cannot be opened"}},
	{SQLITE_CORRUPT, {"damaged", "the database is damaged"}},
	{SQLITE_NOTADB, {"damaged", "the database is damaged"}},
};

/* Return the cause if errno shows the cause or if the result code has only one cause. Otherwise
 * return NULL. The caller then searches failures[] for the result code. */
static const struct store_failure *by_system(int code, int system_errno)
{
	if (code == SQLITE_FULL)
		return system_errno == EDQUOT ? &quota : &full;
	if (code == SQLITE_NOMEM || system_errno == ENOMEM)
		return &memory;
	if (code == SQLITE_BUSY || code == SQLITE_LOCKED || code == SQLITE_PROTOCOL)
		return &locked;
	if (system_errno == EROFS)
		return &read_only;
	if (system_errno == ENOSPC)
		return &full;
	if (system_errno == EDQUOT)
		return &quota;
	return code == SQLITE_IOERR || system_errno == EIO ? &io : NULL;
}

struct store_failure store_failure_of(int code, int system_errno)
{
	const struct store_failure *is = by_system(code & 0xff, system_errno);

	if (is)
		return *is;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (failures[i].code == (code & 0xff))
			return failures[i].is;
	return (struct store_failure){"SQLite", sqlite3_errstr(code)};
}

const char *store_failure_cause(const struct writer_stats *s, int64_t steady_ms)
{
	if (s->busy_since_ms && steady_ms - s->busy_since_ms >= SLOW_MS)
		return "the disk does not answer";
	return s->last_error ? store_failure_of(s->failure, s->failure_errno).cause : NULL;
}
