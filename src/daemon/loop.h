/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop.h - one epoll loop with sources in an order: in each turn those that are
 * ready are served by rank, lowest first.
 */
#ifndef WAYMARK_SRC_DAEMON_LOOP_H
#define WAYMARK_SRC_DAEMON_LOOP_H

#include <stdbool.h>

#define LOOP_SOURCES_MAX 16

typedef void loop_fn(void *data);

struct loop;

struct loop *loop_new(void); /* NULL with errno */
void loop_free(struct loop *l);
/* rank: 0 to LOOP_SOURCES_MAX - 1, one source each. 0 or -errno. */
int loop_add(struct loop *l, unsigned rank, int fd, loop_fn *fn, void *data);
/* The source of that rank is no more. */
void loop_remove(struct loop *l, unsigned rank, int fd);
/* 0 when loop_stop was called, or -errno. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
