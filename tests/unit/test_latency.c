/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_latency.c - quantiles of times: exact where they are short, to an eighth where
 * they are long, of the last minute alone; and when reliable ends are left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/write/latency.h"
#include "daemon/destroy_reliability.h"

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
	/* A clock that is put back forgets. */
	latency_add(&l, NOW + 200000, 3);
	assert_int_equal(latency_quantile(&l, NOW, 1000), -1);
	latency_add(&l, NOW, 4);
	assert_int_equal(latency_quantile(&l, NOW, 1000), 4);
}

static void test_valve(void **state)
{
	static const struct {
		bool was;
		uint64_t count, max;
		bool is;
	} cases[] = {
		{false, 0, 262144, true},
		{true, 209715, 262144, true},
		{true, 209716, 262144, false},
		{false, 209715, 262144, false},
		{false, 157286, 262144, false},
		{false, 157285, 262144, true},
		{true, 80, 100, true},
		{true, 81, 100, false},
		{false, 60, 100, false},
		{false, 59, 100, true},
		{true, 1, 0, false},
		{false, 0, 0, false},
		{true, UINT64_MAX / 2, UINT64_MAX, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(
			destroy_reliability_wanted(cases[i].was, cases[i].count, cases[i].max),
			cases[i].is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_every_size),
		cmocka_unit_test(test_a_minute),
		cmocka_unit_test(test_valve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
