/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store_clock.c - proves that searches find the right rows although the clock was set back and
 * forward, by hours and by years, while the history was written.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store_lab.h"
#include "waymark/store/query.h"

#define HOUR_MS INT64_C(3600000)
#define YEAR_MS (365 * 24 * HOUR_MS)
/* Three full slices and a partial one. */
#define FLOWS 110000

/* From that flow on the clock was off by this much: within slices and at their edges. */
static const struct {
	int64_t id, off_ms;
} jumps[] = {
	{0, 0},	    {20000, -HOUR_MS}, {32768, HOUR_MS}, {32800, 0},	     {40000, YEAR_MS},
	{40010, 0}, {65535, -YEAR_MS}, {70000, HOUR_MS}, {100000, -HOUR_MS},
};
#define JUMPS (sizeof(jumps) / sizeof(jumps[0]))

static int64_t started_ms(int64_t id)
{
	size_t i = JUMPS;

	while (jumps[--i].id > id)
		;
	return LAB_NOON + id * 100 + jumps[i].off_ms;
}

static void history_make(const char *path)
{
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);

	store_lab_push_uplinks(w, LAB_NOON);
	for (int64_t id = 1; id <= FLOWS; id++) {
		struct record r = store_lab_flow(id);

		store_lab_end(&r);
		r.flow.started_ms = started_ms(id);
		r.flow.ended_ms = started_ms(id + 15);
		if (id % 1000 == 0)
			store_lab_addr(&r.flow.tuple[0].src, "192.168.1.77");
		store_lab_push(w, &r);
	}
	writer_flush(w);
	store_lab_wait(path, "SELECT count(*) = 3 FROM slice WHERE state = 1", 1);
	store_lab_stop(w, st);
}

struct answer {
	uint64_t n;
	int64_t sum;
};

static int row_count(void *data, const struct value *values, size_t n)
{
	struct answer *a = data;

	assert_true(n > 0);
	a->n++;
	a->sum += values[0].integer;
	return 0;
}

/* Count the same window by plain arithmetic. */
static struct answer expected(const struct query_filter *f, int64_t step)
{
	struct answer a = {0};

	for (int64_t id = step; id <= FLOWS; id += step) {
		int64_t ms = started_ms(id);

		if ((f->since_ms && ms < f->since_ms) || (f->until_ms && ms >= f->until_ms))
			continue;
		a.n++;
		a.sum += id;
	}
	return a;
}

static void window_check(struct query *q, int64_t since_ms, int64_t until_ms)
{
	for (int64_t step = 1; step <= 1000; step *= 1000) {
		struct answer got = {0}, want;
		struct query_filter f;

		query_filter_init(&f);
		f.since_ms = since_ms;
		f.until_ms = until_ms;
		f.src.len = 32;
		if (step > 1)
			store_lab_addr(&f.src.addr, "192.168.1.77");
		want = expected(&f, step);
		f.started_since_ms = f.since_ms; /* these flows stayed live for long */
		f.since_ms = 0;
		assert_int_equal(query_flows(q, &f, row_count, &got), 0);
		if (got.n != want.n || got.sum != want.sum)
			fail_msg("%" PRId64 " to %" PRId64 ", every %" PRId64 ": %" PRIu64
				 " flows, not %" PRIu64,
				 since_ms, until_ms, step, got.n, want.n);
	}
}

static void test_search_by_time(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct query *q;

	history_make(path);
	q = query_open(path, stderr);
	assert_non_null(q);
	for (size_t i = 0; i < JUMPS; i++) {
		int64_t ms = started_ms(jumps[i].id);

		window_check(q, ms - 50, ms + 5000);
		window_check(q, ms - 5000, ms + 50);
		window_check(q, ms - 1, ms + 1);
	}
	window_check(q, LAB_NOON - HOUR_MS, LAB_NOON);
	window_check(q, LAB_NOON + YEAR_MS / 2, 0);
	window_check(q, 0, LAB_NOON - YEAR_MS / 2);
	window_check(q, LAB_NOON - YEAR_MS / 2, LAB_NOON + YEAR_MS / 2);
	query_close(q);
}

static void test_totals_by_time(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct query_totals totals;
	struct query_filter f;
	struct query *q;

	history_make(path);
	q = query_open(path, stderr);
	query_filter_init(&f);
	f.since_ms = LAB_NOON - HOUR_MS;
	f.until_ms = LAB_NOON + HOUR_MS;
	assert_int_equal(query_totals(q, &f, &totals), 0);
	assert_int_equal(totals.flows, expected(&f, 1).n);
	query_close(q);
}

static uint64_t gaps_count(struct query *q, int64_t since_ms, int64_t until_ms)
{
	struct answer got = {0};
	struct query_filter f;

	query_filter_init(&f);
	f.since_ms = since_ms;
	f.until_ms = until_ms;
	assert_int_equal(query_gaps(q, &f, row_count, &got), 0);
	return got.n;
}

/* A gap from noon to five past eleven: a query for either time has it. */
static void test_gap_across_a_jump(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record g = {
		.type = RECORD_GAP,
		.gap = {.id = 1, .started_ms = LAB_NOON, .ended_ms = LAB_NOON - HOUR_MS + 300000}};
	struct query *q;

	store_lab_push(w, &g);
	writer_flush(w);
	q = query_open(path, stderr);
	assert_non_null(q);
	assert_int_equal(gaps_count(q, 0, 0), 1);
	assert_int_equal(gaps_count(q, LAB_NOON - 60000, LAB_NOON + 60000), 1);
	assert_int_equal(gaps_count(q, LAB_NOON - HOUR_MS, LAB_NOON - HOUR_MS + 600000), 1);
	assert_int_equal(gaps_count(q, LAB_NOON - 60000, 0), 1);
	assert_int_equal(gaps_count(q, 0, LAB_NOON - HOUR_MS + 600000), 1);
	assert_int_equal(gaps_count(q, LAB_NOON + 60000, 0), 0);
	assert_int_equal(gaps_count(q, 0, LAB_NOON - HOUR_MS), 0);
	query_close(q);
	store_lab_stop(w, st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_search_by_time, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_totals_by_time, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_gap_across_a_jump, store_lab_setup,
						store_lab_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
