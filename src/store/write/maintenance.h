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

/* Whether a step cannot wait for a quiet moment: the log is too long, or the
 * database is over its limit. */
bool maintenance_is_pressed(const struct maintenance *k, const struct ingest *in, int64_t now_ms);

/* Does one step, some milliseconds. SQLite's code; *did says whether there was
 * anything to do. now_ms is of CLOCK_MONOTONIC. */
int maintenance_step(struct maintenance *k, struct ingest *in, int64_t now_ms, bool *did);

/* The disk is full, attempts times in a row: makes room by what retention allows; *did says whether it
 * could. SQLite's code. */
int maintenance_relieve(struct maintenance *k, struct ingest *in, unsigned attempts, int64_t now_ms,
			bool *did);

#endif
