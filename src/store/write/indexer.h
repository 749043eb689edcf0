/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * indexer.h - makes the postings of slices: which flows have an address.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_INDEXER_H
#define WAYMARK_SRC_STORE_WRITE_INDEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/write/ingest.h"

/* Values of posting.side. */
enum posting_side { SIDE_SRC = 0, SIDE_DST = 1 };

/* A side, an address and the low bits of the id of a flow that has it there. The bytes
 * of key sort as the address's text does: of IPv4 each octet by its rank as text, of
 * IPv6 the text. */
struct address {
	uint8_t side;
	uint8_t family; /* 4, 6 */
	char key[ADDR_STRLEN];
	uint16_t low;
};

struct indexer {
	int64_t slice;		  /* being made; -1: none */
	bool is_read;		  /* all of its flows are in the list below */
	int64_t next_id, last_id; /* to read; the last that these postings are of */
	struct address *list;
	size_t n, capacity;
	size_t at;		 /* written so far */
	int64_t partly_after_ms; /* the newest slice is not looked at before */
};

void indexer_init(struct indexer *x);
/* Forget the slice in progress; it is started again later. */
void indexer_reset(struct indexer *x);

bool indexer_has_work(const struct indexer *x, const struct ingest *in);

/* When nothing else is to be done: begin the postings of the newest slice, which is not
 * full, if it has grown enough since the last time. */
bool indexer_begin_newest(struct indexer *x, const struct ingest *in, int64_t now_ms);

/* Read or write a part of a slice, some milliseconds' worth, in its own transaction. Return
 * SQLite's result code. */
int indexer_step(struct indexer *x, struct ingest *in);

#endif
