/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack.h - reads conntrack events and dumps as struct ct_event, and changes entries.
 *
 * Events and dumps use different sockets, so the order of an event and a dump entry is not defined:
 * subscribe first, then dump, then compare. The adapter reads with libmnl, uses
 * libnetfilter_conntrack to identify entries in requests, and decides nothing.
 */
#ifndef WAYMARK_KERNEL_CONNTRACK_H
#define WAYMARK_KERNEL_CONNTRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/base/event.h"

struct conntrack;

typedef void conntrack_event_fn(void *data, const struct ct_event *ev);

struct conntrack_stats {
	uint64_t events;
	uint64_t parse_errors; /* messages that cannot be decoded: their events are lost */
	uint64_t forged;       /* messages dropped because they are not from port 0 */
	uint64_t overruns;     /* reads that returned ENOBUFS */
	uint64_t refused;      /* messages for which the receive buffer had no room */
	uint32_t buffer_bytes; /* size of the receive buffer as the kernel granted it */
};

/* Open the event socket, subscribe to NEW, UPDATE and DESTROY, and request a receive buffer of
 * buffer_bytes (SO_RCVBUFFORCE or, if that is refused, SO_RCVBUF). Return NULL with errno on
 * failure. */
struct conntrack *conntrack_open(uint32_t buffer_bytes);
void conntrack_close(struct conntrack *c);
int conntrack_fd(const struct conntrack *c);
/* Return the event socket's netlink port. */
uint32_t conntrack_port(const struct conntrack *c);

/* Read at most max messages without blocking, and call fn for each event. Return the number of
 * messages read (0: none left), -ENOBUFS after an overrun, or another -errno. Events that were read
 * before the error have been passed to fn. After -ENOBUFS the socket is readable again and contains
 * the events from before the overrun. The kernel drops events until the queue has been emptied, so
 * the gap lasts until a call returns 0. */
int conntrack_receive(struct conntrack *c, conntrack_event_fn *fn, void *data, int max);

/* Dump all entries on a separate socket, and call fn for each one with a CT_DUMP event. May be
 * called from any thread; fn runs on that thread. Return 0, -EINTR if the dump was torn
 * (NLM_F_DUMP_INTR: dump again), or another -errno. */
int conntrack_dump(struct conntrack *c, conntrack_event_fn *fn, void *data);

/* Dump all entries step by step, so that events can be read in between. Each step passes the
 * entries of one read to fn: about a hundred entries, in batches of at most CONNTRACK_BATCH_MAX.
 * The kernel has prepared these entries during the previous step. conntrack_dump_step() returns 1
 * if there are more entries; 0, -EINTR or another -errno ends the dump. conntrack_dump_close() also
 * stops an unfinished dump; NULL is allowed. */
#define CONNTRACK_BATCH_MAX 32
typedef void conntrack_batch_fn(void *data, const struct ct_event *entries, size_t n);
struct conntrack_dump;
struct conntrack_dump *conntrack_dump_open(struct conntrack *c); /* NULL with errno */
int conntrack_dump_fd(const struct conntrack_dump *d);
int conntrack_dump_step(struct conntrack_dump *d, conntrack_batch_fn *fn, void *data);
void conntrack_dump_close(struct conntrack_dump *d);

/* Delete one entry. Its tuple of the original direction, its zone and its id must be those of
 * `entry`. Return 0 or -errno (-ENOENT: the entry no longer exists). Only one thread at a time may
 * change entries. */
int conntrack_delete(struct conntrack *c, const struct ct_event *entry);

/* Delete all entries with (entry mark & mask) == (mark & mask) in one request. Their CT_DESTROY
 * events have is_flushed set. A mask of 0 is refused (-EINVAL). Return 0 or -errno. */
int conntrack_delete_marked(struct conntrack *c, uint32_t mark, uint32_t mask);

/* In the entry's mark, replace the bits of mask with those of mark. The kernel finds the entry by
 * its tuple alone. Therefore the function first sends a request that checks that the entry still
 * has this id. Return 0 or -errno (-ENOENT: the entry no longer exists). */
int conntrack_set_mark(struct conntrack *c, const struct ct_event *entry, uint32_t mark,
		       uint32_t mask);

/* Clear connlabel bit number first and all higher bits. The function first sends a request that
 * checks that the entry still has this id. Return 0 or -errno (-ENOENT: the entry no longer
 * exists). */
int conntrack_clear_labels(struct conntrack *c, const struct ct_event *entry, unsigned first);

void conntrack_stats(const struct conntrack *c, struct conntrack_stats *out);
/* Return the counter parse_errors without a system call, so that callers can read it after each
 * batch. */
uint64_t conntrack_parse_errors(const struct conntrack *c);

#endif
