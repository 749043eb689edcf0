/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * export_state.h - the state file of waymark-export: the position up to which each target has acknowledged each table, and
 * the results of attempts to ship.
 *
 * The file is written under another name, synced and renamed, so that it is always complete. A
 * damaged file is refused. The exporter then ships all rows again, and they replace their earlier
 * copies in the target.
 */
#ifndef WAYMARK_STORE_EXPORT_STATE_H
#define WAYMARK_STORE_EXPORT_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "waymark/store/feed.h"

#define EXPORT_STATE_TARGETS 8

struct export_state_table {
	int64_t position; /* number of the last acknowledged change */
	int64_t seen;	  /* number of the last change in the history, as last read */
	int64_t time_ms;  /* when the last acknowledged row changed; 0: unknown */
	/* number of the last change of a batch that was sent but not acknowledged; not above
	 * `position`: there is no such batch. The number is saved before the batch is sent: after a
	 * restart, the exporter sends the same changes again, or reports those that retention has
	 * deleted meanwhile. */
	int64_t sent;
	/* how many changes that batch has, and how many of them had lost their row when it was
	 * sent; -1: unknown */
	int64_t sent_changes, sent_missing;
	/* how many changes the history has had up to `position`; -1: unknown */
	int64_t changes;
	uint64_t rows;	  /* all rows ever acknowledged */
	uint64_t missing; /* rows deleted before they were shipped; the target got gap rows */
};

struct export_state_target {
	char name[32];
	char history[64]; /* the history that the positions refer to; "": none yet */
	struct export_state_table tables[FEED_TABLES];
	uint64_t batches, failures; /* acknowledged batches; failed attempts */
	int64_t acknowledged_ms;
	int64_t error_ms; /* time of the last attempt if it failed; 0: it succeeded */
	char error[256];
};

struct export_state {
	char router[256];
	struct export_state_target targets[EXPORT_STATE_TARGETS];
	unsigned n_targets;
};

/* Return the target's entry; add it if it is new. NULL: no room. */
struct export_state_target *export_state_target(struct export_state *s, const char *name);

/* Read the file. If the file is missing, *s is empty. Return 0, -EBADMSG if the file is damaged, or
 * -errno. */
int export_state_load(struct export_state *s, const char *path);

/* Write the file and sync it. Return 0 or -errno. If the new file cannot be written, the previous
 * file stays in place. */
int export_state_save(const struct export_state *s, const char *path);

/* Return whether an exporter is running, that is, whether a process holds the lock beside the state
 * file at the path. */
bool export_state_is_locked(const char *path);

/* Count the changes of a table that the target has not acknowledged. If the target's position refers
 * to another history, all changes of this history are counted. Return 0 or -errno. */
int export_state_pending(const struct export_state_target *t, struct feed *f,
			 enum feed_table_id table, int64_t *count);

#endif
