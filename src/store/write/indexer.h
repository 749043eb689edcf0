/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * indexer.h - makes the postings of full slices: which flows have an address.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_INDEXER_H
#define WAYMARK_SRC_STORE_WRITE_INDEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/write/ingest.h"

/* Of posting.side. */
enum posting_side { SIDE_SRC = 0, SIDE_DST = 1 };

/* A side, an address and the low bits of the id of a flow that has it there: in
 * the order of the struct's bytes, but for the last. */
struct address6 {
	uint8_t side;
	uint8_t bytes[16];
	uint16_t low;
};

struct indexer {
	int64_t slice; /* being made; -1: none */
	bool is_read;  /* all of its flows are in the lists below */
	int64_t next_id;
	/* side << 48 | (address ^ 2^31) << 16 | low: sorts as signed numbers do */
	uint64_t *list4;
	struct address6 *list6;
	size_t n4, n6, capacity4, capacity6;
	size_t at4, at6; /* written so far */
};

void indexer_init(struct indexer *x);
/* Forgets what is begun; it will be begun anew. */
void indexer_reset(struct indexer *x);

bool indexer_has_work(const struct indexer *x, const struct ingest *in);

/* Reads or writes a part of a slice, some milliseconds' worth, in a transaction
 * of its own. SQLite's code. */
int indexer_step(struct indexer *x, struct ingest *in);

#endif
