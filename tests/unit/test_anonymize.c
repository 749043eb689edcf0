/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_anonymize.c - proves that addresses of flows that ended more than a day ago are cut to a
 * prefix everywhere in the history, once, and that younger flows keep theirs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "store_lab.h"

#define DAY_MS	INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)

static int64_t now_ms(void)
{
	return (int64_t)time(NULL) * 1000;
}

/* A flow that ended this long ago. */
static struct record flow_of(int64_t id, int64_t ago_ms)
{
	struct record r = store_lab_flow(id);

	store_lab_end(&r);
	r.flow.ended_ms = now_ms() - ago_ms;
	r.flow.started_ms = r.flow.ended_ms - 1500;
	return r;
}

static struct record flow6_of(int64_t id, int64_t ago_ms)
{
	struct record r = flow_of(id, ago_ms);

	store_lab_addr(&r.flow.tuple[0].src, "2001:db8:1:2:3:4:5:6");
	store_lab_addr(&r.flow.tuple[0].dst, "2001:db8:ffff:8::9");
	store_lab_addr(&r.flow.tuple[1].src, "fd00:1:2:3::4");
	r.flow.tuple[1].dst = r.flow.tuple[0].src;
	return r;
}

static void push_mismatch(struct writer *w, int64_t id, const struct record *flow)
{
	struct record r = {.type = RECORD_MISMATCH};

	r.mismatch = (struct mismatch_record){.id = id,
					      .time_ms = flow->flow.started_ms + 500,
					      .flow_id = flow->flow.id,
					      .proto = flow->flow.proto,
					      .tuple = flow->flow.tuple[0],
					      .mark = 2,
					      .expected = 0,
					      .egress = 1,
					      .reason = REASON_UNEXPLAINED,
					      .evidence = EVIDENCE_STRAY_PACKET};
	store_lab_push(w, &r);
}

static void push_alert(struct writer *w, const char *kind, int64_t ago_ms, const char *text)
{
	struct record r = {.type = RECORD_ALERT, .alert = calloc(1, sizeof(*r.alert))};

	assert_non_null(r.alert);
	r.alert->time_ms = now_ms() - ago_ms;
	snprintf(r.alert->kind, sizeof(r.alert->kind), "%s", kind);
	snprintf(r.alert->text, sizeof(r.alert->text), "%s", text);
	store_lab_push(w, &r);
}

#define LEFT "SELECT count(*) = 0 FROM flows WHERE ended_ms < %lld AND src = '%s'"

static void wait_cut(const char *path, const char *src)
{
	char sql[256];

	snprintf(sql, sizeof(sql), LEFT, (long long)(now_ms() - DAY_MS), src);
	store_lab_wait(path, sql, 1);
}

static void test_flows(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record old = flow_of(1, 3 * DAY_MS), old6 = flow6_of(2, 3 * DAY_MS),
		      young = flow_of(3, HOUR_MS), young6 = flow6_of(4, HOUR_MS),
		      live = store_lab_flow(5);

	store_lab_push_uplinks(w, LAB_NOON);
	store_lab_push(w, &old);
	store_lab_push(w, &old6);
	live.flow.started_ms = now_ms() - 3 * DAY_MS;
	store_lab_push(w, &live);
	store_lab_push(w, &young);
	store_lab_push(w, &young6);
	writer_flush(w);
	writer_set_anonymize(w, true, 24, 48);
	wait_cut(path, "2001:db8:1:2:3:4:5:6");
	store_lab_expect(path,
			 "SELECT id, src, sport, dst, dport, nat_src, nat_dst FROM flows"
			 " WHERE ended_ms < started_ms + 86400000 OR state = 'live' ORDER BY id",
			 "1|192.168.1.0|40000|198.51.100.0|443|203.0.113.0|198.51.100.0\n"
			 "2|2001:db8:1::|40000|2001:db8:ffff::|443|2001:db8:1::|fd00:1:2::\n"
			 "3|192.168.1.10|40000|198.51.100.7|443|203.0.113.2|198.51.100.7\n"
			 "4|2001:db8:1:2:3:4:5:6|40000|2001:db8:ffff:8::9|443|"
			 "2001:db8:1:2:3:4:5:6|fd00:1:2:3::4\n"
			 "5|192.168.1.10|40000|198.51.100.7|443|203.0.113.2|198.51.100.7");
	store_lab_stop(w, st);
	store_lab_expect(path, "PRAGMA integrity_check", "ok");
}

