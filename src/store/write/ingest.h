/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ingest.h - writes records as rows, and holds what the writer keeps in memory about the open
 * database: statements, uplinks, slices.
 *
 * The caller begins and ends transactions. After a rollback, the data in memory can differ from the
 * database: call ingest_unload(), then ingest_load().
 */
#ifndef WAYMARK_SRC_STORE_WRITE_INGEST_H
#define WAYMARK_SRC_STORE_WRITE_INGEST_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/write/changes.h"
#include "store/write/coverage_sums.h"
#include "store/write/host_sums.h"
#include "store/slices.h"
#include "store/store_internal.h"
#include "store/uplinks.h"
#include "waymark/base/record.h"

enum ingest_statement {
	PUT_FLOW_NEW,
	PUT_FLOW_END,
	PUT_FLOW_CLOSED_END,
	GET_FLOW_STATE,
	PUT_FLOW_AGAIN,
	PUT_MISMATCH,
	PUT_GAP,
	PUT_MARK_CHANGE,
	PUT_TAMPERING,
	PUT_DELETION,
	PUT_OUTBOX,
	DROP_OUTBOX,
	PUT_UPLINK_STATE,
	PUT_USAGE,
	GET_USAGE_ID,
	PUT_USAGE_READING,
	PUT_HEALTH,
	PUT_ALERT,
	PUT_META,
	INGEST_STATEMENTS,
};

struct ingest {
	sqlite3 *db;
	struct store *st;
	struct uplinks uplinks;
	struct changes changes;
	struct host_sums host_sums;
	struct slices slices;
	int64_t last_flow_id; /* the highest id ever used */
	int64_t last_mismatch_id, last_gap_id;
	int64_t building; /* the slice that is being indexed; -1: none */
	/* a flow of the slice `building` was inserted, deleted or anonymized after the indexing of
	 * this slice began; the indexing must begin again */
	bool is_torn;
	sqlite3_stmt *statements[INGEST_STATEMENTS];
	sqlite3_stmt *coverage[COVERAGE_STATEMENTS];
};

/* Functions that return an int return SQLite's result code. */
int ingest_load(struct ingest *in, struct store *st);
void ingest_unload(struct ingest *in);

/* Write a record as a row. If a row with the record's id exists, overwrite this row. */
int ingest_record(struct ingest *in, const struct record *r);
int ingest_flow(struct ingest *in, const struct flow_record *f);

/* Write the sums, changes and slices that were collected during the transaction. Call this function
 * before the commit. */
int ingest_finish(struct ingest *in, int64_t now_ms);

int ingest_meta(struct ingest *in, const char *name, int64_t value);

#endif
