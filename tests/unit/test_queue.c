/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_queue.c - proves the ring between the threads: every record comes out unchanged and in
 * order, in steps of any size, over many rounds; it uses memory for waiting records, not for the
 * maximum.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "store/write/queue.h"

#define CAPACITY 20000

static struct record record_of(int64_t id)
{
	struct record r;

	memset(&r, (int)(id % 251), sizeof(r));
	r.type = RECORD_FLOW;
	r.flow.id = id;
	return r;
}

static void check(const struct record *r, int64_t id)
{
	struct record wanted = record_of(id);

	if (memcmp(r, &wanted, sizeof(wanted)))
		fail_msg("record %lld is not as it went in", (long long)id);
}

static size_t resident_bytes(const struct queue *q)
{
	size_t n = q->bytes / q->page, resident = 0;
	unsigned char *pages = malloc(n);

	assert_int_equal(mincore(q->ring, q->bytes, pages), 0);
	for (size_t i = 0; i < n; i++)
		resident += pages[i] & 1;
	free(pages);
	return resident * q->page;
}

/* Push and pop in steps of the given sizes, for some rounds. */
static void rounds(struct queue *q, uint32_t step)
{
	int64_t in = (int64_t)queue_pushed(q), out = (int64_t)queue_taken(q);

	while (out < in + 5 * CAPACITY) {
		struct record r;

		for (uint32_t i = 0; i < step; i++) {
			r = record_of(in);
			if (queue_push(q, &r) == -ENOBUFS)
				break;
			in++;
		}
		for (uint32_t i = 0; i < queue_depth(q); i++)
			check(queue_at(q, i), out + i);
		out += queue_depth(q);
		queue_take(q, queue_depth(q));
		if (out > 30 * CAPACITY)
			break;
	}
}

static void test_rounds(void **state)
{
	static const uint32_t steps[] = {1, 3, 16, 17, 1000, 9999, CAPACITY};
	struct queue q;

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(queue_init(&q, CAPACITY), 0);
		rounds(&q, steps[i]);
		assert_true(resident_bytes(&q) <= 4 * q.page);
		queue_destroy(&q);
	}
}

static void test_full(void **state)
{
	struct queue q;
	struct record r;

	(void)state;
	assert_int_equal(queue_init(&q, CAPACITY), 0);
	for (int64_t turn = 0; turn < 7; turn++) {
		for (int64_t i = 0; i < CAPACITY; i++) {
			r = record_of(turn * 7 * CAPACITY + i);
			assert_int_equal(queue_push(&q, &r), 0);
		}
		r = record_of(0);
		assert_int_equal(queue_push(&q, &r), -ENOBUFS);
		assert_true(resident_bytes(&q) >= CAPACITY * sizeof(r));
		for (uint32_t i = 0; i < CAPACITY; i++)
			check(queue_at(&q, i), turn * 7 * CAPACITY + i);
		queue_take(&q, CAPACITY - 1);
		queue_take(&q, 1);
		assert_true(resident_bytes(&q) <= 4 * q.page);
	}
	queue_destroy(&q);
}

#define RECORDS 1000000

static void *producer_main(void *data)
{
	struct queue *q = data;

	for (int64_t i = 0; i < RECORDS; i++) {
		struct record r = record_of(i);

		while (queue_push(q, &r) < 0)
			sched_yield();
	}
	return NULL;
}

/* A freed block is never one that the other thread has just written. */
static void test_two_threads(void **state)
{
	unsigned seed = 4711;
	pthread_t producer;
	struct queue q;
	int64_t out = 0;

	(void)state;
	assert_int_equal(queue_init(&q, 300), 0);
	assert_int_equal(pthread_create(&producer, NULL, producer_main, &q), 0);
	while (out < RECORDS) {
		uint32_t n = queue_depth(&q), take = n ? (uint32_t)rand_r(&seed) % n + 1 : 0;

		for (uint32_t i = 0; i < take; i++)
			check(queue_at(&q, i), out + i);
		queue_take(&q, take);
		out += take;
		if (!take)
			sched_yield();
	}
	pthread_join(producer, NULL);
	queue_destroy(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
