/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack.h - conntrack over netlink: events and dumps as struct ct_event.
 *
 * Two sockets: events and dumps have no order between them (subscribe first,
 * dump, reconcile). Reads with libmnl, names entries to the kernel with
 * libnetfilter_conntrack; it never decides.
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
	uint64_t parse_errors; /* messages that say nothing usable: events lost */
	uint64_t forged;       /* not from port 0: dropped */
	uint64_t overruns;     /* ENOBUFS answers */
	uint64_t refused;      /* deliveries that found the buffer full */
	uint32_t buffer_bytes; /* granted, read back */
};

/* Opens the event socket, subscribes to NEW, UPDATE and DESTROY and asks for a
 * buffer of buffer_bytes (SO_RCVBUFFORCE, else SO_RCVBUF). NULL with errno. */
struct conntrack *conntrack_open(uint32_t buffer_bytes);
void conntrack_close(struct conntrack *c);
int conntrack_fd(const struct conntrack *c);
/* The event socket's netlink port. */
uint32_t conntrack_port(const struct conntrack *c);

/* Reads what is there without blocking, at most max messages, and calls fn for
 * each event. Returns the number of messages read (0: nothing more), or
 * -ENOBUFS after an overrun, or -errno; events read before the error have been
 * handed to fn. After -ENOBUFS the socket is readable again: what was queued
 * before the loss still comes, and the kernel goes on dropping until the queue
 * has been read empty, so the loss lasts until a call returns 0. */
int conntrack_receive(struct conntrack *c, conntrack_event_fn *fn, void *data, int max);

/* Dumps the whole table on a socket of its own, calling fn with CT_DUMP events
 * on the caller's thread, which may be any. 0, -EINTR when the dump was torn
 * (NLM_F_DUMP_INTR: dump again), or -errno. */
int conntrack_dump(struct conntrack *c, conntrack_event_fn *fn, void *data);

/* The same step by step, so that events can be read in between: each step hands on
 * what one read gives, a hundred entries or so in several batches, which the kernel
 * had made ready by the time of the step before. 1: there is more; 0, -EINTR or
 * -errno: it has ended. conntrack_dump_close also ends one that is not through; NULL is
 * allowed. */
#define CONNTRACK_BATCH_MAX 32
typedef void conntrack_batch_fn(void *data, const struct ct_event *entries, size_t n);
struct conntrack_dump;
struct conntrack_dump *conntrack_dump_open(struct conntrack *c); /* NULL with errno */
int conntrack_dump_fd(const struct conntrack_dump *d);
int conntrack_dump_step(struct conntrack_dump *d, conntrack_batch_fn *fn, void *data);
void conntrack_dump_close(struct conntrack_dump *d);

/* Deletes one entry: the tuple of its original direction, zone and id must
 * match. 0 or -errno (-ENOENT: gone). Changes are made by one thread at a time. */
int conntrack_delete(struct conntrack *c, const struct ct_event *entry);

/* Deletes every entry whose mark under mask is mark, in one request: the kernel
 * picks them. Their CT_DESTROY events have is_flushed. mask 0 is refused (-EINVAL).
 * 0 or -errno. */
int conntrack_delete_marked(struct conntrack *c, uint32_t mark, uint32_t mask);

/* Set the bits of the entry's mark under mask. The id is compared just before, because the
 * kernel finds the entry by its tuple alone. 0 or -errno (-ENOENT). */
int conntrack_set_mark(struct conntrack *c, const struct ct_event *entry, uint32_t mark,
		       uint32_t mask);

/* Clears the connlabel bits from first on, likewise. */
int conntrack_clear_labels(struct conntrack *c, const struct ct_event *entry, unsigned first);

void conntrack_stats(const struct conntrack *c, struct conntrack_stats *out);
/* Return this counter alone, without a system call: cheap enough for each batch. */
uint64_t conntrack_parse_errors(const struct conntrack *c);

#endif
