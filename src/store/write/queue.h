/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue.h - a bounded ring of records between one producing and one writing thread. A push takes no
 * lock and makes no system call, unless it has to wake the sleeping writer. The queue occupies
 * memory only for records that wait.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_QUEUE_H
#define WAYMARK_SRC_STORE_WRITE_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/base/record.h"

struct queue {
	struct record *ring; /* has 'places' elements, more than capacity */
	uint32_t capacity, places;
	size_t bytes, page;
	/* the pages before this offset in `ring` have been returned to the kernel since the
	 * consumer last began at the start of `ring` */
	size_t clean;
	_Alignas(64) _Atomic uint64_t tail; /* records ever pushed; written by the producer */
	_Alignas(64) _Atomic uint64_t head; /* records ever taken; written by the consumer */
	/* the consumer sleeps until `tail` reaches this value; UINT64_MAX: it is awake */
	_Alignas(64) _Atomic uint64_t wake_at;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_kicked;
};

int queue_init(struct queue *q, uint32_t capacity); /* 0 or -errno */
void queue_destroy(struct queue *q);

/* Producer: push a copy of the record. Return 0, or -ENOBUFS if the queue is full. */
int queue_push(struct queue *q, const struct record *r);

uint32_t queue_depth(const struct queue *q);
uint64_t queue_pushed(struct queue *q);
uint64_t queue_taken(struct queue *q);

/* Consumer: return the record i places after the oldest; i < queue_depth. */
struct record *queue_at(struct queue *q, uint32_t i);
/* Consumer: drop the n oldest records. */
void queue_take(struct queue *q, uint32_t n);

/* Consumer: sleep until 'depth' records are queued, until the CLOCK_MONOTONIC time until_ms, or
 * until queue_kick() is called. */
void queue_wait(struct queue *q, uint32_t depth, int64_t until_ms);
void queue_kick(struct queue *q);

#endif
