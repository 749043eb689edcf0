/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store_coverage.c - proves that intervals become sums per hour and uplink, that the view has
 * what is missing and why, and that the next daemon finds the former readings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_lab.h"
#include "waymark/store/changes.h"
#include "waymark/store/query.h"

#define MINUTE_MS 60000

static struct coverage_record interval(uint8_t slot, int64_t started_ms, uint64_t left,
				       uint64_t seen)
{
	return (struct coverage_record){
		.slot = slot,
		.started_ms = started_ms,
		.ended_ms = started_ms + MINUTE_MS,
		.has_left = true,
		.has_link = true,
		.is_whole = true,
		.link = {left + 1, left * 20},
		.left = {left, left * 10},
		.rules = {[RULE_OUT] = {left, left * 10}},
		.flows = {[SHARE_SEEN] = {seen, seen * 10}},
		.reading = {.time_ms = started_ms + MINUTE_MS},
	};
}

static void push(struct writer *w, const struct coverage_record *r)
{
	struct record out = {.type = RECORD_COVERAGE, .coverage = malloc(sizeof(*r))};

	assert_non_null(out.coverage);
	*out.coverage = *r;
	store_lab_push(w, &out);
}

static int change_note(void *data, const struct change *c)
{
	char *text = data;

	sprintf(text + strlen(text), "%d:%d ", (int)c->kind, (int)c->id);
	return 0;
}

/* Exporters learn of an hour each time that its sums grow. */
static void changes_expect(const char *path, const char *wanted)
{
	struct query *q = query_open(path, stderr);
	char text[256] = "";

	assert_non_null(q);
	assert_int_equal(query_changes(q, 0, 100, change_note, text), 0);
	assert_string_equal(text, wanted);
	query_close(q);
}

static void sums_by_the_hour(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct coverage_record r;

	store_lab_push_uplinks(w, LAB_NOON);
	r = interval(0, LAB_NOON, 100, 60);
	push(w, &r);
	r = interval(0, LAB_NOON + MINUTE_MS, 100, 130); /* late packets count */
	push(w, &r);
	r = interval(1, LAB_NOON, 30000, 29999);
	push(w, &r);
	/* An interval belongs to the hour of its middle. */
	r = interval(0, LAB_NOON + 3600000 - MINUTE_MS / 4, 0, 0);
	push(w, &r);
	writer_flush(w);
	store_lab_expect(path,
			 "SELECT hour, uplink, left_packets, left_bytes, seen_packets, share,"
			 " missing_packets, causes FROM coverage ORDER BY hour, uplink",
			 "2026-03-01T12:00:00.000Z|wan1|200|2000|190|0.95|10|other 10\n"
			 "2026-03-01T12:00:00.000Z|wan2|30000|300000|29999|0.9999|1|other 1\n"
			 "2026-03-01T13:00:00.000Z|wan1|0|0|0|-|0|nothing sent");
	changes_expect(path, "4:1 4:1 4:2 4:3 ");
	store_lab_stop(w, st);
}

static void forget(struct writer *w, const char *text)
{
	struct addr host;

	assert_int_equal(addr_parse(&host, text), 0);
	assert_int_equal(writer_forget(w, &host), 0);
	while (!writer_is_pruned(w))
		writer_flush(w);
}

/* The latest example of the hour is kept, until its host is to be deleted. */
static void keeps_an_example_of_no_flow(void **state)
{
	static const char asked[] = "SELECT untracked, untracked_example FROM coverage";
	static const char answers[] = "SELECT unasked, unasked_example, causes FROM coverage";
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct coverage_record r = interval(0, LAB_NOON, 100, 50);

	store_lab_push_uplinks(w, LAB_NOON);
	push(w, &r);
	writer_flush(w);
	store_lab_expect(path, asked, "0|-");
	r = interval(0, LAB_NOON + MINUTE_MS, 100, 90);
	r.rules[RULE_UNTRACKED].packets = 10;
	strcpy(r.untracked_example, "udp [2001:db8::1]:53 > [2001:db8::21]:4000");
	push(w, &r);
	*r.untracked_example = '\0';
	r.unasked = 3;
	strcpy(r.unasked_example, "udp [2001:db8::1]:53 > [2001:db8::21]:4001");
	push(w, &r);
	writer_flush(w);
	store_lab_expect(path, answers,
			 "3|udp [2001:db8::1]:53 > [2001:db8::21]:4001|untracked 20, other 50");
	store_lab_expect(path, asked, "20|udp [2001:db8::1]:53 > [2001:db8::21]:4000");
	forget(w, "2001:db8::2");
	store_lab_expect(path, asked, "20|udp [2001:db8::1]:53 > [2001:db8::21]:4000");
	forget(w, "2001:db8::21");
	store_lab_expect(path, asked, "20|-");
	store_lab_expect(path, answers, "3|-|untracked 20, other 50");
	store_lab_stop(w, st);
}

