/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slices.h - the slices of 32,768 flow ids: when their flows began and how many of
 * them are in postings. Kept in memory by the writer, 32 bytes per slice.
 */
#ifndef WAYMARK_SRC_STORE_SLICES_H
#define WAYMARK_SRC_STORE_SLICES_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLICE_BITS	   15
#define SLICE_FLOWS	   (1 << SLICE_BITS)
#define SLICE_BITMAP_BYTES (SLICE_FLOWS / 8)

/* posting.ids: 2 bytes per id, each byte 1 to 191, as SQL's unicode() reads them; empty for too
 * many ids: the slice is then read whole. */
#define POSTING_BASE  191
#define POSTING_DENSE 2048

enum slice_state { SLICE_OPEN = 0, SLICE_INDEXED = 1, SLICE_THINNED = 2 };

struct slice {
	int64_t id;		   /* flow id >> SLICE_BITS */
	int64_t first_ms, last_ms; /* first_ms > last_ms: nothing known */
	uint8_t state;		   /* enum slice_state */
	uint16_t indexed;	   /* ids from its first on that are in its postings */
	bool is_dirty;		   /* differs from its row */
};

struct slices {
	sqlite3 *db;
	struct slice *list; /* by id, ascending */
	size_t n, capacity;
	sqlite3_stmt *put, *remove;
};

/* All of these return SQLite's result codes. */
int slices_load(struct slices *s, sqlite3 *db);
void slices_unload(struct slices *s);

/* The slice that a flow lies in, made where it is new. NULL: no memory. The
 * pointer is good until the next call. */
struct slice *slices_get(struct slices *s, int64_t flow_id);

/* Return the slice of a flow, or else the next one; NULL: none. */
struct slice *slices_from(struct slices *s, int64_t flow_id);

/* A flow of this slice began at a time (0: not known). */
void slice_widen(struct slice *slice, int64_t started_ms);

/* Write the rows of slices that changed. */
int slices_flush(struct slices *s);

int slices_remove(struct slices *s, int64_t id);

#endif