static void test_other_tables(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record old = flow_of(1, 3 * DAY_MS), old2 = flow_of(2, 3 * DAY_MS),
		      young = flow_of(4, HOUR_MS), live = store_lab_flow(3);

	store_lab_push_uplinks(w, LAB_NOON);
	store_lab_addr(&old2.flow.tuple[0].src, "192.168.1.11");
	live.flow.started_ms = now_ms() - 3 * DAY_MS;
	store_lab_push(w, &old);
	store_lab_push(w, &old2);
	store_lab_push(w, &live);
	store_lab_push(w, &young);
	push_mismatch(w, 1, &old);
	push_mismatch(w, 2, &live);
	push_mismatch(w, 3, &young);
	push_alert(w, "mismatch", 2 * DAY_MS,
		   "flow 7: tcp 192.168.1.10:40000 > [2001:db8:1:2::3]:443, 198.51.100.7.");
	push_alert(w, "uplink", 2 * DAY_MS, "wan1: gateway 203.0.113.1 does not answer");
	push_alert(w, "mismatch", HOUR_MS, "flow 9: tcp 192.168.1.10:40000 left by eth2");
	writer_flush(w);
	store_lab_execute(path, "INSERT INTO coverage_hour VALUES (1, 1, 1, 1, 1, 1, 0, 0, 0, 0,"
				" 'udp 192.0.2.1:53 > 203.0.113.9:4000',"
				" 'udp 192.0.2.1:53 > 203.0.113.9:4001')");
	writer_set_anonymize(w, true, 24, 48);
	store_lab_wait(path,
		       "SELECT count(*) FROM coverage_hour WHERE untracked_example ="
		       " 'udp 192.0.2.0:53 > 203.0.113.0:4000' AND unasked_example ="
		       " 'udp 192.0.2.0:53 > 203.0.113.0:4001'",
		       1);
	store_lab_expect(path, "SELECT id, src, dst FROM mismatches ORDER BY id",
			 "1|192.168.1.0|198.51.100.0\n2|192.168.1.10|198.51.100.7\n"
			 "3|192.168.1.10|198.51.100.7");
	store_lab_expect(path, "SELECT text FROM alerts ORDER BY id",
			 "flow 7: tcp 192.168.1.0:40000 > [2001:db8:1::]:443, 198.51.100.0.\n"
			 "wan1: gateway 203.0.113.1 does not answer\n"
			 "flow 9: tcp 192.168.1.10:40000 left by eth2");
	store_lab_expect(path, "SELECT host, flows, bytes_sent FROM talkers ORDER BY hour_ms",
			 "192.168.1.0|2|2000\n192.168.1.10|1|1000");
	store_lab_stop(w, st);
}

/* A slice and a half, the last thousand flows are young. */
static void test_postings(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);

	for (int64_t i = 1; i <= 50000; i++) {
		struct record r = flow_of(i, i <= 49000 ? 2 * DAY_MS : HOUR_MS);
		char text[32];

		snprintf(text, sizeof(text), "10.0.%d.%d", (int)(i % 100), (int)(i % 250) + 1);
		store_lab_addr(&r.flow.tuple[0].src, text);
		store_lab_push(w, &r);
	}
	writer_flush(w);
	store_lab_wait(path, "SELECT min(indexed) > 1000 AND count(*) = 2 FROM slice", 1);
	assert_true(store_lab_number(path, "SELECT count(*) > 50 FROM flow_addresses"
					   " WHERE address = '10.0.7.8'"));
	writer_set_anonymize(w, true, 24, 48);
	store_lab_wait(path,
		       "SELECT count(*) = 0 FROM flow WHERE id <= 49000"
		       " AND src & 255 <> 0",
		       1);
	store_lab_wait(path, "SELECT count(*) FROM slice WHERE indexed = 32768", 1);
	store_lab_expect(path,
			 "SELECT count(*) FROM posting WHERE slice = 0"
			 " AND addr NOT GLOB '*.0'",
			 "0");
	store_lab_expect(path,
			 "SELECT count(*) = (SELECT count(*) FROM flow WHERE id < 32768 AND"
			 " src = 10 * 16777216 + 7 * 256) FROM flow_addresses"
			 " WHERE address = '10.0.7.0' AND side = 'src' AND flow_id < 32768",
			 "1");
	store_lab_expect(path, "SELECT count(*) FROM flow WHERE id > 49000 AND src & 255 = 0", "0");
	store_lab_stop(w, st);
	store_lab_expect(path, "PRAGMA integrity_check", "ok");
}

