/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slices.c - keeps the list of slices (see slices.h) in memory, and writes it to table slice.
 *
 * Knows nothing of the contents of flows.
 */
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/slices.h"

static int list_grow(struct slices *s)
{
	size_t capacity = s->capacity ? 2 * s->capacity : 64;
	struct slice *list;

	if (s->n < s->capacity)
		return 0;
	list = realloc(s->list, capacity * sizeof(*list));
	if (!list)
		return -1;
	s->list = list;
	s->capacity = capacity;
	return 0;
}

static int rows_load(struct slices *s)
{
	sqlite3_stmt *stmt = NULL;
	int rc = db_prepare(s->db, &stmt,
			    "SELECT id, ifnull(first_ms, 1), ifnull(last_ms, 0),"
			    " state, indexed FROM slice ORDER BY id");

	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		rc = SQLITE_NOMEM;
		if (list_grow(s) < 0)
			break;
		s->list[s->n++] = (struct slice){
			.id = sqlite3_column_int64(stmt, 0),
			.first_ms = sqlite3_column_int64(stmt, 1),
			.last_ms = sqlite3_column_int64(stmt, 2),
			.state = (uint8_t)sqlite3_column_int(stmt, 3),
			.indexed = (uint16_t)sqlite3_column_int(stmt, 4),
		};
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int slices_load(struct slices *s, sqlite3 *db)
{
	int rc;

	*s = (struct slices){.db = db};
	rc = rows_load(s);
	if (rc == SQLITE_OK)
		rc = db_prepare(db, &s->put,
				"INSERT OR REPLACE INTO slice (id, first_ms, last_ms, state,"
				" indexed) VALUES (?, ?, ?, ?, ?)");
	if (rc == SQLITE_OK)
		rc = db_prepare(db, &s->remove, "DELETE FROM slice WHERE id = ?");
	return rc;
}

void slices_unload(struct slices *s)
{
	sqlite3_finalize(s->put);
	sqlite3_finalize(s->remove);
	free(s->list);
	*s = (struct slices){0};
}

/* Return the index of the first slice whose id is equal to or above 'id'; s->n: there is none. */
static size_t position(const struct slices *s, int64_t id)
{
	size_t low = 0, high = s->n;

	if (s->n && s->list[s->n - 1].id <= id)
		return s->list[s->n - 1].id == id ? s->n - 1 : s->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->list[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct slice *slices_get(struct slices *s, int64_t flow_id)
{
	int64_t id = flow_id >> SLICE_BITS;
	size_t i = position(s, id);

	if (i < s->n && s->list[i].id == id)
		return &s->list[i];
	if (list_grow(s) < 0)
		return NULL;
	memmove(&s->list[i + 1], &s->list[i], (s->n - i) * sizeof(s->list[0]));
	s->n++;
	s->list[i] = (struct slice){.id = id, .first_ms = 1, .is_dirty = true};
	return &s->list[i];
}

struct slice *slices_from(struct slices *s, int64_t flow_id)
{
	size_t i = position(s, flow_id >> SLICE_BITS);

	return i < s->n ? &s->list[i] : NULL;
}

void slice_widen(struct slice *slice, int64_t started_ms)
{
	if (!started_ms)
		return;
	if (slice->first_ms > slice->last_ms) {
		slice->first_ms = slice->last_ms = started_ms;
		slice->is_dirty = true;
	} else if (started_ms < slice->first_ms) {
		slice->first_ms = started_ms;
		slice->is_dirty = true;
	} else if (started_ms > slice->last_ms) {
		slice->last_ms = started_ms;
		slice->is_dirty = true;
	}
}

static int slice_put(struct slices *s, const struct slice *slice)
{
	bool is_known = slice->first_ms <= slice->last_ms;

	sqlite3_bind_int64(s->put, 1, slice->id);
	db_bind_or_null(s->put, 2, is_known ? slice->first_ms : 0, 0);
	db_bind_or_null(s->put, 3, is_known ? slice->last_ms : 0, 0);
	sqlite3_bind_int(s->put, 4, slice->state);
	sqlite3_bind_int(s->put, 5, slice->indexed);
	return db_run(s->put);
}

int slices_flush(struct slices *s)
{
	int rc = SQLITE_OK;

	for (size_t i = s->n; rc == SQLITE_OK && i-- > 0;) {
		if (!s->list[i].is_dirty)
			continue;
		rc = slice_put(s, &s->list[i]);
		if (rc == SQLITE_OK)
			s->list[i].is_dirty = false;
	}
	return rc;
}

int slices_remove(struct slices *s, int64_t id)
{
	size_t i = position(s, id);

	if (i < s->n && s->list[i].id == id) {
		memmove(&s->list[i], &s->list[i + 1], (s->n - i - 1) * sizeof(s->list[0]));
		s->n--;
	}
	sqlite3_bind_int64(s->remove, 1, id);
	return db_run(s->remove);
}
