/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * maintenance.h - what the writer does between batches, in small steps: checkpoints,
 * postings of full slices, retention.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_MAINTENANCE_H
#define WAYMARK_SRC_STORE_WRITE_MAINTENANCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/write/anonymizer.h"
#include "store/write/forget.h"
#include "store/write/indexer.h"
#include "store/write/ingest.h"
#include "store/write/pruner.h"

struct maintenance {
	int wal_frames;		     /* in the log, after the last commit */
	int64_t checkpoint_after_ms; /* a reader keeps the log: not before */
	int64_t reserve_after_ms;    /* not before then: see to the reserve */
	struct indexer indexer;
	struct pruner pruner;
	struct forget forget;
	struct anonymizer anonymizer;
};

void maintenance_init(struct maintenance *k);
/* A database was opened, or is about to be closed or loaded anew. */
int maintenance_attach(struct maintenance *k, sqlite3 *db);
void maintenance_forget(struct maintenance *k);

/* Return whether a step cannot wait for a quiet moment: the log is too long, or the database
 * exceeds its limit. */
bool maintenance_is_pressed(const struct maintenance *k, const struct ingest *in, int64_t now_ms);

/* Do one step, some milliseconds. Return SQLite's result code; *did: there was something to do.
 * now_ms: CLOCK_MONOTONIC. */
int maintenance_step(struct maintenance *k, struct ingest *in, int64_t now_ms, bool *did);

/* The disk is full, attempts times in a row: make room as far as retention allows; *did: room was
 * made. Return SQLite's result code. */
int maintenance_relieve(struct maintenance *k, struct ingest *in, unsigned attempts, int64_t now_ms,
			bool *did);

#endif
