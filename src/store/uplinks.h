/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplinks.h - the uplinks that there were, and the sets of their interfaces, as
 * small numbers that rows refer to. Kept in memory by the writer.
 */
#ifndef WAYMARK_SRC_STORE_UPLINKS_H
#define WAYMARK_SRC_STORE_UPLINKS_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/base/record.h"

struct uplink_row {
	int64_t id;
	struct uplink_record is;
	int64_t valid_to;   /* 0: still */
	int64_t after_flow; /* id: later flows have its names */
	int64_t ifset;	    /* the set of this interface alone; 0: none made yet */
	int previous;	    /* index of the slot's row before this one; -1: none */
};

/* Sets of several interfaces have ids from here on. */
#define IFSET_SEVERAL 65536

struct ifset_row {
	int64_t id;
	uint64_t slots;
	char *names;
};

struct uplinks {
	sqlite3 *db;
	struct uplink_row *rows;
	size_t n_rows;
	int latest[UPLINKS_MAX]; /* index of the slot's newest row; -1: none */
	struct ifset_row *ifsets;
	size_t n_ifsets;
	/* By number (RECORD_INTERFACE); not ours. */
	const char (*interfaces)[IFNAMSIZ];
	sqlite3_stmt *uplink_add, *uplink_close, *ifset_add, *member_add;
};

/* All of these return SQLite's result codes. */
int uplinks_load(struct uplinks *u, sqlite3 *db);
void uplinks_unload(struct uplinks *u);

/* End the validity of rows that changed and begin new ones. */
int uplinks_apply(struct uplinks *u, const struct uplinks_record *r);

/* The row of a slot that was valid when a flow was first seen, else the first that
 * there was; 0: none. A flow keeps the names of when it began; the order of ids says
 * when that was, whatever was done to the clock. */
int64_t uplinks_id(const struct uplinks *u, uint8_t slot, int64_t flow_id);

/* The newest row of a slot; 0: none. */
int64_t uplinks_id_now(const struct uplinks *u, uint8_t slot);

/* Interfaces of a flow that left by them: slots of uplinks, which have the names of
 * when the flow was first seen, and numbers of others. */
struct ifset_key {
	uint64_t slots, others;
	int64_t flow_id;
};

/* Find the id of a set, or make it. 0 for the empty set and for unknown slots. */
int uplinks_ifset(struct uplinks *u, const struct ifset_key *key, int64_t *id);

/* Backwards: the slot of a row, SLOT_NONE; the slots of a set, 0. */
uint8_t uplinks_slot(const struct uplinks *u, int64_t id);
uint64_t uplinks_ifset_slots(const struct uplinks *u, int64_t id);

#endif
