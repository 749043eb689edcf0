/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplinks.h - the uplinks that were ever configured, and the sets of interfaces that flows left by.
 * Rows of other tables refer to uplinks and sets by small numbers. The writer keeps both in memory.
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
	int64_t valid_to;   /* when the row ceased to be valid; 0: the row is valid */
	int64_t after_flow; /* flows with ids above this one use this row */
	int64_t ifset;	    /* id of the set that holds only this interface; 0: not known yet */
	int previous;	    /* index of the previous row of the same slot; -1: none */
};

/* The lowest id of a set with more than one interface. */
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
	/* Interface names, by the numbers that records of kind RECORD_INTERFACE assign. Not
	 * owned. */
	const char (*interfaces)[IFNAMSIZ];
	sqlite3_stmt *uplink_add, *uplink_close, *ifset_add, *member_add;
};

/* Functions that return an int return SQLite's result code. */
int uplinks_load(struct uplinks *u, sqlite3 *db);
void uplinks_unload(struct uplinks *u);

/* Close the rows of uplinks that changed or were removed, and add new rows. */
int uplinks_apply(struct uplinks *u, const struct uplinks_record *r);

/* Return the id of the row that was valid for a slot when a flow was first seen. If no row was
 * valid then, return the id of the slot's first row. If the slot has no row, return 0. Flow ids are
 * compared, not times, because the clock might have been set. */
int64_t uplinks_id(const struct uplinks *u, uint8_t slot, int64_t flow_id);

/* Return the id of a slot's newest row; 0: none. */
int64_t uplinks_id_now(const struct uplinks *u, uint8_t slot);

/* The interfaces that packets of flow `flow_id` left by. `slots` has a bit for each slot of an
 * uplink, `others` a bit for each number of another interface. An uplink's interface has the name
 * that it had when the flow was first seen. */
struct ifset_key {
	uint64_t slots, others;
	int64_t flow_id;
};

/* Set *id to the id of a set; create the set if it is new. *id is 0 if the set is empty or has only
 * unknown slots. */
int uplinks_ifset(struct uplinks *u, const struct ifset_key *key, int64_t *id);

/* uplinks_slot() returns the slot of the uplink row with this id, or SLOT_NONE if no row has it.
 * uplinks_ifset_slots() returns the slots of the interface set with this id, or 0. */
uint8_t uplinks_slot(const struct uplinks *u, int64_t id);
uint64_t uplinks_ifset_slots(const struct uplinks *u, int64_t id);

#endif
