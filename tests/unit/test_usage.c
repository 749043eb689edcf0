/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_usage.c - proves that bytes between readings are counted once: counters that were reset
 * count from 0, bins get their share of the time, nothing is lost by rounding.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "waymark/audit/usage.h"

#define T (INT64_C(5000000) * USAGE_BIN_MS)

static struct usage_reading reading(uint64_t bytes, uint64_t started)
{
	return (struct usage_reading){
		.time_ms = T,
		.boot = 1,
		.table = 7,
		.ifindex = 3,
		.sent = {bytes / 100, bytes},
		.received = {bytes / 50, 2 * bytes},
		.flows = {started, started},
	};
}

static struct usage_record settled(const struct usage_reading *from, const struct usage_reading *to)
{
	struct usage_record out = {.slot = 1};

	usage_settle(from, to, &out);
	return out;
}

static void test_settle(void **state)
{
	struct usage_reading none = {0}, a = reading(1000, 5), b = reading(4000, 9);
	struct usage_record r = settled(&a, &b);

	(void)state;
	assert_int_equal(r.sent.bytes, 3000);
	assert_int_equal(r.sent.packets, 30);
	assert_int_equal(r.received.bytes, 6000);
	assert_int_equal(r.flows.flows_started, 4);
	assert_int_equal(r.reading.sent.bytes, 4000);
	r = settled(&none, &b);
	assert_true(usage_is_zero(&r));
}

static void test_set_back(void **state)
{
	struct usage_reading a = reading(4000, 9), b = reading(1000, 10);
	struct usage_record r = settled(&a, &b);

	(void)state;
	assert_int_equal(r.sent.bytes, 1000); /* lower: the interface was set up again */
	assert_int_equal(r.flows.flows_started, 1);
	b = reading(9000, 20);
	b.ifindex = 4;
	b.table = 8;
	r = settled(&a, &b);
	assert_int_equal(r.sent.bytes, 9000);
	assert_int_equal(r.flows.flows_started, 20);
	b = reading(9000, 20);
	b.boot = 2;
	r = settled(&a, &b);
	assert_int_equal(r.sent.bytes, 9000);
	assert_int_equal(r.flows.flows_answered, 20);
	a.ifindex = 0; /* the interface was missing: what the new one counted before is unknown */
	a.table = 0;
	r = settled(&a, &b);
	assert_true(usage_is_zero(&r));
}

struct parts {
	struct usage_record sum, last;
	int64_t first_ms;
	unsigned n;
};

static void part_take(void *data, const struct usage_record *part)
{
	struct parts *p = data;

	if (!p->n++)
		p->first_ms = part->time_ms;
	p->last = *part;
	usage_merge(&p->sum, part);
}

static struct parts split(int64_t from_ms, int64_t to_ms)
{
	struct usage_record whole = {
		.slot = 1,
		.sent = {1001, 1000003},
		.received = {77, 123457},
		.flows = {11, 7},
		.reading = reading(1, 1),
	};
	struct parts p = {0};

	usage_split(&whole, from_ms, to_ms, part_take, &p);
	assert_int_equal(p.sum.sent.bytes, 1000003);
	assert_int_equal(p.sum.sent.packets, 1001);
	assert_int_equal(p.sum.received.bytes, 123457);
	assert_int_equal(p.sum.flows.flows_answered, 7);
	assert_int_equal(p.last.reading.time_ms, T);
	return p;
}

static void test_split(void **state)
{
	struct parts p = split(T + 1000, T + 61000);

	(void)state;
	assert_int_equal(p.n, 1);
	p = split(T + USAGE_BIN_MS - 1000, T + USAGE_BIN_MS + 3000);
	assert_int_equal(p.n, 2);
	assert_in_range(p.last.sent.bytes, 750000, 750005); /* three of four seconds */
	p = split(T, T + 10 * USAGE_BIN_MS + 1);
	assert_int_equal(p.n, 11);
	p = split(T, T + 2 * USAGE_BIN_MS); /* a bin ends there: the reading comes with the next */
	assert_int_equal(p.n, 3);
	p = split(T, T + INT64_C(40) * 86400000);
	assert_in_range(p.n, 2, USAGE_PARTS_MAX + 1);
	assert_int_equal(p.first_ms, T);
	p = split(T + 5000, T); /* the clock was set back */
	assert_int_equal(p.n, 1);
}

/* With any times nothing is lost and nothing is added. */
static void test_any_times(void **state)
{
	(void)state;
	srand(7);
	for (int i = 0; i < 2000; i++) {
		int64_t from_ms = T + rand() % 100000000;

		split(from_ms, from_ms + rand() % 2000000000 - 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_set_back),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_any_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
