/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store.c - opens and closes the history. struct store holds its only writing connection, which one
 * thread uses at a time.
 *
 * Knows nothing of batches, queues or searches.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/db.h"
#include "store/migrate.h"
#include "store/store_internal.h"
#include "waymark/base/clock.h"

/* Settings of the writing connection. Automatic checkpoints are off, because they would delay the
 * commit that fills the write-ahead log. Instead, the writer runs a checkpoint when it has time. */
#define PRAGMAS                                                                                    \
	"PRAGMA journal_mode = WAL;"                                                               \
	"PRAGMA synchronous = NORMAL;"                                                             \
	"PRAGMA secure_delete = OFF;"                                                              \
	"PRAGMA wal_autocheckpoint = 0;"                                                           \
	"PRAGMA journal_size_limit = 67108864;"                                                    \
	"PRAGMA cache_size = -32768;"                                                              \
	"PRAGMA temp_store = MEMORY"

/* How long to wait for a lock. This is long enough for a short transaction of another process. */
#define BUSY_TIMEOUT_MS 100

static int fail(struct store *st, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct store *st, int error, const char *format, ...)
{
	va_list args;

	st->code = SQLITE_OK;
	va_start(args, format);
	vsnprintf(st->error, sizeof(st->error), format, args);
	va_end(args);
	return error;
}

/* Store a message in st->error and return -errno. The message is SQLite's last one, or the general
 * text for `code` if the last one is about another failure. */
static int fail_sqlite(struct store *st, int code, const char *what)
{
	bool is_last = st->db && (sqlite3_errcode(st->db) & 0xff) == (code & 0xff);
	int system_errno = is_last ? db_system_errno(st->db) : 0, r = db_errno(code);

	/* SQLite has only one code for all failed writes; the errno shows the cause. */
	if ((code & 0xff) == SQLITE_IOERR && system_errno)
		r = -system_errno;
	r = fail(st, r ? r : -EIO, "%s %s: %s", what, st->path,
		 is_last ? sqlite3_errmsg(st->db) : sqlite3_errstr(code));
	st->code = code;
	return r;
}

static bool is_empty_file(const char *path)
{
	struct stat info;

	return stat(path, &info) < 0 || info.st_size == 0;
}

/* Create the file with mode 0640. SQLite creates the -wal and -shm files with the mode of the
 * database. */
static int file_create(struct store *st)
{
	int fd = open(st->path, O_RDWR | O_CREAT | O_CLOEXEC, 0640), r = -errno;

	if (fd < 0)
		return fail(st, r, "cannot create %s: %s", st->path, strerror(-r));
	close(fd);
	return 0;
}

/* Create or migrate the schema. In a new database, create the schema before WAL mode is set, so
 * that the application id is written to the file itself and not only to the log. */
