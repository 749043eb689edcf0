/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue.c - a ring buffer between the thread that makes records and the writer.
 *
 * Knows nothing of SQLite.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "waymark/base/thread.h"
#include "store/write/queue.h"

#define AWAKE UINT64_MAX

/* Map the ring. When all records of a page have been taken, the page is returned to the kernel.
 * Before that, the producer must not reuse the page's places, because the new records would be lost
 * with the page. Therefore the ring has more places than its capacity: up to a page of additional
 * places. */
static int ring_map(struct queue *q, uint32_t capacity)
{
	q->page = (size_t)sysconf(_SC_PAGESIZE);
	q->capacity = capacity;
	q->places = capacity + (uint32_t)(q->page / sizeof(*q->ring)) + 2;
	q->bytes = (q->places * sizeof(*q->ring) + q->page - 1) & ~(q->page - 1);
	q->clean = 0;
	q->ring = mmap(NULL, q->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return q->ring == MAP_FAILED ? -errno : 0;
}

int queue_init(struct queue *q, uint32_t capacity)
{
	int r = ring_map(q, capacity);

	if (r < 0)
		return r;
	q->is_kicked = false;
	atomic_init(&q->tail, 0);
	atomic_init(&q->head, 0);
	atomic_init(&q->wake_at, AWAKE);
	pthread_mutex_init(&q->lock, NULL);
	thread_cond_init(&q->wake);
	return 0;
}

void queue_destroy(struct queue *q)
{
	pthread_cond_destroy(&q->wake);
	pthread_mutex_destroy(&q->lock);
	munmap(q->ring, q->bytes);
}

/* Push a record. queue_wait() writes wake_at and then reads tail; this function writes tail and
 * then reads wake_at. All four accesses are sequentially consistent, so at least one side sees the
 * other's write, and no wakeup is lost. */
int queue_push(struct queue *q, const struct record *r)
{
	uint64_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

	if (tail - atomic_load_explicit(&q->head, memory_order_acquire) >= q->capacity)
		return -ENOBUFS;
	q->ring[tail % q->places] = *r;
	atomic_store(&q->tail, tail + 1);
	if (tail + 1 < atomic_load(&q->wake_at))
		return 0;
	pthread_mutex_lock(&q->lock);
	pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

uint64_t queue_pushed(struct queue *q)
{
	return atomic_load(&q->tail);
}

uint64_t queue_taken(struct queue *q)
{
	return atomic_load(&q->head);
}

uint32_t queue_depth(const struct queue *q)
{
	uint64_t head = atomic_load(&q->head);

	return (uint32_t)(atomic_load(&q->tail) - head);
}

struct record *queue_at(struct queue *q, uint32_t i)
{
	return &q->ring[(atomic_load_explicit(&q->head, memory_order_relaxed) + i) % q->places];
}

static void pages_release(struct queue *q, size_t from, size_t to)
{
	if (to > from)
		madvise((char *)q->ring + from, to - from, MADV_DONTNEED);
}

/* Drop the n oldest records. Release their pages before head advances, because the producer may
 * reuse their places as soon as head has advanced. */
void queue_take(struct queue *q, uint32_t n)
{
	uint64_t head = atomic_load_explicit(&q->head, memory_order_relaxed) + n;
	size_t end = head % q->places * sizeof(*q->ring) & ~(q->page - 1);

	if (end < q->clean) {
		pages_release(q, q->clean, q->bytes);
		q->clean = 0;
	}
	pages_release(q, q->clean, end);
	q->clean = end;
	atomic_store_explicit(&q->head, head, memory_order_release);
}

void queue_wait(struct queue *q, uint32_t depth, int64_t until_ms)
{
	struct timespec until = thread_deadline(until_ms);
	uint64_t wanted = atomic_load(&q->head) + depth;

	pthread_mutex_lock(&q->lock);
	atomic_store(&q->wake_at, wanted);
	while (!q->is_kicked && atomic_load(&q->tail) < wanted)
		if (pthread_cond_timedwait(&q->wake, &q->lock, &until))
			break;
	atomic_store(&q->wake_at, AWAKE);
	q->is_kicked = false;
	pthread_mutex_unlock(&q->lock);
}

void queue_kick(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->is_kicked = true;
	pthread_cond_signal(&q->wake);
	pthread_mutex_unlock(&q->lock);
}