static void reports_why(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct coverage_record r = interval(0, LAB_NOON, 100, 50);

	store_lab_push_uplinks(w, LAB_NOON);
	r.rules[RULE_UNTRACKED].packets = 10;
	r.flows[SHARE_PREDATING].packets = 7;
	r.flows[SHARE_OFFLOADED].packets = 6;
	r.flows[SHARE_GAP].packets = 5;
	push(w, &r);
	writer_flush(w);
	store_lab_expect(path, "SELECT causes FROM coverage",
			 "untracked 10, offloaded 6, predating 7, gap 5, other 22");
	r = interval(0, LAB_NOON + MINUTE_MS, 0, 0);
	r.is_whole = false;
	r.has_gap = true;
	r.left.packets = r.skipped.packets = 40;
	push(w, &r);
	writer_flush(w);
	store_lab_expect(path, "SELECT missing_packets, causes FROM coverage",
			 "90|untracked 10, rules-missing 40, offloaded 6, predating 7, gap 27");
	r.has_left = false;
	push(w, &r);
	writer_flush(w);
	store_lab_expect(path, "SELECT left_packets, share, causes FROM coverage", "-|-|not known");
	store_lab_stop(w, st);
}

struct readings {
	int n;
	struct coverage_reading of[UPLINKS_MAX];
};

static void reading_keep(void *data, uint8_t slot, const struct coverage_reading *r)
{
	struct readings *k = data;

	k->n++;
	k->of[slot] = *r;
}

static void readings_come_back(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct coverage_record r = {.slot = 1};
	struct readings found = {0};

	store_lab_push_uplinks(w, LAB_NOON);
	r.reading = (struct coverage_reading){
		.time_ms = LAB_NOON,
		.boot = UINT64_MAX - 5,
		.table = 8,
		.ifindex = 9,
		.link = {1, 2},
		.rules = {{3, 4}, {5, 6}, {(uint64_t)-7, (uint64_t)-8}},
		.flows = {{9, 10}, {(uint64_t)-11, (uint64_t)-12}, {13, 14}},
	};
	r.reading.time_ms--;
	push(w, &r);
	r.reading.time_ms++;
	push(w, &r); /* the last one counts */
	store_lab_stop(w, st);
	st = store_lab_open(path);
	assert_int_equal(store_each_reading(st, reading_keep, &found), 0);
	assert_int_equal(found.n, 1);
	assert_memory_equal(&found.of[1], &r.reading, sizeof(r.reading));
	/* A reading alone is no interval. */
	store_lab_expect(path, "SELECT count(*) FROM coverage", "0");
	store_close(st);
}

/* Return rows as a listing gets them. */
struct shown {
	int n;
	double share;
};

static int row_keep(void *data, const struct value *values, size_t n)
{
	struct shown *s = data;

	s->n++;
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(values[i].name, "share") && values[i].kind == VALUE_REAL)
			s->share = values[i].real;
	}
	return 0;
}

static void is_searched(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct coverage_record r = interval(0, LAB_NOON, 100, 25);
	struct query *q;
	struct query_filter f;
	struct shown shown = {0};

	store_lab_push_uplinks(w, LAB_NOON);
	push(w, &r);
	r = interval(1, LAB_NOON, 100, 100);
	push(w, &r);
	r = interval(0, LAB_NOON + 3600000, 100, 100);
	push(w, &r);
	writer_flush(w);
	q = query_open(path, stderr);
	assert_non_null(q);
	query_filter_init(&f);
	assert_int_equal(query_coverage(q, &f, row_keep, &shown), 0);
	assert_int_equal(shown.n, 3);
	f.uplink = "wan1";
	f.until_ms = LAB_NOON + 3600000;
	shown.n = 0;
	assert_int_equal(query_coverage(q, &f, row_keep, &shown), 0);
	assert_int_equal(shown.n, 1);
	assert_true(shown.share > 0.2499 && shown.share < 0.2501);
	/* An hour that started before counts; one that is over does not. */
	f.since_ms = LAB_NOON + 2 * MINUTE_MS;
	shown.n = 0;
	assert_int_equal(query_coverage(q, &f, row_keep, &shown), 0);
	assert_int_equal(shown.n, 1);
	f.since_ms = LAB_NOON + 3600000;
	shown.n = 0;
	assert_int_equal(query_coverage(q, &f, row_keep, &shown), 0);
	assert_int_equal(shown.n, 0);
	query_close(q);
	store_lab_stop(w, st);
}

/* Retention deletes old hours, and no younger one. */
static void is_pruned(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct coverage_record r;
	int64_t now_ms = store_lab_number(path, "SELECT strftime('%s') * 1000");

	store_lab_push_uplinks(w, LAB_NOON);
	r = interval(0, now_ms - INT64_C(10) * 86400000, 100, 25);
	push(w, &r);
	r = interval(0, now_ms - MINUTE_MS, 100, 25);
	push(w, &r);
	writer_flush(w);
	assert_int_equal(store_lab_number(path, "SELECT count(*) FROM coverage_hour"), 2);
	writer_set_retention(w, 5 * 86400, 0);
	writer_prune(w);
	store_lab_wait(path, "SELECT 3 - count(*) FROM coverage", 2);
	store_lab_expect(path, "SELECT sum(packets) FROM coverage_count WHERE kind = 1", "100");
	store_lab_stop(w, st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sums_by_the_hour, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(keeps_an_example_of_no_flow, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(reports_why, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(readings_come_back, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(is_searched, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(is_pruned, store_lab_setup, store_lab_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
