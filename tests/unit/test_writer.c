/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_writer.c - proves that records become rows that plain SQL can read: every column and word,
 * and the right number.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_lab.h"

/* --- rows --------------------------------------------------------------------- */

static void test_flow_row(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record r = store_lab_flow(1);

	store_lab_push_uplinks(w, LAB_NOON);
	store_lab_push(w, &r);
	writer_flush(w);
	store_lab_expect(
		path, "SELECT * FROM flows",
		"1|2026-03-01T12:00:00.001Z|1772366400001|-|-|live|tcp|192.168.1.10|40000|198.51."
		"100.7|443|"
		"203.0.113.2|40000|198.51.100.7|443|0|4026531841|2|wan1|-|eth1|-|ok|-|-|-|-|-");
	store_lab_end(&r);
	r.flow.egress[1] = 3;
	r.flow.ingress = 1;
	store_lab_push(w, &r);
	writer_flush(w);
	store_lab_expect(
		path, "SELECT * FROM flows",
		"1|2026-03-01T12:00:00.001Z|1772366400001|2026-03-01T12:00:01.501Z|1772366401501|"
		"ended|tcp|192.168.1.10|"
		"40000|198.51.100.7|443|203.0.113.2|40000|198.51.100.7|443|0|4026531841|2|wan1|"
		"wan2|eth1|"
		"eth1,eth2|ok|-|10|1000|12|9000");
	store_lab_stop(w, st);
}

/* Unknown values are NULL, and the words are those of the enumerations. */
static void test_words(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	char sql[96], expected[64];

	for (int i = 0; i < REASONS; i++) {
		struct record r = store_lab_flow(i + 1);

		r.flow.verdict = i <= VERDICT_OK ? (enum verdict)i : VERDICT_MISMATCH;
		r.flow.reason = (enum reason)i;
		r.flow.state = (enum flow_state)(i % 3);
		store_lab_push(w, &r);
	}
	writer_flush(w);
	for (int i = 0; i < REASONS; i++) {
		static const char *const states[] = {"live", "ended", "lost"};
		const char *verdict =
			verdict_name(i <= VERDICT_OK ? (enum verdict)i : VERDICT_MISMATCH);
		const char *reason = reason_name((enum reason)i);

		snprintf(sql, sizeof(sql),
			 "SELECT verdict, reason, state, ended, uplink, egress"
			 " FROM flows WHERE id = %d",
			 i + 1);
		snprintf(expected, sizeof(expected), "%s|%s|%s|-|-|-", verdict ? verdict : "-",
			 reason ? reason : "-", states[i % 3]);
		store_lab_expect(path, sql, expected);
	}
	store_lab_stop(w, st);
}

static int outbox_join(void *data, int64_t id, const char *line)
{
	char *text = data;

	sprintf(text + strlen(text), "%d:%s ", (int)id, line);
	return 0;
}

/* Waiting alerts are kept until they are delivered, also for a later start. */
static void test_outbox(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	char text[64] = "";

	for (int64_t id = 1; id <= 3; id++) {
		struct record r = {.type = RECORD_OUTBOX_ADD,
				   .outbox = {.id = id, .time_ms = LAB_NOON, .line = strdup("{}")}};

		store_lab_push(w, &r);
	}
	store_lab_push(w, &(struct record){.type = RECORD_OUTBOX_DONE, .outbox.id = 2});
	store_lab_stop(w, st);
	store_lab_expect(path, "SELECT id, time, line FROM outbox",
			 "1|1772366400000|{}\n3|1772366400000|{}");
	st = store_lab_open(path);
	assert_int_equal(store_each_outbox(st, outbox_join, text), 0);
	assert_string_equal(text, "1:{} 3:{} ");
	store_close(st);
}

static void test_times(void **state)
{
	static const struct {
		int64_t started, ended;
		const char *text;
	} cases[] = {
		{0, 0, "-|-"},
		{0, 1772366400999, "-|2026-03-01T12:00:00.999Z"},
		{1772366399999, 1772366400000, "2026-03-01T11:59:59.999Z|2026-03-01T12:00:00.000Z"},
		{1772366400001, 1772366400000, "2026-03-01T12:00:00.001Z|2026-03-01T12:00:00.000Z"},
		{951782399001, 4102444799999, "2000-02-28T23:59:59.001Z|2099-12-31T23:59:59.999Z"},
	};
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	char sql[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record r = store_lab_flow((int64_t)i + 1);

		store_lab_end(&r);
		r.flow.started_ms = cases[i].started;
		r.flow.ended_ms = cases[i].ended;
		store_lab_push(w, &r);
	}
	writer_flush(w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(sql, sizeof(sql), "SELECT started, ended FROM flows WHERE id = %zu",
			 i + 1);
		store_lab_expect(path, sql, cases[i].text);
	}
	store_lab_stop(w, st);
}

