/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changes.c - writes the log of changes. sql/version-3.sql describes how it is encoded.
 *
 * Knows only the ids of rows, not what the rows contain.
 */
#include <stdlib.h>

#include "store/db.h"
#include "store/write/changes.h"

/* Maximum length of an encoded 64-bit number, in bytes. */
#define CODED_MAX 10

int changes_load(struct changes *c, sqlite3 *db)
{
	int rc;

	*c = (struct changes){0};
	rc = db_integer(
		db,
		"SELECT max(ifnull((SELECT first + n FROM change ORDER BY first DESC LIMIT 1), 0),"
		" ifnull((SELECT value FROM meta WHERE name = 'pruned_change'), 0))",
		&c->next, 0);
	return rc == SQLITE_OK
		       ? db_prepare(db, &c->put, "INSERT INTO change VALUES (?, ?, ?, ?, ?)")
		       : rc;
}

void changes_unload(struct changes *c)
{
	for (int kind = 0; kind < CHANGE_KINDS; kind++)
		free(c->lists[kind].bytes);
	sqlite3_finalize(c->put);
	*c = (struct changes){0};
}

static size_t number_code(uint8_t *to, int64_t difference)
{
	uint64_t left = (uint64_t)difference << 1 ^ (uint64_t)(difference >> 63);
	size_t n = 0;

	while (left > 0x7f) {
		to[n++] = (uint8_t)(left | 0x80);
		left >>= 7;
	}
	to[n++] = (uint8_t)left;
	return n;
}

int changes_note(struct changes *c, enum change_kind kind, int64_t id)
{
	typeof(c->lists[0]) *list = &c->lists[kind];

	if (list->size + CODED_MAX > list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 256;
		uint8_t *grown = realloc(list->bytes, capacity);

		if (!grown)
			return SQLITE_NOMEM;
		list->bytes = grown;
		list->capacity = capacity;
	}
	list->size += number_code(list->bytes + list->size, id - list->last);
	list->last = id;
	list->n++;
	return SQLITE_OK;
}

int changes_flush(struct changes *c, int64_t time_ms)
{
	int rc = SQLITE_OK;

	for (int kind = 0; rc == SQLITE_OK && kind < CHANGE_KINDS; kind++) {
		typeof(c->lists[0]) *list = &c->lists[kind];

		if (!list->n)
			continue;
		sqlite3_bind_int64(c->put, 1, c->next);
		sqlite3_bind_int64(c->put, 2, time_ms);
		sqlite3_bind_int(c->put, 3, kind);
		sqlite3_bind_int64(c->put, 4, list->n);
		sqlite3_bind_blob(c->put, 5, list->bytes, (int)list->size, SQLITE_STATIC);
		rc = db_run(c->put);
		c->next += list->n;
		list->size = 0;
		list->n = list->last = 0;
	}
	return rc;
}
