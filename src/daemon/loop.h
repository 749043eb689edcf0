/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loop.h - an epoll loop. Each turn serves the ready sources in the order of their ranks, lowest
 * first. */
#ifndef WAYMARK_SRC_DAEMON_LOOP_H
#define WAYMARK_SRC_DAEMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* Each rank has at most one source. Ruleset notices are first, for two reasons. If our table was
 * deleted, it must be reinstalled before anything else. And a notice names the process that added a
 * rule, so it must be read before the stray packets that the rule causes. NFLOG messages come
 * before conntrack events, because a packet is logged before its events arise. */
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
 * loop began to serve it (CLOCK_MONOTONIC). Return NULL if the loop waits. Any thread can call this
 * function. */
const char *loop_doing(const struct loop *l, int64_t *since_ms);

#endif
