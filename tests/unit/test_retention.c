/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_retention.c - proves that flows that are too old, or too many, are deleted, and nothing
 * else, also when the clock is set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "store/write/age_clock.h"
#include "store_lab.h"

static void test_retention_by_age(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	int64_t now = (int64_t)time(NULL) * 1000;
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);

	/* A day of 80,000 flows of one second each; every thousandth stays live. */
	for (int64_t i = 1; i <= 80000; i++) {
		struct record r = store_lab_flow(i);

		if (i % 1000)
			store_lab_end(&r);
		r.flow.started_ms = now - 86400000 + i * 1080;
		r.flow.ended_ms = i % 1000 ? r.flow.started_ms + 1000 : 0;
		store_lab_push(w, &r);
	}
	writer_flush(w);
	writer_set_retention(w, 43200, 0);
	/* Time passes while the flows are written. */
	store_lab_wait(path, "SELECT count(*) BETWEEN 39900 AND 40040 FROM flow", 1);
	store_lab_expect(path, "SELECT count(*) FROM flow WHERE state = 0", "80");
	assert_in_range(store_lab_number(path, "SELECT min(id) FROM flow WHERE state = 1"), 39990,
			40200);
	store_lab_stop(w, st);
	store_lab_expect(path, "PRAGMA integrity_check", "ok");
}

static void test_retention_by_size(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct stat info;

	for (int64_t i = 1; i <= 200000; i++) {
		struct record r = store_lab_flow(i);

		if (i != 7)
			store_lab_end(&r);
		store_lab_push(w, &r);
	}
	writer_flush(w);
	writer_set_retention(w, 0, 4 << 20);
	for (int i = 0; i < 1000; i++) {
		if (stat(path, &info) == 0 && info.st_size <= 4 << 20 &&
		    store_lab_number(path, "PRAGMA page_count") <= 1024)
			break;
		store_lab_sleep_ms(10);
	}
	assert_true(store_lab_number(path, "PRAGMA page_count") <= 1024);
	assert_in_range(store_lab_number(path, "SELECT count(*) FROM flows"), 30000, 60000);
	store_lab_expect(path, "SELECT id, state FROM flows ORDER BY id LIMIT 1", "7|live");
	store_lab_expect(path, "SELECT max(id) FROM flows", "200000");
	/* All flows are deleted, but ids are never reused, however often retention runs. */
	writer_set_retention(w, 0, 1);
	store_lab_wait(path, "SELECT count(*) = 1 FROM flow", 1);
	store_lab_stop(w, st);
	for (int i = 0; i < 2; i++) {
		st = store_lab_open(path);
		assert_int_equal(store_last_flow_id(st), 200000);
		w = store_lab_start(st);
		writer_set_retention(w, 3600, 1);
		store_lab_sleep_ms(300);
		store_lab_stop(w, st);
	}
	store_lab_expect(path, "PRAGMA integrity_check", "ok");
}

/* --- the clock -------------------------------------------------------------------- */

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS	  (60 * MINUTE_MS)
#define DAY_MS	  (24 * HOUR_MS)
#define YEAR_MS	  (365 * DAY_MS)
#define KEEP_S	  (90 * 86400)

static int64_t now_ms(void)
{
	return (int64_t)time(NULL) * 1000;
}

static void push_ended(struct writer *w, int64_t id, int64_t started_ms)
{
	struct record r = store_lab_flow(id);

	store_lab_end(&r);
	r.flow.started_ms = started_ms;
	r.flow.ended_ms = started_ms + 1000;
	store_lab_push(w, &r);
}

static void known_time_set(const char *path, int64_t time_ms)
{
	char sql[96];

	snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO meta VALUES ('age_ms', %lld)",
		 (long long)time_ms);
	store_lab_execute(path, sql);
}

/* Flows that have ended, each with a mismatch of its own. */
static void push_mismatched(struct writer *w, int64_t n, int64_t time_ms)
{
	for (int64_t id = 1; id <= n; id++) {
		struct record m = {
			.type = RECORD_MISMATCH,
			.mismatch = {.id = id, .flow_id = id, .time_ms = time_ms, .packets = 1}};
		struct record r = store_lab_flow(id);

		store_lab_end(&r);
		m.mismatch.tuple = r.flow.tuple[0];
		r.flow.started_ms = time_ms;
		r.flow.ended_ms = time_ms + 1000;
		store_lab_push(w, &r);
		store_lab_push(w, &m);
	}
	writer_flush(w);
}

/* Rows that belong to flows use no more than their share of the room: of the flows too, the newest
 * are kept. */
static void test_mismatches_by_size(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);

	push_mismatched(w, 100000, LAB_NOON);
	writer_set_retention(w, 0, 4 << 20);
	store_lab_wait(path, "SELECT page_count <= 1024 FROM pragma_page_count", 1);
	store_lab_stop(w, st);
	assert_in_range(store_lab_number(path, "SELECT count(*) FROM flow"), 10000, 60000);
	store_lab_expect(path, "SELECT max(id) FROM flow", "100000");
	store_lab_expect(path, "SELECT max(id) FROM mismatch", "100000");
	store_lab_expect(path, "PRAGMA integrity_check", "ok");
}

