/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_disk_worker.c - proves that jobs on files keep their order and return their results; a disk
 * that does not answer blocks no caller, jobs wait up to a bound, and the owner can leave.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "waymark/base/disk_worker.h"

/* A disk that answers when a pipe has a byte. */
static int pipe_ends[2];
static char written[8192];
static atomic_uint n_written;

static int setup(void **state)
{
	(void)state;
	written[0] = '\0';
	atomic_store(&n_written, 0);
	return pipe(pipe_ends);
}

static int teardown(void **state)
{
	(void)state;
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	return 0;
}

static int write_at_once(const char *path, const char *text)
{
	if (!strcmp(path, "full"))
		return -ENOSPC;
	strcat(written, text);
	atomic_fetch_add(&n_written, 1);
	return 0;
}

static int write_at_last(const char *path, const char *text)
{
	char byte;

	if (read(pipe_ends[0], &byte, 1) != 1)
		return -EIO;
	return write_at_once(path, text);
}

static void answer(unsigned n)
{
	while (n-- > 0)
		assert_int_equal(write(pipe_ends[1], "x", 1), 1);
}

/* Wait for N late jobs, and sum them. */
static struct disk_worker_late late_wait(struct disk_worker *w, uint64_t n)
{
	struct disk_worker_late sum = {0}, late;

	for (int i = 0; i < 2000 && sum.done + sum.failed < n; i++) {
		disk_worker_late(w, &late);
		sum.done += late.done;
		sum.failed += late.failed;
		if (late.failed)
			sum.error = late.error;
		usleep(10000);
	}
	return sum;
}

static void test_results(void **state)
{
	struct disk_worker *w = disk_worker_new();
	struct disk_worker_late late;

	(void)state;
	assert_non_null(w);
	assert_int_equal(disk_worker_run(w, write_at_once, "a", "one "), 0);
	assert_int_equal(disk_worker_run(w, write_at_once, "full", "two "), -ENOSPC);
	assert_int_equal(disk_worker_run(w, write_at_once, "a", "three"), 0);
	assert_string_equal(written, "one three");
	disk_worker_late(w, &late);
	assert_int_equal(late.done + late.failed, 0);
	disk_worker_free(w);
}

static void test_no_answer(void **state)
{
	struct disk_worker *w = disk_worker_new();
	struct disk_worker_late late;

	(void)state;
	assert_int_equal(disk_worker_run(w, write_at_last, "a", "one "), -EINPROGRESS);
	assert_int_equal(disk_worker_run(w, write_at_once, "full", "two "), -EINPROGRESS);
	assert_int_equal(disk_worker_run(w, write_at_once, "a", "three"), -EINPROGRESS);
	assert_string_equal(written, "");
	answer(1);
	late = late_wait(w, 3);
	assert_int_equal(late.done, 2);
	assert_int_equal(late.failed, 1);
	assert_int_equal(late.error, -ENOSPC);
	assert_string_equal(written, "one three");
	assert_int_equal(disk_worker_run(w, write_at_once, "a", "!"), 0);
	disk_worker_free(w);
}

static void test_bound(void **state)
{
	struct disk_worker *w = disk_worker_new();

	(void)state;
	assert_int_equal(disk_worker_run(w, write_at_last, "a", "."), -EINPROGRESS);
	for (int i = 1; i < DISK_WORKER_JOBS_MAX; i++)
		assert_int_equal(disk_worker_run(w, write_at_once, "a", "."), -EINPROGRESS);
	assert_int_equal(disk_worker_run(w, write_at_once, "a", "."), -ENOBUFS);
	answer(1);
	assert_int_equal(late_wait(w, DISK_WORKER_JOBS_MAX).done, DISK_WORKER_JOBS_MAX);
	assert_int_equal(strlen(written), DISK_WORKER_JOBS_MAX);
	disk_worker_free(w);
}

/* The thread outlives its owner, and frees the rest. */
static void test_owner_leaves(void **state)
{
	struct disk_worker *w = disk_worker_new();

	(void)state;
	assert_int_equal(disk_worker_run(w, write_at_last, "a", "one "), -EINPROGRESS);
	assert_int_equal(disk_worker_run(w, write_at_once, "a", "two"), -EINPROGRESS);
	disk_worker_free(w);
	answer(1);
	for (int i = 0; i < 2000 && !atomic_load(&n_written); i++)
		usleep(10000);
	usleep(100000);
	assert_int_equal(atomic_load(&n_written), 1);
	assert_string_equal(written, "one ");
	disk_worker_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_results, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_owner_leaves, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
