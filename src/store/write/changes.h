/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changes.h - collects the ids of the rows that a transaction writes. changes_flush() logs them in
 * table change: one row for each enum change_kind. Nothing outside src/store/ includes this file.
 *
 * Functions return SQLite's result codes.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_CHANGES_H
#define WAYMARK_SRC_STORE_WRITE_CHANGES_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/store/changes.h"

struct changes {
	struct {
		uint8_t *bytes; /* encoded ids */
		size_t size, capacity;
		int64_t n, last;
	} lists[CHANGE_KINDS];
	int64_t next; /* number of the next change */
	sqlite3_stmt *put;
};

int changes_load(struct changes *c, sqlite3 *db);
void changes_unload(struct changes *c);

int changes_note(struct changes *c, enum change_kind kind, int64_t id);

/* Write the collected lists to table change, within the open transaction. Then empty the lists. */
int changes_flush(struct changes *c, int64_t time_ms);

#endif
