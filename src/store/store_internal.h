/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_internal.h - the open database, shared by the files of the store.
 */
#ifndef WAYMARK_SRC_STORE_STORE_INTERNAL_H
#define WAYMARK_SRC_STORE_STORE_INTERNAL_H

#include <sqlite3.h>
#include <sys/types.h>

#include "waymark/store/store.h"

struct store {
	char *path;
	int lock_fd;
	sqlite3 *db;  /* NULL: the connection was lost; store_reconnect() opens a new one */
	dev_t device; /* device of the open file */
	/* inode numbers of the file, its write-ahead log and the log's index */
	ino_t inode, wal_inode, index_inode;
	bool is_other;	   /* the file is new, or it is not the file of the previous connection */
	bool is_postponed; /* the file could not be written at the start and was not opened since */
	int64_t last_flow_id, last_mismatch_id, last_gap_id;
	/* the lowest gap id in use; gaps that the store itself records get the ids -1, -2, ... */
	int64_t own_gap_id;
	/* interface names, by the numbers that records of kind RECORD_INTERFACE assign */
	char interfaces[INTERFACES_MAX][IFNAMSIZ];
	int64_t last_alive_ms;
	bool was_clean;
	/* size of the file when it was last checked; -1: unknown. If the file is smaller later and
	 * the store itself has not made it smaller, the database is damaged. */
	int64_t file_bytes;
	char aside[64]; /* file name that the damaged database was renamed to */
	/* when the damaged database was last written, in ms, if one was renamed at the start */
	int64_t written_ms;
	char error[320]; /* why the last call of a function below failed */
	int code;	 /* SQLite's result code of that failure; 0: SQLite did not cause it */
};

/* Open the database again after the connection was lost or the opening was postponed. If st->path
 * is missing or empty, create the database. Fill in the fields that come from the database. If the
 * opening was postponed, also take the lock, and refuse a database with ids above the highest ids
 * known at the start, because other records have got these ids since. Return 0, or -errno with a
 * message in st->error. */
int store_reconnect(struct store *st);
void store_disconnect(struct store *st);

/* Which open file is missing or replaced at its path: the database (STORE_FILE_MOVED), or only its
 * write-ahead log or the log's index (STORE_LOG_MOVED). SQLite does not notice that its log was
 * deleted. Data that is written to a deleted log is invisible to other processes. */
enum store_move { STORE_IN_PLACE, STORE_FILE_MOVED, STORE_LOG_MOVED };

enum store_move store_move(const struct store *st);

/* Close a database whose file or write-ahead log was moved or deleted. First checkpoint the log. If
 * the file is gone but its log still exists beside st->path, remove the log. */
void store_abandon(struct store *st);

/* --- damage.c: detects and renames a damaged database ------------------------ */

/* Note the file's size. Call this after every step that might have made the file smaller. */
void store_note_size(struct store *st);
/* Check whether the open file's header was overwritten or the file was truncated. Return the result
 * code of this damage, or SQLITE_OK. This is cheap. */
int store_damage(struct store *st);
/* Look for damage: read the schema and the newest rows over a new connection, which has nothing
 * cached. Return SQLITE_OK or the result code of the damage. */
int store_probe(const struct store *st);
/* Return whether store_reconnect() failed with this error because the database of the previous
 * connection is damaged. Return false if another file is at the database's path. */
bool store_is_damaged(const struct store *st, int error);
/* Like store_probe(), but also read everything that a starting daemon reads. */
int store_probe_start(const struct store *st);
/* Return the result code of the damage because of which store_open() failed. If store_open() failed
 * for another reason, return SQLITE_OK. */
int store_refusal_damage(const struct store *st);
/* Return when the database or its log was last written, in ms, but at most now_ms. */
int64_t store_written_ms(const struct store *st, int64_t now_ms);
/* Close the database without writing to it, and rename it and its log. Set st->aside to the new
 * name. Return 0, or -errno with a message in st->error if the file could not be renamed. */
int store_set_aside(struct store *st);

/* --- file.c: checks the file without SQLite's locks -------------------------- */

/* Check whether 'path' can be our database. Either the file is ours or empty, or the file is
 * missing and its folder is writable. Return 0, or -errno with one line in error. */
int store_file_check(const char *path, char *error, size_t size);

/* Return whether the file lacks SQLite's header, although the lock file beside it shows that it was
 * our database. */
bool store_file_lost_header(const char *path);

/* Take the lock in the lock file beside the database. Return its descriptor, or -errno with a line
 * in error. */
int store_lock(const char *path, char *error, size_t size);

#endif
