/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_sums.h - adds up the ended flows by hour, inside host and uplink (table host_hour). Of the
 * two hosts of a flow, the inside host is the one that is not reached by an uplink. The sums are
 * collected in memory during a transaction, and then written. The hosts of the newest hour stay in
 * memory, so that the number of rows per hour can be limited.
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
	int64_t hour, uplink; /* hours since 1970 (0: the entry is free); id of the uplink's row */
	struct addr host;     /* unset: the sum of all hosts beyond the limit */
	int64_t flows, unanswered;
	uint64_t sent, received;
};

struct host_sums {
	struct host_sum *table; /* hash table with open addressing; its size is a power of two */
	uint32_t *dirty;	/* indexes of the entries whose sums have not been written yet */
	size_t capacity, used, n_dirty;
	int64_t hour; /* the newest hour whose sums have been written */
	sqlite3_stmt *add;
};

int host_sums_load(struct host_sums *s, sqlite3 *db);
void host_sums_unload(struct host_sums *s);

/* Add an ended flow. `uplink` is the id of the row (in table uplink) of the flow's uplink, or 0 if
 * the flow has none. */
int host_sums_add(struct host_sums *s, const struct flow_record *f, int64_t uplink);

/* Write the collected sums, within the open transaction. */
int host_sums_flush(struct host_sums *s);

#endif