/* When nothing else is left to delete, the newest gaps stay, and an open one. */
static void test_gaps_by_size(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record live = store_lab_flow(1);

	store_lab_push(w, &live);
	for (int64_t id = 1; id <= 3000; id++) {
		struct record g = {.type = RECORD_GAP,
				   .gap = {.id = id,
					   .started_ms = LAB_NOON + id,
					   .ended_ms = id == 1 ? 0 : LAB_NOON + id + 1}};

		store_lab_push(w, &g);
	}
	writer_flush(w);
	writer_set_retention(w, 0, 100 << 10);
	store_lab_wait(path, "SELECT count(*) FROM gap", 100);
	store_lab_sleep_ms(1500);
	store_lab_stop(w, st);
	store_lab_expect(path, "SELECT count(*), max(id) FROM gap", "100|3000");
	store_lab_expect(path, "SELECT min(id) FROM gap", "1");
	store_lab_expect(path, "SELECT min(id) FROM gap WHERE ended IS NOT NULL", "2902");
	store_lab_expect(path, "PRAGMA integrity_check", "ok");
}

/* A pass ends when all old rows are deleted, not after the first few thousand. */
static void test_mismatches_by_age(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record m = {.type = RECORD_MISMATCH,
			   .mismatch = {.id = 20001, .flow_id = 20001, .time_ms = now_ms()}};

	push_mismatched(w, 20000, now_ms() - 200 * DAY_MS);
	store_lab_push(w, &m);
	writer_flush(w);
	writer_set_retention(w, KEEP_S, 0);
	store_lab_wait(path, "SELECT count(*) = 1 FROM mismatch", 1);
	store_lab_stop(w, st);
	store_lab_expect(path, "SELECT id FROM mismatch", "20001");
}

/* Flows of an hour ago and of 100 days ago, by a clock that has been set by this much since; then a
 * pass. */
static void clock_set(void **state, int64_t by_ms, const char *left)
{
	const char *path = store_lab_path(*state, "flows.db");
	int64_t then = now_ms() - by_ms;
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);

	push_ended(w, 1, then - 100 * DAY_MS);
	push_ended(w, 2, then - HOUR_MS);
	store_lab_stop(w, st);
	known_time_set(path, then - MINUTE_MS);
	st = store_lab_open(path);
	w = store_lab_start(st);
	writer_set_retention(w, KEEP_S, 0);
	store_lab_sleep_ms(500);
	store_lab_stop(w, st);
	store_lab_expect(path, "SELECT group_concat(id) FROM (SELECT id FROM flow ORDER BY id)",
			 left);
}

static void test_clock_as_it_was(void **state)
{
	clock_set(state, 0, "2");
}

/* A year forward: rows that were old before are deleted, and nothing else. */
static void test_clock_set_forth(void **state)
{
	clock_set(state, YEAR_MS, "2");
}

static void test_clock_set_back(void **state)
{
	clock_set(state, -YEAR_MS, "1,2");
}

/* A router without a battery-backed clock starts in 1970: rows from before the time is set are as
 * young as those from after it. */
static void test_clock_at_boot(void **state)
{
	static const char *const sql[] = {
		"SELECT group_concat(id) FROM (SELECT id FROM flow ORDER BY id)",
		"SELECT group_concat(id) FROM mismatch",
		"SELECT group_concat(id) FROM (SELECT id FROM gap ORDER BY id)",
		"SELECT group_concat(id) FROM (SELECT id FROM uplink_state ORDER BY id)",
	};
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	const int64_t times[] = {now_ms() - 200 * DAY_MS, now_ms() - DAY_MS, 86400000};

	store_lab_push_uplinks(w, times[0]);
	for (int64_t id = 1; id <= 3; id++) {
		struct record m = {.type = RECORD_MISMATCH,
				   .mismatch = {.id = id, .flow_id = id, .time_ms = times[id - 1]}};
		struct record g = {.type = RECORD_GAP,
				   .gap = {.id = id,
					   .started_ms = times[id - 1],
					   .ended_ms = times[id - 1] + 1}};
		struct record u = {
			.type = RECORD_UPLINK_STATE,
			.uplink_state = {.time_ms = times[id - 1], .slot = 0, .state = "up"}};

		push_ended(w, id, times[id - 1]);
		store_lab_push(w, &m);
		store_lab_push(w, &g);
		g.gap.id = -id;
		store_lab_push(w, &g);
		store_lab_push(w, &u);
	}
	writer_flush(w);
	writer_set_retention(w, KEEP_S, 0);
	store_lab_wait(path, "SELECT min(id) FROM mismatch", 2);
	store_lab_stop(w, st);
	store_lab_expect(path, sql[0], "2,3");
	store_lab_expect(path, sql[1], "2,3");
	store_lab_expect(path, sql[2], "-3,-2,2,3");
	store_lab_expect(path, sql[3], "2,3");
}

