/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pruner.h - retention: what is too old or too much goes, oldest first, a little
 * at a time.
 */
#ifndef WAYMARK_STORE_PRUNER_H
#define WAYMARK_STORE_PRUNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/ingest.h"

struct pruner {
	/* Set by any thread. */
	_Atomic uint64_t retention_s; /* 0: no limit of age */
	_Atomic uint64_t max_bytes;   /* 0: no limit of size */
	_Atomic bool is_asked;	      /* look now */

	int64_t look_after_ms; /* CLOCK_MONOTONIC: at the size, */
	int64_t age_after_ms;  /* ... at the age */
	bool is_pass_on;	/* a pass by age is on its way */
	int64_t before_ms;	/* CLOCK_REALTIME; that pass's limit */
	int64_t age_flow_id;	/* flows before it are done in this pass */
	int64_t size_flow_id;	/* flows before it are done, by size */
};

void pruner_init(struct pruner *p);
void pruner_reset(struct pruner *p);

/* A step, if there is anything to do. SQLite's code. */
int pruner_step(struct pruner *p, struct ingest *in, int64_t now_ms, bool *did);

/* The disk is full: the oldest flows go, if there is any limit at all. */
int pruner_relieve(struct pruner *p, struct ingest *in);

#endif
