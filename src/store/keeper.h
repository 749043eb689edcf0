/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper.h - what the writer does between batches, in small steps: checkpoints,
 * postings of full slices, retention.
 */
#ifndef WAYMARK_STORE_KEEPER_H
#define WAYMARK_STORE_KEEPER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/indexer.h"
#include "store/ingest.h"
#include "store/pruner.h"

struct keeper {
	int wal_frames; /* in the log, after the last commit */
	int64_t checkpoint_after_ms; /* a reader keeps the log: not before */
	int64_t reserve_after_ms; /* not before then: see to the reserve */
	struct indexer indexer;
	struct pruner pruner;
};

void keeper_init(struct keeper *k);
/* A database was opened, or is about to be closed or loaded anew. */
void keeper_attach(struct keeper *k, sqlite3 *db);
void keeper_forget(struct keeper *k);

/* Whether a step cannot wait for a quiet moment: the log is too long, or the
 * database is over its limit. */
bool keeper_is_pressed(const struct keeper *k, const struct ingest *in, int64_t now_ms);

/* Does one step, some milliseconds. SQLite's code; *did says whether there was
 * anything to do. now_ms is of CLOCK_MONOTONIC. */
int keeper_step(struct keeper *k, struct ingest *in, int64_t now_ms, bool *did);

/* The disk is full: makes room by what retention allows; *did says whether it
 * could. SQLite's code. */
int keeper_relieve(struct keeper *k, struct ingest *in, int64_t now_ms, bool *did);

#endif
