/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.h - the state file: the position up to which each target has acknowledged each table, and
 * the results of attempts to ship.
 *
 * The file is written under another name, synced and renamed, so that it is always complete. A
 * damaged file is refused. The exporter then ships all rows again, and they replace their earlier
 * copies in the target.
 */
#ifndef WAYMARK_SRC_EXPORT_STATE_H
#define WAYMARK_SRC_EXPORT_STATE_H

#include <stdint.h>
#include <stdio.h>

#include "waymark/store/feed.h"

#define STATE_TARGETS_MAX 8

struct state_table {
	int64_t position; /* number of the last acknowledged change */
	int64_t seen;	  /* number of the last change in the history, as last read */
	int64_t time_ms;  /* when the last acknowledged row changed; 0: unknown */
	/* A batch that was sent, and whose rows may have arrived: the changes up to this one. Not
	 * above position: none. It is saved before the batch is sent, because retention may delete
	 * its rows before the exporter starts again. */
	int64_t sent;
	int64_t sent_changes, sent_missing; /* in it: all changes; those whose row was deleted */
	/* changes up to position since the history began; -1: unknown */
	int64_t changes;
	uint64_t rows;	  /* all rows ever acknowledged */
	uint64_t missing; /* rows pruned before they were shipped; gaps name them */
};

struct state_target {
	char name[32];
	char history[64]; /* the history that the positions refer to; "": none yet */
	struct state_table tables[FEED_TABLES];
	uint64_t batches, failures; /* acknowledged batches; failed attempts */
	int64_t acknowledged_ms;
	int64_t error_ms; /* time of the last attempt if it failed; 0: it succeeded */
	char error[256];
};

struct state {
	char router[256];
	struct state_target targets[STATE_TARGETS_MAX];
	unsigned n_targets;
};

/* Return the target's entry; add it if it is new. NULL: no room. */
struct state_target *state_target(struct state *s, const char *name);

/* Read the file. If the file is missing, *s is empty. Return 0, -EBADMSG if the file is damaged, or
 * -errno. */
int state_load(struct state *s, const char *path);

/* Write the file and sync it. Return 0 or -errno. If the new file cannot be written, the previous
 * file stays in place. */
int state_save(const struct state *s, const char *path);

#endif
