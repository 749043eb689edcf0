/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live.c - reads what a starting daemon needs from the history: the flows whose conntrack entries
 * had not ended, and the alerts that were not delivered.
 */
#include "store/db.h"
#include "store/flow_row.h"
#include "store/store_internal.h"
#include "store/uplinks.h"

int store_each_live(struct store *st, store_flow_fn *fn, void *data)
{
	struct flow_record f;
	sqlite3_stmt *stmt = NULL;
	struct uplinks u;
	int r = 0, rc = uplinks_load(&u, st->db);

	if (rc == SQLITE_OK)
		rc = db_prepare(st->db, &stmt, flow_row_live_sql);
	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		flow_row_read(stmt, &u, &f);
		r = fn(data, &f);
		rc = r ? SQLITE_DONE : SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	uplinks_unload(&u);
	return rc == SQLITE_DONE ? r : db_errno(rc);
}

int store_each_outbox(struct store *st, store_outbox_fn *fn, void *data)
{
	sqlite3_stmt *stmt = NULL;
	int r = 0, rc = db_prepare(st->db, &stmt, "SELECT id, line FROM outbox ORDER BY id");

	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		r = fn(data, sqlite3_column_int64(stmt, 0),
		       (const char *)sqlite3_column_text(stmt, 1));
		rc = r ? SQLITE_DONE : SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? r : db_errno(rc);
}
