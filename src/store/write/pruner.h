/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pruner.h - retention: deletes rows beyond the limits of age or size, oldest first, in small
 * steps.
 *
 * Retention by age goes through the flows in the order of ids, and stops at the first flow that
 * began within the limit. All later flows stay, even those that seem older because the clock was
 * wrong when they began.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_PRUNER_H
#define WAYMARK_SRC_STORE_WRITE_PRUNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/write/age_clock.h"
#include "store/write/ingest.h"

struct pruner {
	/* Any thread can set these four fields. */
	_Atomic uint64_t retention_s; /* 0: no limit of age */
	_Atomic uint64_t max_bytes;   /* 0: no limit of size */
	/* true: an administrator asked to apply retention now, and thus confirmed the clock; the
	 * next pass accepts any time that the clock shows */
	_Atomic bool is_clock_trusted;
	_Atomic uint64_t asked; /* number of requests to apply retention now */

	_Atomic uint64_t done; /* number of these requests that have been completed */

	uint64_t served; /* number of these requests for which a pass has begun */
	/* a size limit while the disk is full: the database's size when the disk became full; 0:
	 * the disk is not full */
	int64_t ceiling_bytes;
	/* set when no flow is left to delete: pruner_is_over() returns false until this time */
	int64_t shrink_after_ms;
	int64_t look_after_ms; /* CLOCK_MONOTONIC time of the next check of the size */
	int64_t age_after_ms;  /* CLOCK_MONOTONIC time of the next pass by age */
	bool has_clock;
	bool is_pass_on; /* a pass by age is running */
	struct age_clock clock;
	int64_t time_ms;      /* the time by the age clock when the pass began */
	int64_t before_ms;    /* the pass deletes flows that ended before this time */
	int64_t age_flow_id;  /* this pass has checked the flows with lower ids */
	int64_t size_flow_id; /* flows with lower ids have been checked by retention by size */
};

void pruner_init(struct pruner *p);
/* Abort a pass by age. A pass by size goes on: if each reset made it start again at the lowest id,
 * it might never get past the ids whose flows are already deleted. */
void pruner_reset(struct pruner *p);

/* Return whether a limit of age or size is set. If none is set, rows must not be deleted. */
bool pruner_has_limit(const struct pruner *p);

/* Return whether the database exceeds its size limit and flows are left to delete. */
bool pruner_is_over(const struct pruner *p, const struct ingest *in, int64_t now_ms);

/* Delete some of the oldest flows. Return SQLite's result code. */
int pruner_shrink(struct pruner *p, struct ingest *in, int64_t now_ms);

/* Do one step if a step is due. Set *did to whether a step was due. Return SQLite's result code. */
int pruner_step(struct pruner *p, struct ingest *in, int64_t now_ms, bool *did);

/* Free space because the disk is full. Delete some of the oldest flows. Use the database's present
 * size as a size limit until pruner_set_roomy() is called. Set *did to whether flows were deleted.
 * Return SQLite's result code. */
int pruner_relieve(struct pruner *p, struct ingest *in, bool *did);
void pruner_set_roomy(struct pruner *p);

#endif
