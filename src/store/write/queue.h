/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue.h - a bounded ring of records between one producing and one writing thread. A push takes no
 * lock and makes no system call, unless the writer sleeps until this very record. Memory is held
 * for waiting records only, not for the whole capacity.
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
	struct record *ring; /* of more places than capacity */
	uint32_t capacity, places;
	size_t bytes, page;
	size_t clean; /* bytes of the ring that were given back in this round */
	_Alignas(64) _Atomic uint64_t tail;    /* records ever pushed; the producer's */
	_Alignas(64) _Atomic uint64_t head;    /* records ever taken; the consumer's */
	_Alignas(64) _Atomic uint64_t wake_at; /* tail at which the consumer wants waking */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_kicked;
};

int queue_init(struct queue *q, uint32_t capacity); /* 0 or -errno */
void queue_destroy(struct queue *q);

/* Producer. 0, or -ENOBUFS when full. */
int queue_push(struct queue *q, const struct record *r);

uint32_t queue_depth(const struct queue *q);
uint64_t queue_pushed(struct queue *q);
uint64_t queue_taken(struct queue *q);

/* Consumer: return the record i places after the oldest; i < queue_depth. */
struct record *queue_at(struct queue *q, uint32_t i);
/* Consumer: lets go of the n oldest. */
void queue_take(struct queue *q, uint32_t n);

/* Consumer: sleep until depth records are queued, until a time of CLOCK_MONOTONIC, or until
 * woken. */
void queue_wait(struct queue *q, uint32_t depth, int64_t until_ms);
void queue_kick(struct queue *q);

#endif
