/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.h - the state file: how far each target has acknowledged, and the results of attempts.
 *
 * It is written to a new file, synced and renamed, so that it is either complete or the former one.
 * A damaged file is refused: everything is then shipped again, and rows replace their earlier
 * copies.
 */
#ifndef WAYMARK_SRC_EXPORT_STATE_H
#define WAYMARK_SRC_EXPORT_STATE_H

#include <stdint.h>
#include <stdio.h>

#include "waymark/store/feed.h"

#define STATE_TARGETS_MAX 8

struct state_table {
	int64_t position; /* acknowledged up to here */
	int64_t seen;	  /* the last that the history had */
	int64_t time_ms;  /* of the last row acknowledged; 0: not known */
	uint64_t rows;	  /* acknowledged, ever */
	uint64_t missing; /* pruned before they were shipped, each named in a gap */
};

struct state_target {
	char name[32];
	char history[64]; /* whose positions they are; "": none yet */
	struct state_table tables[FEED_TABLES];
	uint64_t batches, failures; /* acknowledged; attempts that were not */
	int64_t acknowledged_ms;
	int64_t error_ms; /* 0: the last attempt was acknowledged */
	char error[256];
};

struct state {
	char router[256];
	struct state_target targets[STATE_TARGETS_MAX];
	unsigned n_targets;
};

/* Return the target's entry, created if it is new; NULL: no room. */
struct state_target *state_target(struct state *s, const char *name);

/* Read the file. 0 (also without a file: then nothing is set), -EBADMSG: it is damaged,
 * or -errno. */
int state_load(struct state *s, const char *path);

/* Write it, with fsync. 0 or -errno: the former one is in place. */
int state_save(const struct state *s, const char *path);

#endif
