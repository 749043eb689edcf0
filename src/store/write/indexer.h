/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * indexer.h - builds the postings of slices (slices.h). A posting lists the flows of a slice that
 * have a certain address.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_INDEXER_H
#define WAYMARK_SRC_STORE_WRITE_INDEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/write/ingest.h"

/* Values of column posting.side: the flows have the address as source or as destination. */
enum posting_side { SIDE_SRC = 0, SIDE_DST = 1 };

/* One address of one flow. `low` holds the low SLICE_BITS bits of the flow's id. `key` is encoded
 * so that its bytes sort like the address as text. For IPv6, `key` is the text. For IPv4, `key` has
 * one byte per octet: the position of the octet if 0 to 255 are sorted as text. */
struct address {
	uint8_t side;
	uint8_t family; /* 4 or 6 */
	char key[ADDR_STRLEN];
	uint16_t low;
};

struct indexer {
	int64_t slice; /* the slice being indexed; -1: none */
	bool is_read;  /* all flows of the slice have been read into `list` */
	/* the next flow id to read, and the last flow id that the postings will cover */
	int64_t next_id, last_id;
	struct address *list;
	size_t n, capacity;
	size_t at;		 /* number of elements of `list` that have been written */
	int64_t partly_after_ms; /* the newest slice is not indexed again before this time */
};

void indexer_init(struct indexer *x);
/* Stop indexing the current slice. Later it is indexed again from its first flow on. */
void indexer_reset(struct indexer *x);

bool indexer_has_work(const struct indexer *x, const struct ingest *in);

/* Begin to index the newest slice, which is not full yet, if it has grown enough since it was last
 * indexed. Call this function when there is nothing else to do. Return whether indexing has
 * begun. */
bool indexer_begin_newest(struct indexer *x, const struct ingest *in, int64_t now_ms);

/* Do one step: read some flows of the slice, or write some postings in one transaction. A step
 * takes some milliseconds. Return SQLite's result code. */
int indexer_step(struct indexer *x, struct ingest *in);

#endif
