/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack.h - reads conntrack events and table dumps, decodes both into struct ct_event, and
 * changes conntrack entries.
 *
 * Events and dumps use different sockets. A dump entry can therefore be read after a newer event of
 * the same flow. The caller must subscribe before it dumps, and must ignore dump entries that are
 * older than an event. This module reads messages with libmnl. It uses libnetfilter_conntrack only
 * to write the tuple of an entry into a request.
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
	uint64_t parse_errors; /* messages that could not be decoded; their events are lost */
	uint64_t forged;       /* messages dropped because the kernel (port 0) did not send them */
	uint64_t overruns;     /* reads that returned ENOBUFS */
	uint64_t refused;      /* messages that the kernel could not put into the receive buffer */
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
 * before the error have been passed to fn. After -ENOBUFS the caller can read again: the socket
 * still contains the events that the kernel queued before the overrun. The kernel drops new events
 * until this queue is empty, so the gap lasts until a call returns 0. */
int conntrack_receive(struct conntrack *c, conntrack_event_fn *fn, void *data, int max);

/* Dump all entries on a separate socket, and call fn for each one with a CT_DUMP event. Every
 * thread can call this function; fn runs on the calling thread. Return 0 or -errno. -EINTR: the
 * kernel marked the dump as inconsistent (NLM_F_DUMP_INTR), and the caller must dump again. */
int conntrack_dump(struct conntrack *c, conntrack_event_fn *fn, void *data);

/* Dump all entries step by step, so that events can be read in between. Each step reads about a
 * hundred entries, and passes them to fn in batches of at most CONNTRACK_BATCH_MAX.
 * conntrack_dump_step() returns 1 if more entries follow, and 0 at the end of the dump. If it
 * returns -errno, the dump has failed (-EINTR as in conntrack_dump()). conntrack_dump_close() also
 * stops an unfinished dump; NULL is allowed. */
#define CONNTRACK_BATCH_MAX 32
typedef void conntrack_batch_fn(void *data, const struct ct_event *entries, size_t n);
struct conntrack_dump;
struct conntrack_dump *conntrack_dump_open(struct conntrack *c); /* NULL with errno */
int conntrack_dump_fd(const struct conntrack_dump *d);
int conntrack_dump_step(struct conntrack_dump *d, conntrack_batch_fn *fn, void *data);
void conntrack_dump_close(struct conntrack_dump *d);

/* Delete the conntrack entry that has the original tuple, the zone and the id of `entry`. Return 0
 * or -errno (-ENOENT: the entry no longer exists). Only one thread at a time may change entries. */
int conntrack_delete(struct conntrack *c, const struct ct_event *entry);

/* Delete all entries with (entry mark & mask) == (mark & mask) in one request. Their CT_DESTROY
 * events have is_flushed set. A mask of 0 is refused (-EINVAL). Return 0 or -errno. */
int conntrack_delete_marked(struct conntrack *c, uint32_t mark, uint32_t mask);

/* Replace the bits of `mask` in the entry's ct mark with the same bits of `mark`. The kernel finds
 * the entry by its tuple alone, and a newer flow can have the same tuple. Therefore the function
 * first asks the kernel whether the entry still has the id of `entry`. Return 0 or -errno (-ENOENT:
 * the entry no longer exists). */
int conntrack_set_mark(struct conntrack *c, const struct ct_event *entry, uint32_t mark,
		       uint32_t mask);

/* Clear the connlabel bit with number `first` and all higher bits. As conntrack_set_mark() does,
 * the function first checks that the entry still has the id of `entry`. Return 0 or -errno
 * (-ENOENT: the entry no longer exists). */
int conntrack_clear_labels(struct conntrack *c, const struct ct_event *entry, unsigned first);

void conntrack_stats(const struct conntrack *c, struct conntrack_stats *out);
/* Return the counter parse_errors. The function makes no system call, so callers can read the
 * counter after each batch. */
uint64_t conntrack_parse_errors(const struct conntrack *c);

#endif
