/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_latency.c - proves quantiles of times: exact for short ones, to an eighth for long ones, and
 * only for the last minute.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/write/latency.h"

#define NOW INT64_C(1700000000000)

static void test_quantiles(void **state)
{
	struct latency l = {.turn = 0};

	(void)state;
	assert_int_equal(latency_quantile(&l, NOW, 500), -1);
	for (int i = 1; i <= 100; i++)
		latency_add(&l, NOW, i <= 50 ? 7 : i <= 99 ? 12 : 300);
	assert_int_equal(latency_quantile(&l, NOW, 500), 7);
	assert_int_equal(latency_quantile(&l, NOW, 510), 12);
	assert_int_equal(latency_quantile(&l, NOW, 990), 12);
	assert_in_range(latency_quantile(&l, NOW, 1000), 300, 300 * 9 / 8);
	latency_add(&l, NOW, -5);
	assert_int_equal(latency_quantile(&l, NOW, 1), 0);
}

static void test_every_size(void **state)
{
	(void)state;
	for (int64_t ms = 0; ms < 4000000; ms += 1 + ms / 50) {
		struct latency l = {.turn = 0};
		int64_t said;

		latency_add(&l, NOW, ms);
		said = latency_quantile(&l, NOW, 500);
		assert_true(said >= ms && said <= ms + ms / 8);
	}
}

static void test_a_minute(void **state)
{
	struct latency l = {.turn = 0};

	(void)state;
	latency_add(&l, NOW, 1000);
	latency_add(&l, NOW + 30000, 2);
	assert_true(latency_quantile(&l, NOW + 59000, 1000) >= 1000);
	assert_int_equal(latency_quantile(&l, NOW + 85000, 1000), 2);
	assert_int_equal(latency_quantile(&l, NOW + 200000, 1000), -1);
	/* A clock that is set back empties the histogram. */
	latency_add(&l, NOW + 200000, 3);
	assert_int_equal(latency_quantile(&l, NOW, 1000), -1);
	latency_add(&l, NOW, 4);
	assert_int_equal(latency_quantile(&l, NOW, 1000), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_every_size),
		cmocka_unit_test(test_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
