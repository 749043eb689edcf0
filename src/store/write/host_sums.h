/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_sums.h - adds up the ended flows by hour, inside host and uplink (table host_hour). The
 * inside host of a flow is the end of the flow that is not reached by an uplink. The sums are
 * collected during a transaction. The hosts of the current hour are remembered, so that their
 * number can be limited.
 *
 * Functions return SQLite's result codes.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_HOST_SUMS_H
#define WAYMARK_SRC_STORE_WRITE_HOST_SUMS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/base/record.h"

struct host_sum {
	int64_t hour, uplink; /* hour 0: the entry is free */
	struct addr host;     /* unset: all hosts beyond the limit */
	int64_t flows, unanswered;
	uint64_t sent, received;
};

struct host_sums {
	struct host_sum *table; /* hash table with open addressing; its size is a power of two */
	uint32_t *dirty;	/* indexes of the entries whose sums have not been written yet */
	size_t capacity, used, n_dirty;
	int64_t hour; /* the newest hour in which a flow has ended */
	sqlite3_stmt *add;
};

int host_sums_load(struct host_sums *s, sqlite3 *db);
void host_sums_unload(struct host_sums *s);

/* Add an ended flow. uplink is the id of the row (uplink.id) that the flow's mark names, or 0. */
int host_sums_add(struct host_sums *s, const struct flow_record *f, int64_t uplink);

/* Write the collected sums, within the open transaction. */
int host_sums_flush(struct host_sums *s);

#endif