/* Of an uplink whose state is old, the history keeps the former and the present state. */
static void test_old_states(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	const int days[] = {300, 200, 100, 1};
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);

	store_lab_push_uplinks(w, now_ms() - 300 * DAY_MS);
	for (uint8_t i = 0; i < 4; i++) {
		struct record u = {
			.type = RECORD_UPLINK_STATE,
			.uplink_state = {.time_ms = now_ms() - days[i] * DAY_MS, .slot = i == 1}};

		store_lab_push(w, &u);
	}
	writer_flush(w);
	writer_set_retention(w, KEEP_S, 0);
	store_lab_wait(path, "SELECT min(id) FROM uplink_state", 2);
	store_lab_stop(w, st);
	store_lab_expect(path,
			 "SELECT group_concat(id) FROM (SELECT id FROM uplink_state ORDER BY id)",
			 "2,3,4");
}

/* A gap in which the clock was set back is as young as its later time. */
static void test_gap_across_a_jump(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record g = {.type = RECORD_GAP,
			   .gap = {.id = 1, .started_ms = now_ms(), .ended_ms = 86400000}};

	store_lab_push(w, &g);
	push_ended(w, 1, now_ms() - YEAR_MS);
	writer_flush(w);
	writer_set_retention(w, KEEP_S, 0);
	store_lab_wait(path, "SELECT count(*) = 0 FROM flow", 1);
	store_lab_sleep_ms(200);
	store_lab_stop(w, st);
	store_lab_expect(path, "SELECT count(*) FROM gap", "1");
}

/* Return the trusted time after a minute in which the clock was set. */
static int64_t after_minute(struct age_clock *c, struct age_moment *now, int64_t set_by_ms)
{
	now->steady_ms += MINUTE_MS;
	now->time_ms += MINUTE_MS + set_by_ms;
	return age_clock_read(c, now, KEEP_S * INT64_C(1000));
}

static bool is_now(struct age_clock *c, struct age_moment *now, int64_t set_by_ms)
{
	int64_t time_ms = after_minute(c, now, set_by_ms);

	return time_ms == now->time_ms;
}

static void test_age_clock(void **state)
{
	struct age_moment now = {.time_ms = LAB_NOON, .steady_ms = 77};
	struct age_clock c;

	(void)state;
	/* The first time is trusted; it runs, and is set by about an hour. */
	age_clock_init(&c, 0, now.steady_ms);
	assert_int_equal(after_minute(&c, &now, 0), LAB_NOON + MINUTE_MS);
	assert_int_equal(after_minute(&c, &now, HOUR_MS), LAB_NOON + HOUR_MS + 2 * MINUTE_MS);
	assert_int_equal(after_minute(&c, &now, -HOUR_MS), LAB_NOON + 3 * MINUTE_MS);
	/* A year forward: the old time runs on for a day, then the new one is trusted. */
	assert_int_equal(after_minute(&c, &now, YEAR_MS), LAB_NOON + 4 * MINUTE_MS);
	for (int i = 5; i < 4 + 24 * 60; i++)
		assert_int_equal(after_minute(&c, &now, 0), LAB_NOON + i * MINUTE_MS);
	assert_true(is_now(&c, &now, 0));
	/* Two years back is trusted at once; and the way forward again too. */
	assert_true(is_now(&c, &now, -2 * YEAR_MS));
	assert_true(is_now(&c, &now, 2 * YEAR_MS));
}

/* A short limit allows a smaller error, and less time until it is trusted. */
static void test_age_clock_of_an_hour(void **state)
{
	struct age_moment now = {.time_ms = LAB_NOON, .steady_ms = 77};
	struct age_clock c;

	(void)state;
	age_clock_init(&c, LAB_NOON, now.steady_ms);
	now.time_ms += 5 * MINUTE_MS;
	assert_int_equal(age_clock_read(&c, &now, HOUR_MS), LAB_NOON);
	now.time_ms += HOUR_MS;
	now.steady_ms += HOUR_MS;
	assert_int_equal(age_clock_read(&c, &now, HOUR_MS), now.time_ms);
}

/* A clock that is set again and again is not trusted, and time does not stop. */
static void test_age_clock_that_never_rests(void **state)
{
	struct age_moment now = {.time_ms = LAB_NOON, .steady_ms = 77};
	struct age_clock c;

	(void)state;
	age_clock_init(&c, LAB_NOON, now.steady_ms);
	for (int i = 1; i < 3000; i++)
		assert_int_equal(after_minute(&c, &now, YEAR_MS / 10), LAB_NOON + i * MINUTE_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_retention_by_age, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_retention_by_size, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_mismatches_by_size, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_gaps_by_size, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_mismatches_by_age, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_clock_as_it_was, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_clock_set_forth, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_clock_set_back, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_clock_at_boot, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_old_states, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_gap_across_a_jump, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test(test_age_clock),
		cmocka_unit_test(test_age_clock_of_an_hour),
		cmocka_unit_test(test_age_clock_that_never_rests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
