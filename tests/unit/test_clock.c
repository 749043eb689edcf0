/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_clock.c - what the daemon puts off comes, whatever is done to the clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/daemon.h"

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

/* The event socket counts as not empty, so that a look is wished for and not begun. */
static void the_table_is_looked_at_now_and_then(void **state)
{
	struct daemon d = {.last_resync_ms = NOON, .events_gap.id = 1};

	(void)state;
	resync_tick(&d, NOON + 59000);
	assert_int_equal(d.next_resync_ms, 0);
	resync_tick(&d, NOON + 60000);
	assert_int_not_equal(d.next_resync_ms, 0);
	d.next_resync_ms = 0;
	resync_tick(&d, NOON - HOUR_MS / 2);
	assert_int_not_equal(d.next_resync_ms, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_in_its_time),
		cmocka_unit_test(comes_at_once_when_the_clock_is_set),
		cmocka_unit_test(runs_without_end),
		cmocka_unit_test(the_table_is_looked_at_now_and_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
