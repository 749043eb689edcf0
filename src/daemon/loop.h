/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loop.h - an epoll loop. Each turn serves the ready sources in the order of their ranks, lowest
 * first. */
#ifndef WAYMARK_SRC_DAEMON_LOOP_H
#define WAYMARK_SRC_DAEMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* Each rank has at most one source. Ruleset notices are first: a missing table must be reinstalled
 * before anything else, and the process that added a mark-setting rule must be known before the
 * stray packets that this rule causes are read. NFLOG messages come before events, because a
 * message is older than the events that its packet caused. */
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
/* Add a source at a free rank. Return 0 or -errno. */
int loop_add(struct loop *l, enum loop_rank rank, int fd, loop_fn *fn, void *data);
void loop_remove(struct loop *l, enum loop_rank rank, int fd);
/* Run until loop_stop() is called. Return 0 or -errno. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Return the name of the source that the loop serves now, and set *since_ms to the time when the
 * loop began to serve it (CLOCK_MONOTONIC). Return NULL if the loop waits. Any thread may call this
 * function. */
const char *loop_doing(const struct loop *l, int64_t *since_ms);

#endif
