/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changes.c - reads the log of changes. sql/version-3.sql describes how it is encoded.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/db.h"
#include "store/read/query_internal.h"
#include "waymark/store/changes.h"

struct reading {
	int64_t from;
	uint64_t left;
	query_change_fn *fn;
	void *data;
};

/* Decode the next id of a row, as its difference from the previous id. Return false at the row's
 * end. */
static bool number_next(const uint8_t **at, const uint8_t *end, int64_t *difference)
{
	uint64_t value = 0;

	for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
		uint8_t byte = *(*at)++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		*difference = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
		return true;
	}
	return false;
}

static int row_read(struct reading *r, sqlite3_stmt *stmt)
{
	const uint8_t *at = sqlite3_column_blob(stmt, 4), *end = at + sqlite3_column_bytes(stmt, 4);
	struct change c = {
		.number = sqlite3_column_int64(stmt, 0),
		.time_ms = sqlite3_column_int64(stmt, 1),
		.kind = (enum change_kind)sqlite3_column_int(stmt, 2),
	};
	int64_t difference;
	int err = 0;

	for (; err == 0 && r->left && number_next(&at, end, &difference); c.number++) {
		c.id += difference;
		if (c.number < r->from)
			continue;
		err = r->fn(r->data, &c);
		r->left--;
	}
	return err;
}

int query_changes(struct query *q, int64_t from, uint64_t max, query_change_fn *fn, void *data)
{
	struct reading reading = {.from = from, .left = max, .fn = fn, .data = data};
	sqlite3_stmt *stmt = NULL;
	int err = 0;
	int rc = db_prepare(q->db, &stmt,
			    "SELECT first, time, kind, n, ids FROM change WHERE first >="
			    " ifnull((SELECT max(first) FROM change WHERE first <= ?1), ?1)"
			    " ORDER BY first");

	if (rc == SQLITE_OK)
		sqlite3_bind_int64(stmt, 1, from);
	while (rc == SQLITE_OK && err == 0 && reading.left &&
	       (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		err = row_read(&reading, stmt);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	if (err)
		return err;
	return rc == SQLITE_OK || rc == SQLITE_DONE ? 0 : query_fail(q, rc);
}