static int schema_prepare(struct store *st, bool is_new)
{
	int version, rc = SQLITE_OK;

	if (is_new)
		rc = db_exec(st->db, "PRAGMA auto_vacuum = INCREMENTAL");
	if (rc == SQLITE_OK)
		rc = migrate_run(st->db, store_migrations, store_migrations_count, &version);
	if (rc == SQLITE_SCHEMA)
		return fail(st, -EPROTO,
			    "%s has schema version %d, newer than this program's %d; "
			    "upgrade waymark",
			    st->path, version,
			    store_migrations[store_migrations_count - 1].version);
	if (rc != SQLITE_OK)
		return fail_sqlite(st, rc, "cannot prepare the schema of");
	sqlite3_db_config(st->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	rc = db_exec(st->db, PRAGMAS);
	return rc == SQLITE_OK ? 0 : fail_sqlite(st, rc, "cannot set up");
}

/* Read the highest ids used so far, when the last daemon was alive, and whether it stopped
 * regularly. Flow ids are also read from tables that refer to flows, because a flow's own row might
 * not have been written. */
static int ids_read(struct store *st)
{
	int rc = SQLITE_OK;
	int64_t clean;
	const struct {
		const char *sql;
		int64_t *out;
	} reads[] = {
		{"SELECT max(ifnull((SELECT max(id) FROM flow), 0),"
		 " ifnull((SELECT max(flow_id) FROM mismatch), 0),"
		 " ifnull((SELECT max(flow_id) FROM mark_change), 0),"
		 " ifnull((SELECT max(after_flow) FROM uplink), 0),"
		 " ifnull((SELECT value FROM meta WHERE name = 'pruned_flow_id'), 0))",
		 &st->last_flow_id},
		{"SELECT max(ifnull((SELECT max(id) FROM mismatch), 0),"
		 " ifnull((SELECT value FROM meta WHERE name = 'pruned_mismatch_id'), 0))",
		 &st->last_mismatch_id},
		{"SELECT max(ifnull((SELECT max(id) FROM gap), 0),"
		 " ifnull((SELECT value FROM meta WHERE name = 'pruned_gap_id'), 0))",
		 &st->last_gap_id},
		{"SELECT min(id) FROM gap WHERE id < 0", &st->own_gap_id},
		{"SELECT value FROM meta WHERE name = 'alive_ms'", &st->last_alive_ms},
		{"SELECT value FROM meta WHERE name = 'is_clean'", &clean},
	};

	for (size_t i = 0; rc == SQLITE_OK && i < sizeof(reads) / sizeof(reads[0]); i++)
		rc = db_integer(st->db, reads[i].sql, reads[i].out, 0);
	st->was_clean = rc == SQLITE_OK && clean;
	return rc == SQLITE_OK ? 0 : fail_sqlite(st, rc, "cannot read");
}

/* Return the inode number of a file beside the database, or 0 if it is missing. */
static ino_t inode_of(const struct store *st, const char *suffix)
{
	char *path = sqlite3_mprintf("%s%s", st->path, suffix);
	struct stat info;
	ino_t inode = path && stat(path, &info) == 0 ? info.st_ino : 0;

	sqlite3_free(path);
	return inode;
}

/* Record which files are open: the device and inode numbers of the database, and the inode numbers
 * of its write-ahead log and the log's index. The INSERT makes SQLite create missing ones. is_new:
 * the database was just created, so it is not the former one, even if it has the same inode number
 * (is_other). */
static int files_identify(struct store *st, bool is_new)
{
	struct stat info;
	int rc = db_exec(st->db, "INSERT OR IGNORE INTO meta VALUES ('made_by', 'waymark')");

	if (stat(st->path, &info) == 0) {
		st->is_other = is_new || info.st_dev != st->device || info.st_ino != st->inode;
		st->device = info.st_dev;
		st->inode = info.st_ino;
	}
	st->wal_inode = inode_of(st, "-wal");
	st->index_inode = inode_of(st, "-shm");
	store_note_size(st);
	return rc == SQLITE_OK ? 0 : fail_sqlite(st, rc, "cannot write");
}

static int connection_open(struct store *st)
{
	int persist = 1;
	int rc = sqlite3_open_v2(st->path, &st->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				 NULL);

	if (rc != SQLITE_OK)
		return fail_sqlite(st, rc, "cannot open");
	sqlite3_extended_result_codes(st->db, 1);
	sqlite3_busy_timeout(st->db, BUSY_TIMEOUT_MS);
	/* Do not checkpoint on close until the file is known to be ours, because a checkpoint
	 * writes to the file and its log. */
	sqlite3_db_config(st->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	/* Keep the log and its index on close, so that readers without write permission can open
	 * the history while no daemon runs. */
	sqlite3_file_control(st->db, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
	if (sqlite3_db_readonly(st->db, "main") == 1)
		return fail(st, -EACCES, "cannot write %s: the database is read-only", st->path);
	return 0;
}

/* Open st->path, or create it if it is missing or empty, and fill in the fields that come from the
 * database. Return 0, or -errno with a message in st->error. */
static int connect_writable(struct store *st)
{
	bool is_new, is_made = access(st->path, F_OK) < 0;
	int r = store_file_check(st->path, st->error, sizeof(st->error));

	if (r < 0)
		return r;
	r = file_create(st);
	if (r < 0)
		return r;
	is_new = is_empty_file(st->path);
	r = connection_open(st);
	if (r == 0)
		r = schema_prepare(st, is_new);
	if (r == 0)
		r = files_identify(st, is_new);
	if (r == 0)
		r = ids_read(st);
	if (r < 0) {
		store_disconnect(st);
		if (is_made)
			unlink(st->path);
	}
	return r;
}

void store_disconnect(struct store *st)
{
	sqlite3_close(st->db);
	st->db = NULL;
}

enum store_move store_move(const struct store *st)
{
	struct stat info;

	if (!st->db)
		return STORE_IN_PLACE;
	if (stat(st->path, &info) < 0 || info.st_ino != st->inode || info.st_dev != st->device)
		return STORE_FILE_MOVED;
	/* SQLite has the log and its index open, so no other file can have their inode numbers. */
	if ((st->wal_inode && inode_of(st, "-wal") != st->wal_inode) ||
	    (st->index_inode && inode_of(st, "-shm") != st->index_inode))
		return STORE_LOG_MOVED;
	return STORE_IN_PLACE;
}

void store_abandon(struct store *st)
{
	bool is_at_path = inode_of(st, "") == st->inode;
	char *wal = sqlite3_mprintf("%s-wal", st->path);

	if (st->db)
		sqlite3_wal_checkpoint_v2(st->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	store_disconnect(st);
	/* If the log stayed, SQLite would apply it to the next database with this name. */
	if (wal && !is_at_path && st->wal_inode && inode_of(st, "-wal") == st->wal_inode)
		unlink(wal);
	sqlite3_free(wal);
}

/* Check the file, take the lock, and open the database. Write nothing before the lock is taken. */
static int open_locked(struct store *st)
{
	int r = store_file_check(st->path, st->error, sizeof(st->error));

	if (r < 0)
		return r;
	st->lock_fd = store_lock(st->path, st->error, sizeof(st->error));
	return st->lock_fd < 0 ? st->lock_fd : connect_writable(st);
}

static struct store *opened(struct store *st, int r, FILE *errors)
{
	if (r == 0)
		return st;
	if (errors)
		fprintf(errors, "%s\n", st && st->error[0] ? st->error : strerror(-r));
	store_close(st);
	errno = -r;
	return NULL;
}

static struct store *store_new(const char *path)
{
	struct store *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->lock_fd = -1;
	st->path = strdup(path);
	if (st->path)
		return st;
	free(st);
	return NULL;
}

struct store *store_open(const char *path, FILE *errors)
{
	struct store *st = store_new(path);

	return opened(st, st ? open_locked(st) : -ENOMEM, errors);
}

static int begin_anew(struct store *st, int damage, FILE *errors)
{
	int r = 0;

	if (st->lock_fd < 0)
		st->lock_fd = store_lock(st->path, st->error, sizeof(st->error));
	if (st->lock_fd < 0)
		return st->lock_fd;
	st->written_ms = store_written_ms(st, clock_now_ms());
	r = store_set_aside(st);
	if (r < 0)
		return r;
	if (errors)
		fprintf(errors, "%s is damaged: %s; the file was renamed to %s\n", st->path,
			sqlite3_errstr(damage), st->aside);
	return connect_writable(st);
}

/* Return whether the disk caused this error. The disk can recover while the daemon runs. */
static bool is_of_the_disk(int r)
{
	return r == -EROFS || r == -ENOSPC || r == -EDQUOT || r == -EIO;
}

static int open_read_only(struct store *st)
{
	struct stat info;

	if (sqlite3_open_v2(st->path, &st->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
		    SQLITE_OK ||
	    ids_read(st) < 0 || stat(st->path, &info) < 0) {
		store_disconnect(st);
		return -EIO;
	}
	st->device = info.st_dev;
	st->inode = info.st_ino;
	return 0;
}

/* Open an empty history in memory, for a daemon that starts without one. */
static int open_in_memory(struct store *st)
{
	int version, rc = sqlite3_open_v2(":memory:", &st->db,
					  SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = migrate_run(st->db, store_migrations, store_migrations_count, &version);
	return rc == SQLITE_OK
		       ? ids_read(st)
		       : fail_sqlite(st, rc, "cannot open an empty history in memory instead of");
}

/* Start without writing the history, because the disk prevents it but the daemon must steer. Open
 * the database for reading only or, if that fails, an empty database in memory. The writer opens
 * the database for writing later. */
static int postpone(struct store *st, FILE *errors)
{
	if (errors)
		fprintf(errors, "%s; steering and observation start without the history\n",
			st->error);
	store_disconnect(st);
	st->is_postponed = true;
	return open_read_only(st) == 0 ? 0 : open_in_memory(st);
}

/* Open a database whose opening was postponed. Refuse it if it has ids above the highest ids known
 * at the start, because other records have got these ids since. */
static int connect_postponed(struct store *st)
{
	const int64_t flow_id = st->last_flow_id, mismatch_id = st->last_mismatch_id,
		      gap_id = st->last_gap_id;
	int r = connect_writable(st);

	if (r == 0 && st->last_flow_id <= flow_id && st->last_mismatch_id <= mismatch_id &&
	    st->last_gap_id <= gap_id) {
		st->is_postponed = st->is_other = false;
		return 0;
	}
	st->last_flow_id = flow_id;
	st->last_mismatch_id = mismatch_id;
	st->last_gap_id = gap_id;
	store_disconnect(st);
	return r < 0 ? r
		     : fail(st, -EEXIST,
			    "%s has flows that waymarkd could not read at its start; restart "
			    "waymarkd",
			    st->path);
}

int store_reconnect(struct store *st)
{
	if (!st->is_postponed)
		return connect_writable(st);
	if (st->lock_fd < 0)
		st->lock_fd = store_lock(st->path, st->error, sizeof(st->error));
	if (st->lock_fd < 0) {
		st->code = SQLITE_OK;
		return st->lock_fd;
	}
	return connect_postponed(st);
}

struct store *store_open_or_renew(const char *path, FILE *errors)
{
	struct store *st = store_new(path);
	int damage, r = st ? open_locked(st) : -ENOMEM;

	if (!st)
		return opened(NULL, r, errors);
	damage = r == 0 ? store_probe_start(st) : store_refusal_damage(st);
	if (damage != SQLITE_OK)
		r = begin_anew(st, damage, errors);
	else if (is_of_the_disk(r))
		r = postpone(st, errors);
	return opened(st, r, errors);
}

void store_close(struct store *st)
{
	if (!st)
		return;
	store_disconnect(st);
	if (st->lock_fd >= 0)
		close(st->lock_fd);
	free(st->path);
	free(st);
}

int64_t store_last_flow_id(const struct store *st)
{
	return st->last_flow_id;
}

int64_t store_last_mismatch_id(const struct store *st)
{
	return st->last_mismatch_id;
}

int64_t store_last_gap_id(const struct store *st)
{
	return st->last_gap_id;
}

int64_t store_last_alive_ms(const struct store *st, bool *was_clean)
{
	if (was_clean)
		*was_clean = st->was_clean;
	return st->last_alive_ms;
}
