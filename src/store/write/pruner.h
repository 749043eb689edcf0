/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pruner.h - retention: deletes rows beyond the limits of age or size, oldest first, in small
 * steps.
 *
 * The age of a flow follows from its times and from the order of ids: a flow first seen after
 * another that began within the limit is not older than that one, whatever the clock said when it
 * began.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_PRUNER_H
#define WAYMARK_SRC_STORE_WRITE_PRUNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/write/age_clock.h"
#include "store/write/ingest.h"

struct pruner {
	/* Set by any thread. */
	_Atomic uint64_t retention_s;  /* 0: no limit of age */
	_Atomic uint64_t max_bytes;    /* 0: no limit of size */
	_Atomic bool is_clock_trusted; /* an administrator says that the clock is right */
	_Atomic uint64_t asked;	       /* look now: how often that was said */

	_Atomic uint64_t done; /* of asked: those after which all has been done */

	uint64_t served;	 /* of asked: how many requests a pass has begun to serve */
	int64_t ceiling_bytes;	 /* the disk was full at that size; 0: it is not */
	int64_t shrink_after_ms; /* nothing was left to delete: not before then */
	int64_t look_after_ms;	 /* CLOCK_MONOTONIC: at the size, */
	int64_t age_after_ms;	 /* ... at the age */
	bool has_clock;
	bool is_pass_on; /* a pass by age is on its way */
	struct age_clock clock;
	int64_t time_ms;      /* by it; when that pass began */
	int64_t before_ms;    /* that pass's limit */
	int64_t age_flow_id;  /* flows before it are done in this pass */
	int64_t size_flow_id; /* retention by size has looked at the flows before it */
};

void pruner_init(struct pruner *p);
/* Forget the state of a pass by age. A pass by size continues where it was: if it restarted at the
 * oldest id, it would never get past the ids that are already deleted. */
void pruner_reset(struct pruner *p);

/* Return whether any limit is set, that is whether history may be deleted. */
bool pruner_has_limit(const struct pruner *p);

/* Return whether the database exceeds its size limit and flows are left to delete. */
bool pruner_is_over(const struct pruner *p, const struct ingest *in, int64_t now_ms);

/* Delete some of the oldest flows. Return SQLite's result code. */
int pruner_shrink(struct pruner *p, struct ingest *in, int64_t now_ms);

/* Do one step if anything is due. Return SQLite's result code. */
int pruner_step(struct pruner *p, struct ingest *in, int64_t now_ms, bool *did);

/* The disk is full: delete some of the oldest flows, if any limit is set, and keep the database
 * from growing until pruner_set_roomy. *did: flows were deleted. */
int pruner_relieve(struct pruner *p, struct ingest *in, bool *did);
void pruner_set_roomy(struct pruner *p);

#endif
