/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_clock.c - proves that postponed work is done although the clock is set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/resync.h"
#include "waymark/base/clock.h"

#define NOON	1772366400000
#define HOUR_MS 3600000

static void comes_in_its_time(void **state)
{
	(void)state;
	assert_false(clock_is_due(0, NOON, 500));
	assert_false(clock_is_due(NOON + 500, NOON, 500));
	assert_false(clock_is_due(NOON + 1, NOON, 500));
	assert_true(clock_is_due(NOON, NOON, 500));
	assert_true(clock_is_due(NOON - 1, NOON, 500));
}

static void comes_at_once_when_the_clock_is_set(void **state)
{
	(void)state;
	assert_true(clock_is_due(NOON + 500, NOON - HOUR_MS, 500));
	assert_true(clock_is_due(NOON + 500, NOON - 1, 500));
	assert_true(clock_is_due(NOON + 500, NOON + HOUR_MS, 500));
	assert_false(clock_is_due(0, NOON - HOUR_MS, 500));
}

static void runs_without_end(void **state)
{
	int64_t before = clock_steady_ms();

	(void)state;
	assert_true(before >= 0);
	assert_in_range(clock_steady_ms() - before, 0, 1000);
	assert_true(clock_now_ms() > 0);
}

static void the_table_is_dumped_now_and_then(void **state)
{
	(void)state;
	assert_false(resync_is_routine_due(0, 0, NOON));
	assert_false(resync_is_routine_due(NOON, 0, NOON + 59000));
	assert_true(resync_is_routine_due(NOON, 0, NOON + 60000));
	assert_true(resync_is_routine_due(NOON, 0, NOON - HOUR_MS / 2));
	assert_false(resync_is_routine_due(NOON, 10000, NOON + 489000));
	assert_true(resync_is_routine_due(NOON, 10000, NOON + 490000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_in_its_time),
		cmocka_unit_test(comes_at_once_when_the_clock_is_set),
		cmocka_unit_test(runs_without_end),
		cmocka_unit_test(the_table_is_dumped_now_and_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
