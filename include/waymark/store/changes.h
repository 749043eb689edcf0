/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changes.h - the log of changes. It lists the rows of the history that were inserted or changed,
 * in the order of the commits. An exporter can stop, and later go on with the next change.
 *
 * Changes are numbered from 0. If a row changes again, the log gets one more change, which has a
 * new number. Changes of a flow are logged only after the flow has ended.
 */
#ifndef WAYMARK_STORE_CHANGES_H
#define WAYMARK_STORE_CHANGES_H

#include <stdint.h>

#include "waymark/store/query.h"

/* Which table a change belongs to. The database stores these values; never renumber them. */
enum change_kind {
	CHANGE_FLOW_ENDED = 0, /* a flow whose end was written for the first time */
	CHANGE_FLOW = 1,       /* a flow that was written again after its end had been written */
	CHANGE_MISMATCH = 2,
	CHANGE_GAP = 3,
	CHANGE_COVERAGE = 4,
	CHANGE_USAGE = 5,
	CHANGE_UPLINK_STATE = 6,
	CHANGE_TAMPERING = 7,
	CHANGE_ALERT = 8,
	CHANGE_HEALTH = 9,
	CHANGE_KINDS,
};

struct change {
	int64_t number;
	int64_t time_ms; /* time of the commit */
	enum change_kind kind;
	/* id of the changed row in the view that shows this kind of rows; the row might have been
	 * deleted since */
	int64_t id;
};

/* Called for each change. A return value other than 0 ends the query, which returns that value. */
typedef int query_change_fn(void *data, const struct change *c);

/* Call fn for at most `max` changes in ascending order, beginning with change number `from`. If
 * retention has removed this change, begin with the oldest change that is left. All calls of fn
 * happen in one read transaction. Return 0, the result of fn, or -errno. */
int query_changes(struct query *q, int64_t from, uint64_t max, query_change_fn *fn, void *data);

#endif
