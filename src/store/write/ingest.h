/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ingest.h - records become rows. What the writer keeps in memory of one open
 * database: statements, uplinks, slices.
 *
 * The caller begins and ends transactions. After a rollback everything here is
 * to be loaded anew.
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
	int64_t building; /* the slice whose postings are being made; -1: none */
	bool is_torn;	  /* a late flow came into it since */
	sqlite3_stmt *statements[INGEST_STATEMENTS];
	sqlite3_stmt *coverage[COVERAGE_STATEMENTS];
};

/* All of these return SQLite's result codes. */
int ingest_load(struct ingest *in, struct store *st);
void ingest_unload(struct ingest *in);

/* Write a row, or overwrite the row that has its id. */
int ingest_record(struct ingest *in, const struct record *r);
int ingest_flow(struct ingest *in, const struct flow_record *f);

/* Write what was collected from the records of a transaction; call before its commit. */
int ingest_finish(struct ingest *in, int64_t now_ms);

int ingest_meta(struct ingest *in, const char *name, int64_t value);

#endif
