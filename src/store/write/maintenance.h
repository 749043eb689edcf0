/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * maintenance.h - what the writer does between batches, in small steps: checkpoints, indexing (see
 * indexer.h), retention, deletion of the data about a host, anonymization.
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
	int wal_frames; /* size of the write-ahead log, in frames; 0 after a complete checkpoint */
	/* run no checkpoint before this time, because a reader still needs a part of the log */
	int64_t checkpoint_after_ms;
	int64_t reserve_after_ms; /* when to check the reserve next */
	struct indexer indexer;
	struct pruner pruner;
	struct forget forget;
	struct anonymizer anonymizer;
};

void maintenance_init(struct maintenance *k);
/* Start to work on a newly opened database. Return SQLite's result code. maintenance_forget() drops
 * what was loaded from a database; call it before the database is closed or loaded again. */
int maintenance_attach(struct maintenance *k, sqlite3 *db);
void maintenance_forget(struct maintenance *k);

/* Return whether a step must run even while records wait to be written: the log is too long, or the
 * database exceeds its size limit. */
bool maintenance_is_pressed(const struct maintenance *k, const struct ingest *in, int64_t now_ms);

/* Do one step, which takes some milliseconds. Set *did to whether there was anything to do. now_ms
 * is a time of CLOCK_MONOTONIC. Return SQLite's result code. */
int maintenance_step(struct maintenance *k, struct ingest *in, int64_t now_ms, bool *did);

/* Free space because the disk is full. `attempts` is the number of writes that have failed in a
 * row. Do nothing if no retention limit is set, because rows must not be deleted then. Set *did to
 * whether rows were deleted. Return SQLite's result code. */
int maintenance_relieve(struct maintenance *k, struct ingest *in, unsigned attempts, int64_t now_ms,
			bool *did);

#endif
