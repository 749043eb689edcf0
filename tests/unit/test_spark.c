/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_spark.c - proves sparklines: the newest value last, scaled to the maximum, blank where a
 * value is unknown, never longer than their room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/top/top.h"

static void test_scale(void **state)
{
	struct top_past p = {.n = 0};
	char buf[64];

	(void)state;
	assert_string_equal(top_spark(&p, 3, false, buf, sizeof(buf)), "   ");
	top_past_add(&p, 0);
	top_past_add(&p, 50);
	top_past_add(&p, 100);
	assert_string_equal(top_spark(&p, 5, false, buf, sizeof(buf)), "  _-#");
	assert_string_equal(top_spark(&p, 3, true, buf, sizeof(buf)), "\u2581\u2584\u2588");
	top_past_add(&p, -1);
	assert_string_equal(top_spark(&p, 2, false, buf, sizeof(buf)), "# ");
}

static void test_room(void **state)
{
	struct top_past p = {.n = 0};
	char buf[8];

	(void)state;
	for (int i = 0; i < 2 * TOP_PAST; i++)
		top_past_add(&p, i < TOP_PAST ? 1000 : 1);
	assert_string_equal(top_spark(&p, 7, true, buf, sizeof(buf)), "\u2588\u2588");
	assert_string_equal(top_spark(&p, 7, false, buf, sizeof(buf)), "#######");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scale),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
