/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_power_loss.c - proves that a loss of power at any moment, while flows are written and the
 * oldest are deleted, leaves a history that is intact, is a former state, and can be continued.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk_vfs.h"
#include "store_lab.h"

#define LOSSES	       80
#define FLOWS_A_LOSS   800
#define MOMENTS_A_LOSS 8

struct run {
	struct store *st;
	struct writer *w;
	int64_t last_id;
	int64_t losses, at_stake, torn; /* torn: losses that left less than was written */
};

static void flows_push(struct run *run, int n)
{
	for (int i = 0; i < n; i++) {
		struct record r = store_lab_flow(++run->last_id);

		store_lab_end(&r);
		store_lab_push(run->w, &r);
	}
}

/* No flow between the oldest and the newest is missing: a later transaction never survives without
 * an earlier one. */
static void left_is_whole(struct run *run, const char *path)
{
	int64_t newest;

	store_lab_expect(path, "PRAGMA integrity_check", "ok");
	store_lab_expect(path, "SELECT ifnull(max(id) - min(id) + 1, 0) = count(*) FROM flows",
			 "1");
	newest = store_lab_number(path, "SELECT ifnull(max(id), 0) FROM flows");
	assert_true(newest <= run->last_id);
	run->torn += newest < run->last_id;
}

/* Waymark opens it, and continues to write. */
static void left_goes_on(const char *path)
{
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record r = store_lab_flow(1000000);

	store_lab_end(&r);
	store_lab_push(w, &r);
	store_lab_stop(w, st);
	store_lab_expect(path, "SELECT count(*) FROM flows WHERE id = 1000000", "1");
	store_lab_expect(path, "PRAGMA integrity_check", "ok");
}

static void power_lose(struct run *run, const char *path)
{
	char wal[600];
	int n = disk_vfs_lose_power(path, (uint32_t)++run->losses);

	assert_true(n >= 0);
	run->at_stake += n;
	left_is_whole(run, path);
	if (run->losses % 10 == 0)
		left_goes_on(path);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	unlink(wal);
	snprintf(wal, sizeof(wal), "%s-shm", path);
	unlink(wal);
	unlink(path);
}

static void test_power_loss(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	const char *left = store_lab_path(*state, "left.db");
	struct run run = {0};

	run.st = store_lab_open(path);
	store_close(run.st);
	disk_vfs_remember(path);
	run.st = store_lab_open(path);
	run.w = store_lab_start(run.st);
	for (int i = 0; i < LOSSES; i++) {
		/* Stop at moments in and between batches, checkpoints and steps of retention. */
		flows_push(&run, FLOWS_A_LOSS);
		if (i % MOMENTS_A_LOSS == 0)
			writer_set_retention(run.w, 0, (uint64_t)(4 + i % 3) << 20);
		store_lab_sleep_ms(i * 7 % 40);
		power_lose(&run, left);
	}
	fprintf(stderr, "%lld losses, %lld writes at stake, %lld times less was left\n",
		(long long)run.losses, (long long)run.at_stake, (long long)run.torn);
	assert_true(run.at_stake > 0);
	assert_true(run.torn > 0);
	store_lab_stop(run.w, run.st);
	disk_vfs_forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_power_loss, store_lab_setup,
						store_lab_teardown),
	};

	if (disk_vfs_register())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