/* Evidence that comes after a flow's end does not know its end and counters: they are kept, whether
 * both come in one batch or not. */
static void test_late_evidence(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);

	for (int64_t id = 1; id <= 2; id++) {
		struct record r = store_lab_flow(id);

		store_lab_push(w, &r);
		writer_flush(w);
		store_lab_end(&r);
		store_lab_push(w, &r);
		if (id == 2)
			writer_flush(w);
		r.flow.ended_ms = 0;
		r.flow.has_counters = false;
		memset(r.flow.packets, 0, sizeof(r.flow.packets));
		memset(r.flow.bytes, 0, sizeof(r.flow.bytes));
		r.flow.verdict = VERDICT_MISMATCH;
		store_lab_push(w, &r);
		writer_flush(w);
	}
	store_lab_expect(
		path,
		"SELECT state, verdict, substr(ended, 18), packets, bytes, packets_reply,"
		" bytes_reply FROM flows",
		"ended|mismatch|01.501Z|10|1000|12|9000\nended|mismatch|01.502Z|10|1000|12|9000");
	store_lab_stop(w, st);
}

/* Source, destination, then the reply's. */
static void test_nat(void **state)
{
	static const struct {
		uint8_t proto;
		const char *src, *dst, *reply_src, *reply_dst;
		uint16_t sport, dport, reply_sport, reply_dport;
		const char *row;
	} cases[] = {
		{IPPROTO_UDP, "10.0.0.1", "10.9.9.9", "10.9.9.9", "10.0.0.1", 1, 2, 2, 1,
		 "udp|10.0.0.1|1|10.9.9.9|2|-|-|-|-"},
		{IPPROTO_UDP, "10.0.0.1", "10.9.9.9", "10.9.9.9", "203.0.113.2", 1, 2, 2, 7,
		 "udp|10.0.0.1|1|10.9.9.9|2|203.0.113.2|7|10.9.9.9|2"},
		{IPPROTO_UDP, "10.0.0.1", "10.9.9.9", "10.9.9.9", "10.0.0.1", 1, 2, 2, 65535,
		 "udp|10.0.0.1|1|10.9.9.9|2|10.0.0.1|65535|10.9.9.9|2"},
		{IPPROTO_TCP, "255.255.255.255", "128.0.0.0", "192.168.1.80", "255.255.255.255",
		 65535, 80, 8080, 65535,
		 "tcp|255.255.255.255|65535|128.0.0.0|80|255.255.255.255|65535|192.168.1.80|8080"},
		{IPPROTO_TCP, "192.168.1.5", "203.0.113.2", "192.168.1.80", "192.168.1.1", 9, 80,
		 80, 9, "tcp|192.168.1.5|9|203.0.113.2|80|192.168.1.1|9|192.168.1.80|80"},
		{IPPROTO_ICMP, "10.0.0.1", "10.9.9.9", "10.9.9.9", "203.0.113.2", 77, 2048, 78,
		 2048, "icmp|10.0.0.1|77|10.9.9.9|2048|203.0.113.2|78|10.9.9.9|2048"},
		{IPPROTO_ICMPV6, "fe80::1", "::1", "::1", "fe80::1", 0, 128 << 8, 0, 128 << 8,
		 "icmpv6|fe80::1|0|::1|32768|-|-|-|-"},
		{IPPROTO_GRE, "10.0.0.1", "10.9.9.9", "10.9.9.9", "203.0.113.2", 0, 0, 0, 0,
		 "47|10.0.0.1|-|10.9.9.9|-|203.0.113.2|-|10.9.9.9|-"},
		{IPPROTO_SCTP, "2001:DB8:0:0:1::", "2001:db8::a:0:0:1", "2001:db8::2",
		 "2001:db8::9", 5, 6, 6, 5,
		 "sctp|2001:db8:0:0:1::|5|2001:db8::a:0:0:1|6|2001:db8::9|5|2001:db8::2|6"},
		{0, "0.0.0.0", "127.0.0.1", "127.0.0.1", "0.0.0.0", 0, 0, 0, 0,
		 "0|0.0.0.0|-|127.0.0.1|-|-|-|-|-"},
	};
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	char sql[160];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record r = store_lab_flow((int64_t)i + 1);
		struct endpoints *t = r.flow.tuple;

		r.flow.proto = cases[i].proto;
		store_lab_addr(&t[0].src, cases[i].src);
		store_lab_addr(&t[0].dst, cases[i].dst);
		store_lab_addr(&t[1].src, cases[i].reply_src);
		store_lab_addr(&t[1].dst, cases[i].reply_dst);
		t[0].sport = cases[i].sport;
		t[0].dport = cases[i].dport;
		t[1].sport = cases[i].reply_sport;
		t[1].dport = cases[i].reply_dport;
		store_lab_push(w, &r);
	}
	writer_flush(w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(sql, sizeof(sql),
			 "SELECT proto, src, sport, dst, dport, nat_src, nat_sport,"
			 " nat_dst, nat_dport FROM flows WHERE id = %zu",
			 i + 1);
		store_lab_expect(path, sql, cases[i].row);
	}
	store_lab_stop(w, st);
}

