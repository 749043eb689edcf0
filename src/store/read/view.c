/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view.c - where the history begins.
 */
#include "store/db.h"
#include "store/read/query_internal.h"

int query_oldest(struct query *q, int64_t *id, int64_t *started_ms)
{
	int rc = db_integer(q->db, "SELECT min(id) FROM flow", id, 0);

	if (rc == SQLITE_OK)
		rc = db_integer(q->db, "SELECT ifnull(started, 0) FROM flow ORDER BY id LIMIT 1",
				started_ms, 0);
	return rc == SQLITE_OK ? 0 : query_fail(q, rc);
}
