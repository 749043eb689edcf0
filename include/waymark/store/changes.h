/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changes.h - rows of the history that are final, or have changed since, in order: exporters
 * continue from here. Changes are numbered from 0 in the order of their commits; a row that changes
 * again gets a new number. A flow counts once it has ended.
 */
#ifndef WAYMARK_STORE_CHANGES_H
#define WAYMARK_STORE_CHANGES_H

#include <stdint.h>

#include "waymark/store/query.h"

/* Stored; the numbers do not change. */
enum change_kind {
	CHANGE_FLOW_ENDED = 0, /* the first time that a flow is written with its end */
	CHANGE_FLOW = 1,       /* an ended flow was written again */
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
	int64_t time_ms; /* of the commit */
	enum change_kind kind;
	int64_t id; /* of the row, in the view of its kind; the row may have been deleted */
};

/* A return value other than 0 ends the query, which returns it. */
typedef int query_change_fn(void *data, const struct change *c);

/* Call fn for at most max changes from number 'from' on, in order, in one short read
 * transaction. The first number may be greater than from: the changes between were
 * removed by retention. 0, what fn returned, or -errno. */
int query_changes(struct query *q, int64_t from, uint64_t max, query_change_fn *fn, void *data);

#endif