#define ALL "SELECT group_concat(id || src || dst || ifnull(nat_src, '-')) FROM flows"

/* The next daemon continues, cuts nothing twice, and cuts more for a shorter prefix. */
static void test_restart(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	char *before;
	const char *cursor = "SELECT value FROM meta WHERE name = 'anonymized_flow_id'";

	for (int64_t i = 1; i <= 3000; i++) {
		struct record r = i % 2 ? flow_of(i, 2 * DAY_MS) : flow6_of(i, 2 * DAY_MS);

		store_lab_push(w, &r);
	}
	writer_flush(w);
	writer_set_anonymize(w, true, 24, 48);
	store_lab_wait(path, cursor, 3001);
	store_lab_stop(w, st);
	before = store_lab_sql(path, ALL);
	assert_non_null(strstr(before, "2001:db8:1::"));
	assert_null(strstr(before, "192.168.1.10"));
	st = store_lab_open(path);
	w = store_lab_start(st);
	writer_set_anonymize(w, true, 28, 64);
	for (int64_t i = 3001; i <= 3100; i++) {
		struct record r = flow_of(i, 2 * DAY_MS);

		store_lab_push(w, &r);
	}
	store_lab_wait(path, cursor, 3001);
	store_lab_wait(path, "SELECT count(*) FROM flows", 3100);
	store_lab_stop(w, st);
	store_lab_execute(path, "DELETE FROM flow WHERE id > 3000");
	store_lab_expect(path, ALL, before);
	free(before);
	st = store_lab_open(path);
	w = store_lab_start(st);
	writer_set_anonymize(w, true, 16, 32);
	store_lab_wait(path,
		       "SELECT count(*) FROM flows WHERE src IN ('192.168.0.0',"
		       " '2001:db8::')",
		       3000);
	store_lab_stop(w, st);
}

/* It was live when the flows around it were cut, and is a day old now. */
static void test_left_behind(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record live = store_lab_flow(1), old = flow_of(2, 2 * DAY_MS);

	live.flow.started_ms = now_ms() - 3 * DAY_MS;
	store_lab_push(w, &live);
	store_lab_push(w, &old);
	writer_flush(w);
	writer_set_anonymize(w, true, 24, 48);
	store_lab_wait(path, "SELECT count(*) FROM meta WHERE name = 'anonymized_ms'", 1);
	store_lab_expect(path, "SELECT id, src FROM flows ORDER BY id",
			 "1|192.168.1.10\n2|192.168.1.0");
	store_lab_end(&live);
	live.flow.ended_ms = store_lab_number(path, "SELECT value FROM meta WHERE"
						    " name = 'anonymized_ms'") +
			     1;
	store_lab_push(w, &live);
	writer_flush(w);
	store_lab_stop(w, st);
	store_lab_sleep_ms(100);
	st = store_lab_open(path);
	w = store_lab_start(st);
	writer_set_anonymize(w, true, 24, 48);
	store_lab_wait(path, "SELECT count(*) FROM flows WHERE src = '192.168.1.0'", 2);
	store_lab_stop(w, st);
}

static void test_off(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record old = flow_of(1, 3 * DAY_MS);

	store_lab_push(w, &old);
	writer_flush(w);
	writer_set_anonymize(w, false, 0, 0);
	store_lab_sleep_ms(1500);
	store_lab_expect(path, "SELECT src FROM flows", "192.168.1.10");
	store_lab_stop(w, st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flows, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_other_tables, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_postings, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_restart, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_left_behind, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_off, store_lab_setup, store_lab_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
