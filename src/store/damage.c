/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damage.c - detects a damaged database, when the database is opened or while it is open. Keeps the
 * damaged file under another name, so that the file can be repaired.
 *
 * The file is accessed through SQLite only, because closing a descriptor of our own would release
 * SQLite's locks on the file.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "store/db.h"
#include "store/store_internal.h"
#include "waymark/base/clock.h"

#define HEADER_MAGIC "SQLite format 3"

static sqlite3_file *file_of(const struct store *st)
{
	sqlite3_file *file = NULL;

	if (sqlite3_file_control(st->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK)
		return NULL;
	return file && file->pMethods ? file : NULL;
}

static int64_t size_of(const struct store *st)
{
	sqlite3_file *file = file_of(st);
	sqlite3_int64 bytes = 0;

	return file && file->pMethods->xFileSize(file, &bytes) == SQLITE_OK ? bytes : -1;
}

void store_note_size(struct store *st)
{
	st->file_bytes = size_of(st);
}

int store_damage(struct store *st)
{
	sqlite3_file *file = st->db ? file_of(st) : NULL;
	char header[sizeof(HEADER_MAGIC)] = "";
	int64_t bytes;
	int rc;

	if (!file)
		return SQLITE_OK;
	bytes = size_of(st);
	if (bytes >= 0 && bytes < st->file_bytes)
		return SQLITE_CORRUPT;
	st->file_bytes = bytes;
	rc = file->pMethods->xRead(file, header, sizeof(header), 0);
	if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
		/* a read error is not damage; the next SQL statement reports it */
		return SQLITE_OK;
	return memcmp(header, HEADER_MAGIC, sizeof(header)) ? SQLITE_NOTADB : SQLITE_OK;
}

static bool is_damage(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
}

bool store_is_damaged(const struct store *st, int error)
{
	struct stat info;

	if (is_damage(st->code))
		return true;
	return error == -EPROTO && !st->code && st->inode && stat(st->path, &info) == 0 &&
	       info.st_dev == st->device && info.st_ino == st->inode;
}

static int reads_run(const struct store *st, const char *const *reads, size_t n)
{
	int rc = SQLITE_OK;
	sqlite3 *db = NULL;
	int64_t unused;

	if (sqlite3_open_v2(st->path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) ==
	    SQLITE_OK) {
		db_distrust(db);
		for (size_t i = 0; !is_damage(rc) && i < n; i++)
			rc = db_integer(db, reads[i], &unused, 0);
	}
	sqlite3_close(db);
	return is_damage(rc) ? rc : SQLITE_OK;
}

int store_probe(const struct store *st)
{
	static const char *const reads[] = {
		"SELECT count(*) FROM sqlite_schema", "SELECT max(id) FROM flow",
		"SELECT max(id) FROM mismatch",	      "SELECT max(id) FROM gap",
		"SELECT max(id) FROM alert",	      "SELECT count(*) FROM meta",
		"SELECT max(id) FROM uplink",
	};

	return reads_run(st, reads, sizeof(reads) / sizeof(reads[0]));
}

int store_probe_start(const struct store *st)
{
	static const char *const reads[] = {
		"SELECT sum(length(src) + ct_id) FROM flow WHERE state = 0",
		"SELECT sum(length(name)) FROM uplink",
		"SELECT sum(length(names)) FROM ifset",
		"SELECT sum(length(line)) FROM outbox",
		"SELECT sum(boot) FROM coverage_reading",
		"SELECT sum(packets) FROM coverage_reading_count",
		"SELECT sum(boot) FROM usage_reading",
		"SELECT sum(first_ms) FROM slice",
		"SELECT first + n FROM change ORDER BY first DESC LIMIT 1",
	};
	int rc = store_probe(st);

	return rc == SQLITE_OK ? reads_run(st, reads, sizeof(reads) / sizeof(reads[0])) : rc;
}

/* Return the kind of damage because of which the database could not be opened; SQLITE_OK: no
 * damage. If SQLite has reported an error (st->code), the file is ours, because its application id
 * was checked first. If the header with the id is lost, only the lock file beside the database
 * shows that it is ours. */
int store_refusal_damage(const struct store *st)
{
	if (st->code)
		return is_damage(st->code) ? st->code : SQLITE_OK;
	return store_file_lost_header(st->path) ? store_probe(st) : SQLITE_OK;
}

int64_t store_written_ms(const struct store *st, int64_t now_ms)
{
	char *wal = sqlite3_mprintf("%s-wal", st->path);
	struct stat info;
	int64_t written_ms = now_ms;

	if ((wal && stat(wal, &info) == 0) || stat(st->path, &info) == 0)
		written_ms = info.st_mtim.tv_sec * INT64_C(1000) + info.st_mtim.tv_nsec / 1000000;
	sqlite3_free(wal);
	return written_ms < now_ms ? written_ms : now_ms;
}

static int rename_part(const struct store *st, const char *aside, const char *suffix)
{
	char *from = sqlite3_mprintf("%s%s", st->path, suffix);
	char *to = sqlite3_mprintf("%s%s", aside, suffix);
	int r = from && to ? 0 : -ENOMEM;

	if (!r && rename(from, to) && errno != ENOENT)
		r = -errno;
	sqlite3_free(from);
	sqlite3_free(to);
	return r;
}

static void aside_note(struct store *st, const char *aside)
{
	const char *slash = strrchr(aside, '/');

	snprintf(st->aside, sizeof(st->aside), "%s", slash ? slash + 1 : aside);
}

int store_set_aside(struct store *st)
{
	time_t now = (time_t)(clock_now_ms() / 1000);
	char stamp[32], *aside;
	struct tm tm;
	int r;

	if (st->db)
		sqlite3_db_config(st->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	store_disconnect(st);
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	aside = sqlite3_mprintf("%s.damaged-%s", st->path, stamp);
	/* Rename the write-ahead log first, in case this process is killed in between. SQLite can
	 * open a database whose log is missing, but would apply a log that stayed to the next
	 * database of this name. */
	r = aside ? rename_part(st, aside, "-wal") : -ENOMEM;
	if (!r)
		r = rename_part(st, aside, "-shm");
	if (!r)
		r = rename_part(st, aside, "");
	if (r)
		snprintf(st->error, sizeof(st->error),
			 "%s is damaged and cannot be renamed: %s; move the file away", st->path,
			 strerror(-r));
	else
		aside_note(st, aside);
	sqlite3_free(aside);
	return r;
}
