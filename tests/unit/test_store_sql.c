/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store_sql.c - proves that plain SQL on the views finds addresses, egress, long-lived flows,
 * sums and changes, and uses the indexes that make it fast on ten million flows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/read/query_internal.h"
#include "store_lab.h"
#include "waymark/store/changes.h"
#include "waymark/store/query.h"

/* Flow 1 is live; 2 left by both uplinks; 3 by a tunnel, lasted an hour, unanswered. */
static void fill(struct writer *w)
{
	struct record i = {.type = RECORD_INTERFACE, .interface = {.number = 1, .name = "tun0"}};

	store_lab_push_uplinks(w, LAB_NOON);
	store_lab_push(w, &i);
	for (int64_t id = 1; id <= 3; id++) {
		struct record r = store_lab_flow(id);

		store_lab_push(w, &r);
		if (id > 1)
			store_lab_end(&r);
		if (id == 2)
			r.flow.egress[0] = 3;
		if (id == 2)
			r.flow.verdict = VERDICT_MISMATCH;
		if (id == 3) {
			r.flow.other_egress[1] = 2;
			r.flow.ended_ms += 3600000;
			r.flow.packets[1] = 0;
		}
		writer_flush(w);
		store_lab_push(w, &r);
		store_lab_push(w, &r); /* an end counts once */
	}
	writer_flush(w);
}

static int flow_is_closed(void *data, const struct flow_record *f)
{
	(void)data;
	return f->state == FLOW_CLOSED;
}

static void test_searches(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);

	fill(w);
	store_lab_expect(path,
			 "SELECT flow_id, side FROM flow_addresses WHERE address = '203.0.113.2'",
			 "1|src\n2|src\n3|src");
	store_lab_expect(path,
			 "SELECT count(*) FROM flow_addresses WHERE address = '198.51.100.7'"
			 " AND side = 'dst'",
			 "3");
	store_lab_expect(path, "SELECT * FROM flow_egress WHERE flow_id > 1 AND interfaces > 1",
			 "2|original|eth1|2\n2|original|eth2|2");
	store_lab_expect(path,
			 "SELECT flow_id, direction FROM flow_egress WHERE interface = 'tun0'",
			 "3|reply");
	store_lab_expect(path, "SELECT id FROM long_flows ORDER BY id", "1\n3");
	store_lab_expect(path, "SELECT id, verdict FROM flagged_flows", "2|mismatch");
	store_lab_expect(path, "SELECT sum(flows), sum(unanswered) FROM talkers", "2|1");
	store_lab_stop(w, st);
}

/* A closed flow has its end at once; counters and sums are added with its entry's end, once. */
static void test_closed(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record r = store_lab_flow(1);

	store_lab_push_uplinks(w, LAB_NOON);
	store_lab_push(w, &r);
	writer_flush(w);
	r.flow.state = FLOW_CLOSED;
	r.flow.ended_ms = r.flow.started_ms + 1000;
	store_lab_push(w, &r);
	writer_flush(w);
	store_lab_expect(path, "SELECT state, ended_ms - started_ms, bytes FROM flows",
			 "ended|1000|-");
	store_lab_expect(path, "SELECT count(*) FROM talkers", "0");
	store_lab_expect(path, "SELECT count(*) FROM change", "0");
	store_lab_stop(w, st);

	st = store_lab_open(path);
	assert_int_equal(store_each_live(st, flow_is_closed, NULL), 1);
	w = store_lab_start(st);
	store_lab_end(&r);
	r.flow.ended_ms = r.flow.started_ms + 121000;
	store_lab_push(w, &r);
	writer_flush(w);
	store_lab_expect(path, "SELECT state, ended_ms - started_ms, bytes FROM flows",
			 "ended|1000|1000");
	store_lab_expect(path, "SELECT flows, bytes_sent FROM talkers", "1|1000");
	store_lab_expect(path, "SELECT kind, n FROM change", "0|1");
	store_lab_stop(w, st);
}

static void test_records(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record u = {.type = RECORD_USAGE,
			   .usage = {.time_ms = LAB_NOON + 1000,
				     .sent = {1, 100},
				     .received = {2, 200},
				     .flows = {5, 4}}};
	struct record h = {.type = RECORD_HEALTH,
			   .health = {.time_ms = LAB_NOON,
				      .state = "silent",
				      .window_ms = 3000,
				      .normal_permille = 990,
				      .others_permille = -1,
				      .began_ms = LAB_NOON - 2000,
				      .probes = -1,
				      .probes_answered = -1}};
	struct record a = {.type = RECORD_ALERT, .alert = calloc(1, sizeof(*a.alert))};

	*a.alert = (struct alert_record){.time_ms = LAB_NOON,
					 .kind = "quota",
					 .severity = "warning",
					 .state = "raised",
					 .uplinks = "wan1",
					 .count = 1,
					 .text = "80 %"};
	store_lab_push_uplinks(w, LAB_NOON);
	store_lab_push(w, &u);
	writer_flush(w);
	store_lab_push(w, &u); /* the other part of the bin */
	store_lab_push(w, &h);
	store_lab_push(w, &a);
	writer_flush(w);
	store_lab_expect(path, "SELECT * FROM usage",
			 "2026-03-01T12:00:00.000Z|1772366400000|wan1|200|400|2|4|10|8|1");
	store_lab_expect(path, "SELECT state, window_ms, normal_share, others_share FROM health",
			 "silent|3000|0.99|-");
	store_lab_expect(path, "SELECT id, kind, severity, state, uplinks, count, text FROM alerts",
			 "1|quota|warning|raised|wan1|1|80 %");
	store_lab_stop(w, st);
}