static void test_other_rows(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record m = {.type = RECORD_MISMATCH}, g = {.type = RECORD_GAP};
	struct record c = {
		.type = RECORD_MARK_CHANGE,
		.mark_change = {
			.time_ms = LAB_NOON, .flow_id = 4, .old_mark = 2, .new_mark = 0xffffffff}};
	struct record t = {.type = RECORD_TAMPERING,
			   .tampering = {.time_ms = LAB_NOON,
					 .what = "rule 1001 deleted",
					 .pid = 4711,
					 .process = "ip",
					 .action = "restored"}};
	struct record u = {.type = RECORD_UPLINK_STATE,
			   .uplink_state = {.time_ms = LAB_NOON,
					    .slot = 1,
					    .state = "no-address",
					    .cause = CAUSE_ADDRESS,
					    .addresses = "192.0.2.9/24"}};
	struct record deletion = {
		.type = RECORD_DELETED_FLOW,
		.deleted_flow = {
			.time_ms = LAB_NOON, .flow_id = 4, .mismatch_id = 5, .action = "deleted"}};

	m.mismatch = (struct mismatch_record){.id = 5,
					      .time_ms = LAB_NOON,
					      .flow_id = 4,
					      .proto = IPPROTO_TCP,
					      .tuple = store_lab_flow(4).flow.tuple[0],
					      .direction = DIR_REPLY,
					      .mark = 2,
					      .expected = 0,
					      .egress = 1,
					      .reason = REASON_ROUTE_MISSING,
					      .evidence = EVIDENCE_STRAY_PACKET,
					      .packets = 1};
	g.gap = (struct gap_record){.id = 3,
				    .started_ms = LAB_NOON,
				    .source = GAP_EVIDENCE,
				    .lost = -1,
				    .reason = "a hole"};
	store_lab_push(w, &u);
	store_lab_push_uplinks(w, LAB_NOON - 1);
	store_lab_push(w, &u);
	store_lab_push(w, &m);
	store_lab_push(w, &g);
	store_lab_push(w, &c);
	store_lab_push(w, &t);
	store_lab_push(w, &deletion);
	memset(&t.tampering, 0, sizeof(t.tampering));
	store_lab_push(w, &t);
	writer_flush(w);
	store_lab_expect(path, "SELECT * FROM mismatches",
			 "5|2026-03-01T12:00:00.000Z|1772366400000|4|tcp|192.168.1.10|"
			 "40000|198.51.100.7|443|reply|2|wan1|eth2|route-missing|packet|1");
	store_lab_expect(path, "SELECT * FROM gaps",
			 "3|2026-03-01T12:00:00.000Z|1772366400000|-|-|evidence|-|a hole");
	store_lab_expect(path, "SELECT * FROM mark_changes",
			 "2026-03-01T12:00:00.000Z|1772366400000|4|2|4294967295");
	store_lab_expect(
		path, "SELECT * FROM tampering ORDER BY time DESC LIMIT 1",
		"1|2026-03-01T12:00:00.000Z|1772366400000|rule 1001 deleted|4711|ip|restored");
	store_lab_expect(path, "SELECT * FROM deleted_flows",
			 "2026-03-01T12:00:00.000Z|1772366400000|4|5|deleted");
	store_lab_expect(path, "SELECT pid, process, action FROM tampering WHERE what = ''",
			 "-|-|-");
	/* The first came before the slot had an uplink. */
	store_lab_expect(path, "SELECT * FROM uplink_states",
			 "1|2026-03-01T12:00:00.000Z|1772366400000|wan2|eth2|no-address|address|-|-"
			 "|-|-|-|192.0.2.9/24");
	m.mismatch.packets = 9;
	m.mismatch.evidence = EVIDENCE_EGRESS_SEEN;
	m.mismatch.expected = SLOT_NONE;
	m.mismatch.direction = DIR_ORIGINAL;
	g.gap.ended_ms = LAB_NOON + 1;
	g.gap.lost = 0;
	g.gap.source = GAP_DAEMON;
	store_lab_push(w, &m);
	store_lab_push(w, &g);
	writer_flush(w);
	store_lab_expect(path, "SELECT direction, expected, evidence, packets FROM mismatches",
			 "original|-|label|9");
	store_lab_expect(path, "SELECT ended, source, lost FROM gaps",
			 "2026-03-01T12:00:00.001Z|daemon|0");
	store_lab_stop(w, st);
}

