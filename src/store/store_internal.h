/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_internal.h - the open database, for the store's own files.
 */
#ifndef WAYMARK_SRC_STORE_STORE_INTERNAL_H
#define WAYMARK_SRC_STORE_STORE_INTERNAL_H

#include <sqlite3.h>
#include <sys/types.h>

#include "waymark/store/store.h"

struct store {
	char *path;
	int lock_fd;
	sqlite3 *db;  /* NULL: lost, see store_connect */
	dev_t device; /* of the file that is open */
	ino_t inode, wal_inode;
	bool is_other; /* not the file of the previous connection, or newly created */
	int64_t last_flow_id, last_mismatch_id, last_gap_id;
	int64_t own_gap_id; /* the lowest: the store's own gaps count down from -1 */
	char interfaces[INTERFACES_MAX][IFNAMSIZ]; /* by number (RECORD_INTERFACE) */
	int64_t last_alive_ms;
	bool was_clean;
	int64_t file_bytes; /* size of the file when it was last seen; it shrinks by our hand only */
	char aside[64];	    /* name of the file that was last set aside */
	int64_t written_ms; /* when the file that was set aside at the start was last written */
	char error[320];    /* why the last of the functions below failed */
	int code;	    /* SQLite's, of that failure; 0: it was none of SQLite's */
};

/* Open st->path, or create it if it is missing or empty, and read the struct's values from it.
 * Return 0 or -errno with st->error. */
int store_connect(struct store *st);
void store_disconnect(struct store *st);

/* Return whether the file at st->path is no longer the open one. */
bool store_is_moved(const struct store *st);

/* Close a file that was moved or deleted: its write-ahead log is merged into it, and removed if it
 * still lies beside the new file. */
void store_abandon(struct store *st);

/* --- damage.c: a database that SQLite can no longer rely on ------------------ */

/* Note the file's size, after whatever may have shrunk it. */
void store_note_size(struct store *st);
/* Return SQLITE_OK, or the result code for an open file whose header was overwritten or that was
 * truncated. Cheap. */
int store_damage(struct store *st);
/* Read the schema and the newest rows by a connection that has cached none of them:
 * SQLITE_OK, or the code of the damage. */
int store_probe(const struct store *st);
/* Return whether store_connect failed with this error because the file that was open before
 * is damaged; another file in its place is not ours to judge. */
bool store_is_damaged(const struct store *st, int error);
/* Read what a start needs, through such a connection. */
int store_probe_start(const struct store *st);
/* Return SQLite's result code of the damage that keeps store_open from opening our database;
 * SQLITE_OK: it failed for another reason. */
int store_refusal_damage(const struct store *st);
/* Return when the database or its log was last written, ms; at most now_ms. */
int64_t store_written_ms(const struct store *st, int64_t now_ms);
/* Close the database without writing to it and rename it with its log; st->aside is its
 * name then. 0 or -errno with st->error, and the file keeps its name. */
int store_set_aside(struct store *st);

/* --- file.c: looks at the file without SQLite's locks ------------------------ */

/* Return whether path can be our database: it is, it is empty, or it is missing in a folder that is
 * there. 0 or -errno, with one line in error. */
int store_file_check(const char *path, char *error, size_t size);

/* Return whether the file has no header of SQLite's, but lies beside the lock that is made only for
 * a database of ours. */
bool store_file_lost_header(const char *path);

/* Take the lock beside the database; the descriptor, or -errno with error. */
int store_lock(const char *path, char *error, size_t size);

#endif