static int change_note(void *data, const struct change *c)
{
	char *text = data;

	sprintf(text + strlen(text), "%d:%d:%d ", (int)c->number, (int)c->kind, (int)c->id);
	return 0;
}

static int row_count(void *data, const struct value *values, size_t n)
{
	(void)values;
	(void)n;
	++*(int *)data;
	return 0;
}

static void test_reading(void **state)
{
	const char *path = store_lab_path(*state, "flows.db"), *by[] = {"uplink", "verdict"};
	struct query_endpoint e = {.port = 40000, .proto = -1, .at_ms = LAB_NOON + 500};
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct query_filter f;
	char text[256] = "";
	bool is_unsure;
	struct query *q;
	int n = 0;

	fill(w);
	q = query_open(path, stderr);
	assert_non_null(q);
	assert_int_equal(query_changes(q, 0, 100, change_note, text), 0);
	assert_string_equal(text, "0:0:2 1:0:3 ");
	store_lab_addr(&e.addr, "203.0.113.2");
	assert_int_equal(query_who(q, &e, row_count, &n, &is_unsure), 0);
	assert_int_equal(n, 3);
	query_filter_init(&f);
	n = 0;
	f.egress = "tun0";
	assert_int_equal(query_flows(q, &f, row_count, &n), 0);
	assert_int_equal(n, 1);
	f.egress = NULL;
	f.at_ms = LAB_NOON + 1800000;
	n = 0;
	assert_int_equal(query_flows(q, &f, row_count, &n), 0);
	assert_int_equal(n, 2);
	n = 0;
	f.at_ms = 0;
	assert_int_equal(query_stats(q, &f, by, 2, row_count, &n), 0);
	assert_int_equal(n, 2);
	query_close(q);
	store_lab_stop(w, st);
}

/* An unused index shows in the plan, not in the result. */
static void test_plans(void **state)
{
	static const struct {
		const char *sql, *plan;
	} searches[] = {
		{"SELECT * FROM flows WHERE started_ms >= 5 AND started_ms < 9",
		 "flow_started (started>? AND started<?)"},
		{"SELECT * FROM flows WHERE nat_sport = 4 AND nat_src = 'a' AND started_ms <= 9",
		 "flow_public_port (<expr>=?)"},
		{"SELECT * FROM flows WHERE id IN (SELECT flow_id FROM flow_addresses"
		 " WHERE address = 'a')",
		 "SEARCH p USING PRIMARY KEY (slice=? AND side=? AND addr=?)"},
		{"SELECT * FROM flagged_flows WHERE uplink = 'a'", "flow_flagged"},
		{"SELECT * FROM long_flows WHERE started_ms < 9", "flow_long"},
		{"SELECT * FROM flows WHERE id IN (SELECT flow_id FROM flow_egress"
		 " WHERE interfaces > 1)",
		 "flow_split (egress>?)"},
		{"SELECT reason, time_ms / 3600000, count(*) FROM mismatches WHERE time_ms >= 5"
		 " GROUP BY 1, 2",
		 "COVERING INDEX mismatch_time (time>?)"},
	};
	const char *path = store_lab_path(*state, "flows.db");
	char sql[512];

	store_close(store_lab_open(path));
	for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++) {
		char *plan;

		snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", searches[i].sql);
		plan = store_lab_sql(path, sql);
		if (!strstr(plan, searches[i].plan))
			fail_msg("%s: %s", searches[i].sql, plan);
		free(plan);
	}
}

static int rows_count(void *data, const struct value *v, size_t n)
{
	(void)v;
	(void)n;
	++*(int *)data;
	return 0;
}

/* Replace the view of gaps by one that also reads from TABLE. */
static void gaps_join(const char *path, const char *table)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "DROP VIEW gaps; CREATE VIEW gaps AS SELECT k.* FROM kept k, %s",
		 table);
	store_lab_execute(path, sql);
}

/* Who may write the file must not make a reader call functions and modules of SQLite. */
static void test_distrust(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record g = {.type = RECORD_GAP,
			   .gap = {.started_ms = LAB_NOON, .ended_ms = LAB_NOON + 1}};
	struct query_filter f;
	struct query *q;
	int rows = 0, on = 0;

	store_lab_push(w, &g);
	store_lab_stop(w, st);
	store_lab_execute(path, "CREATE TABLE kept AS SELECT * FROM gaps");
	query_filter_init(&f);
	gaps_join(path, "(SELECT 1) AS plain");
	q = query_open(path, stderr);
	assert_non_null(q);
	assert_int_equal(sqlite3_db_config(q->db, SQLITE_DBCONFIG_DEFENSIVE, -1, &on), SQLITE_OK);
	assert_int_equal(on, 1);
	assert_int_equal(query_gaps(q, &f, rows_count, &rows), 0);
	assert_int_equal(rows, 1);
	query_close(q);
	gaps_join(path, "pragma_user_version");
	q = query_open(path, stderr);
	assert_non_null(q);
	assert_true(query_gaps(q, &f, rows_count, &rows) < 0);
	assert_int_equal(rows, 1);
	query_close(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_searches, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_closed, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_records, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_reading, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_plans, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_distrust, store_lab_setup, store_lab_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
