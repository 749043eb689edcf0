/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slices.h - flows are grouped by id into slices of 32,768. A posting (table posting) lists the
 * flows of one slice that have a certain address. For each slice, struct slice holds when the
 * slice's flows began and how many of these flows the postings cover. The writer keeps one struct
 * slice per slice in memory, 32 bytes each.
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

/* In posting.ids, an id takes 2 bytes. Each byte is 1 to 191, so that SQL's unicode() can read it.
 * If an address has POSTING_DENSE ids or more, posting.ids is empty, and a search reads every flow
 * of the slice. */
#define POSTING_BASE  191
#define POSTING_DENSE 2048

/* SLICE_OPEN: the postings do not cover all flows yet. SLICE_INDEXED: the postings cover all flows.
 * SLICE_THINNED: retention left so few flows that the postings were deleted. */
enum slice_state { SLICE_OPEN = 0, SLICE_INDEXED = 1, SLICE_THINNED = 2 };

struct slice {
	int64_t id; /* flow id >> SLICE_BITS */
	/* start times of the slice's earliest and latest flow; first_ms > last_ms: unknown */
	int64_t first_ms, last_ms;
	uint8_t state; /* enum slice_state */
	/* the postings cover this many ids, from the slice's first id on */
	uint16_t indexed;
	bool is_dirty; /* the row in the database is out of date */
};

struct slices {
	sqlite3 *db;
	struct slice *list; /* in ascending order of ids */
	size_t n, capacity;
	sqlite3_stmt *put, *remove;
};

/* Functions that return an int return SQLite's result code. */
int slices_load(struct slices *s, sqlite3 *db);
void slices_unload(struct slices *s);

/* Return the slice of a flow; create it if it is missing. NULL: no memory. The pointer is valid
 * until the next call of slices_get() or slices_remove(). */
struct slice *slices_get(struct slices *s, int64_t flow_id);

/* Return the slice of a flow. If that slice is missing, return the next slice; NULL: there is no
 * next slice. */
struct slice *slices_from(struct slices *s, int64_t flow_id);

/* Note that a flow of this slice began at started_ms (0: unknown). */
void slice_widen(struct slice *slice, int64_t started_ms);

/* Write to table slice those slices that have changed since the last flush. */
int slices_flush(struct slices *s);

int slices_remove(struct slices *s, int64_t id);

#endif
