/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_sums.h - sums of the flows that ended, by hour, inside host and uplink (table host_hour).
 * Collected per transaction; an hour's hosts are remembered, so that their number can be bounded.
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
	struct addr host;     /* none: those beyond the limit */
	int64_t flows, unanswered;
	uint64_t sent, received;
};

struct host_sums {
	struct host_sum *table; /* open addressing, a power of two */
	uint32_t *dirty;	/* indexes of entries with flows */
	size_t capacity, used, n_dirty;
	int64_t hour; /* the newest */
	sqlite3_stmt *add;
};

int host_sums_load(struct host_sums *s, sqlite3 *db);
void host_sums_unload(struct host_sums *s);

/* uplink: uplink.id that the flow's mark names, or 0. */
int host_sums_add(struct host_sums *s, const struct flow_record *f, int64_t uplink);

/* Write the sums collected, inside the transaction. */
int host_sums_flush(struct host_sums *s);

#endif
