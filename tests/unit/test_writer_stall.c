/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_writer_stall.c - proves that a disk that hangs for ten seconds delays no caller: records
 * that the queue can hold are written afterwards, and the others are refused and counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "disk_vfs.h"
#include "store_lab.h"

#define STALL_MS 10000

/* A push should take microseconds. The machine may be busy for a while; a push that waits for the
 * disk would take seconds. */
#define PUSH_MOST_MS 1000

struct producer {
	struct writer *w;
	int64_t next_id, worst_ns;
	uint64_t accepted, refused;
	int64_t accepted_sum;
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void push(struct producer *p)
{
	struct record r = store_lab_flow(p->next_id++);
	struct writer_stats stats;
	int64_t began_ns;
	int error;

	store_lab_end(&r);
	began_ns = now_ns();
	error = writer_push(p->w, &r);
	writer_stats(p->w, &stats);
	began_ns = now_ns() - began_ns;
	if (began_ns > p->worst_ns)
		p->worst_ns = began_ns;
	if (error) {
		p->refused++;
		return;
	}
	p->accepted++;
	p->accepted_sum += r.flow.id;
}

/* 2,000 per second, while the disk hangs and for one second more. */
static void push_all_along(struct producer *p)
{
	int64_t began_ns = now_ns();

	disk_vfs_stall(STALL_MS);
	while (now_ns() - began_ns < (STALL_MS + 1000) * INT64_C(1000000)) {
		for (int i = 0; i < 20; i++)
			push(p);
		store_lab_sleep_ms(10);
	}
}

static void all_are_there(const char *path, const struct producer *p)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "%llu|%lld", (unsigned long long)p->accepted,
		 (long long)p->accepted_sum);
	store_lab_expect(path, "SELECT count(*), sum(id) FROM flows WHERE state = 'ended'",
			 expected);
	store_lab_expect(path, "PRAGMA integrity_check", "ok");
}

static void stalled(void **state, uint32_t capacity, bool is_refused)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct producer p = {.w = writer_start(st, capacity, 100), .next_id = 1};
	struct writer_stats stats;
	unsigned waits = disk_vfs_waits();

	assert_non_null(p.w);
	push(&p);
	writer_flush(p.w);
	push_all_along(&p);
	writer_flush(p.w);
	assert_true(disk_vfs_waits() > waits);
	writer_stats(p.w, &stats);
	fprintf(stderr, "%llu pushed, %llu refused, the longest took %.3f ms\n",
		(unsigned long long)p.accepted, (unsigned long long)p.refused,
		(double)p.worst_ns / 1e6);
	assert_true(p.worst_ns < PUSH_MOST_MS * INT64_C(1000000));
	assert_int_equal(stats.dropped, p.refused);
	assert_int_equal(stats.written, p.accepted);
	assert_int_equal(stats.failed, 0);
	assert_int_equal(stats.depth, 0);
	assert_int_equal(p.refused > 0, is_refused);
	assert_int_equal(stats.depth_max == capacity, is_refused);
	all_are_there(path, &p);
	store_lab_stop(p.w, st);
	all_are_there(path, &p);
}

static void test_queue_holds(void **state)
{
	stalled(state, 65536, false);
}

static void test_queue_is_full(void **state)
{
	stalled(state, 1000, true);
}

/* A stop meanwhile waits for the disk, and loses nothing. */
static void test_stop(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct producer p = {.w = writer_start(st, 65536, 100), .next_id = 1};
	bool was_clean = false;

	disk_vfs_stall(STALL_MS);
	for (int i = 0; i < 5000; i++)
		push(&p);
	store_lab_stop(p.w, st);
	assert_int_equal(p.refused, 0);
	all_are_there(path, &p);
	st = store_lab_open(path);
	store_last_alive_ms(st, &was_clean);
	assert_true(was_clean);
	store_close(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_queue_holds, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_queue_is_full, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_stop, store_lab_setup, store_lab_teardown),
	};

	if (disk_vfs_register())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
