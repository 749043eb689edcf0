/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop.h - one epoll loop. In each turn the sources that are ready are served by rank,
 * lowest first.
 */
#ifndef WAYMARK_SRC_DAEMON_LOOP_H
#define WAYMARK_SRC_DAEMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* Ranks, one source each. Ruleset changes go first: a missing table must be reinstalled before
 * anything else, and the writer of a mark must be known before its strays. NFLOG messages are older
 * than the events that they caused. */
enum loop_rank {
	LOOP_RULESET,
	LOOP_PACKETS,
	LOOP_EVENTS,
	LOOP_NAMES,
	LOOP_LINKS,
	LOOP_TIMER,
	LOOP_SIGNALS,
	LOOP_CONTROL,
	LOOP_TALKER,
	LOOP_DUMP,
	LOOP_RANKS
};

typedef void loop_fn(void *data);

struct loop;

struct loop *loop_new(void); /* NULL with errno */
void loop_free(struct loop *l);
/* 0 or -errno. */
int loop_add(struct loop *l, enum loop_rank rank, int fd, loop_fn *fn, void *data);
void loop_remove(struct loop *l, enum loop_rank rank, int fd);
/* 0 when loop_stop was called, or -errno. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Return the loop's current work, and since when (CLOCK_MONOTONIC, ms); NULL: the loop waits. For
 * any thread. */
const char *loop_doing(const struct loop *l, int64_t *since_ms);

#endif
