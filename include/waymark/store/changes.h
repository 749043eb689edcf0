/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changes.h - the log of changes. It lists the rows of the history that were inserted or changed,
 * in the order of the commits. An exporter continues reading where it stopped.
 *
 * Changes are numbered from 0. A row that changes again gets a new change with a new number. A flow
 * is logged only after it has ended.
 */
#ifndef WAYMARK_STORE_CHANGES_H
#define WAYMARK_STORE_CHANGES_H

#include <stdint.h>

#include "waymark/store/query.h"

/* The values are stored in the database and must not change. */
enum change_kind {
	CHANGE_FLOW_ENDED = 0, /* the first time that a flow is written with its end */
	CHANGE_FLOW = 1,       /* a later write of a flow that already has its end in the history */
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
	/* id of the row in the view of this kind; the row may have been deleted after the change */
	int64_t id;
};

/* Called for each change. A return value other than 0 ends the query, which returns that value. */
typedef int query_change_fn(void *data, const struct change *c);

/* Call fn for at most max changes, in order, beginning with number 'from'. If retention has removed
 * change 'from', begin with the oldest change that is left. The query is one short read
 * transaction. Return 0, the result of fn, or -errno. */
int query_changes(struct query *q, int64_t from, uint64_t max, query_change_fn *fn, void *data);

#endif