static void push_uplink(struct writer *w, int64_t time_ms, int64_t flow_id, const char *name,
			const char *ifname)
{
	struct record r = {.type = RECORD_UPLINKS,
			   .uplinks = {.time_ms = time_ms, .flow_id = flow_id, .n = 1}};

	r.uplinks.uplinks = calloc(1, sizeof(struct uplink_record));
	r.uplinks.uplinks->mark = 2;
	snprintf(r.uplinks.uplinks->name, UPLINK_NAME_MAX, "%s", name);
	snprintf(r.uplinks.uplinks->ifname, IFNAMSIZ, "%s", ifname);
	store_lab_push(w, &r);
}

/* Flows keep their uplinks' names, also when they end much later and after a restart, and when the
 * clock has been set back. */
static void test_uplinks_in_time(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct record r = store_lab_flow(1);

	store_lab_push_uplinks(w, LAB_NOON);
	store_lab_push(w, &r);
	push_uplink(w, LAB_NOON + 1000, 1, "dsl", "eth9");
	r = store_lab_flow(2000);
	r.flow.started_ms -= 3600000;
	store_lab_push(w, &r);
	store_lab_stop(w, st);
	st = store_lab_open(path);
	w = store_lab_start(st);
	push_uplink(w, LAB_NOON + 5000, 2000, "dsl", "eth9");
	r = store_lab_flow(1);
	store_lab_end(&r);
	store_lab_push(w, &r);
	writer_flush(w);
	store_lab_expect(path, "SELECT name, interface, mark, valid_from, valid_to FROM uplinks",
			 "wan1|eth1|2|2026-03-01T12:00:00.000Z|2026-03-01T12:00:01.000Z\n"
			 "wan2|eth2|3|2026-03-01T12:00:00.000Z|2026-03-01T12:00:01.000Z\n"
			 "dsl|eth9|2|2026-03-01T12:00:01.000Z|-");
	store_lab_expect(path, "SELECT id, state, uplink, egress FROM flows",
			 "1|ended|wan1|eth1\n2000|live|dsl|eth9");
	store_lab_stop(w, st);
}

/* --- numbers -------------------------------------------------------------------- */

static void test_million(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct writer_stats stats;

	store_lab_push_uplinks(w, LAB_NOON);
	for (int64_t i = 1; i <= 510000; i++) {
		struct record r = store_lab_flow(i);

		if (i <= 500000)
			store_lab_push(w, &r);
		if (i <= 10000 || i - 10000 > 500000)
			continue;
		r = store_lab_flow(i - 10000);
		store_lab_end(&r);
		store_lab_push(w, &r);
	}
	for (int64_t i = 490001; i <= 500000; i++) {
		struct record r = store_lab_flow(i);

		store_lab_end(&r);
		store_lab_push(w, &r);
	}
	writer_flush(w);
	writer_stats(w, &stats);
	assert_true(stats.written >= 1000001);
	assert_int_equal(stats.queued, stats.written);
	assert_int_equal(stats.failed, 0);
	assert_int_equal(stats.depth, 0);
	store_lab_expect(path,
			 "SELECT count(*), count(DISTINCT id), min(id), max(id), sum(packets),"
			 " sum(bytes_reply) FROM flows WHERE state = 'ended'",
			 "500000|500000|1|500000|5000000|4500000000");
	store_lab_stop(w, st);
	assert_true(store_lab_number(path, "PRAGMA page_count") * 4096 < 500000 * 120);
	store_lab_expect(path, "PRAGMA integrity_check", "ok");
}

static void test_in_time(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = writer_start(st, 100, 250);

	store_lab_sleep_ms(50);
	for (int64_t i = 1; i <= 5; i++) {
		struct record r = store_lab_flow(i);

		store_lab_push(w, &r);
		store_lab_sleep_ms(250);
		assert_int_equal(store_lab_number(path, "SELECT max(id) FROM flows"), i);
	}
	store_lab_stop(w, st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flow_row, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_words, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_outbox, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_times, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_late_evidence, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_nat, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_other_rows, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_uplinks_in_time, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_million, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_in_time, store_lab_setup, store_lab_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
