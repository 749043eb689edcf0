/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_writer.c - records become rows that plain SQL reads: every column and
 * word, and every record, whatever the database does meanwhile.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store_lab.h"

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static void stats_wait_error(struct writer *w, int code)
{
	struct writer_stats stats;

	for (int i = 0; i < 1000; i++) {
		writer_stats(w, &stats);
		if ((stats.last_error & 0xff) == code)
			return;
		sleep_ms(10);
	}
	fail_msg("last error is %d, not %d", stats.last_error, code);
}

/* --- rows --------------------------------------------------------------------- */

static void test_flow_row(void **state)
{
	const char *path = lab_path(*state, "flows.db");
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);
	struct record r = lab_flow(1);

	lab_push_uplinks(w, LAB_NOON);
	lab_push(w, &r);
	writer_flush(w);
	lab_expect(path, "SELECT * FROM flows",
		   "1|2026-03-01T12:00:00.001Z|-|live|tcp|192.168.1.10|40000|198.51.100.7|443|"
		   "203.0.113.2|40000|198.51.100.7|443|0|4026531841|2|wan1|-|eth1|-|ok|-|-|-|-|-");
	lab_end(&r);
	r.flow.egress[1] = 3;
	r.flow.ingress = 1;
	lab_push(w, &r);
	writer_flush(w);
	lab_expect(path, "SELECT * FROM flows",
		   "1|2026-03-01T12:00:00.001Z|2026-03-01T12:00:01.501Z|ended|tcp|192.168.1.10|"
		   "40000|198.51.100.7|443|203.0.113.2|40000|198.51.100.7|443|0|4026531841|2|wan1|wan2|eth1|"
		   "eth1,eth2|ok|-|10|1000|12|9000");
	lab_stop(w, st);
}

/* What is not known is NULL, and the words are those of the enumerations. */
static void test_words(void **state)
{
	const char *path = lab_path(*state, "flows.db");
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);
	char sql[96], expected[64];

	for (int i = 0; i <= REASON_UPLINK_DOWN_FLUSH; i++) {
		struct record r = lab_flow(i + 1);

		r.flow.verdict = i <= VERDICT_OK ? (enum verdict)i : VERDICT_MISMATCH;
		r.flow.reason = (enum reason)i;
		r.flow.state = (enum flow_state)(i % 3);
		lab_push(w, &r);
	}
	writer_flush(w);
	for (int i = 0; i <= REASON_UPLINK_DOWN_FLUSH; i++) {
		static const char *const states[] = { "live", "ended", "lost" };
		const char *verdict = verdict_name(i <= VERDICT_OK ? (enum verdict)i :
								     VERDICT_MISMATCH);
		const char *reason = reason_name((enum reason)i);

		snprintf(sql, sizeof(sql), "SELECT verdict, reason, state, ended, uplink, egress"
			 " FROM flows WHERE id = %d", i + 1);
		snprintf(expected, sizeof(expected), "%s|%s|%s|-|-|-", verdict ? verdict : "-",
			 reason ? reason : "-", states[i % 3]);
		lab_expect(path, sql, expected);
	}
	lab_stop(w, st);
}

static int outbox_join(void *data, int64_t id, const char *line)
{
	char *text = data;

	sprintf(text + strlen(text), "%d:%s ", (int)id, line);
	return 0;
}

/* Alerts that wait are there until they are done, also for a later start. */
static void test_outbox(void **state)
{
	const char *path = lab_path(*state, "flows.db");
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);
	char text[64] = "";

	for (int64_t id = 1; id <= 3; id++) {
		struct record r = { .type = RECORD_OUTBOX_ADD,
				    .outbox = { .id = id, .time_ms = LAB_NOON, .line = strdup("{}") } };

		lab_push(w, &r);
	}
	lab_push(w, &(struct record){ .type = RECORD_OUTBOX_DONE, .outbox.id = 2 });
	lab_stop(w, st);
	lab_expect(path, "SELECT id, time, line FROM outbox",
		   "1|1772366400000|{}\n3|1772366400000|{}");
	st = lab_open(path);
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
		{ 0, 0, "-|-" },
		{ 0, 1772366400999, "-|2026-03-01T12:00:00.999Z" },
		{ 1772366399999, 1772366400000, "2026-03-01T11:59:59.999Z|2026-03-01T12:00:00.000Z" },
		{ 1772366400001, 1772366400000, "2026-03-01T12:00:00.001Z|2026-03-01T12:00:00.000Z" },
		{ 951782399001, 4102444799999, "2000-02-28T23:59:59.001Z|2099-12-31T23:59:59.999Z" },
	};
	const char *path = lab_path(*state, "flows.db");
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);
	char sql[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record r = lab_flow((int64_t)i + 1);

		lab_end(&r);
		r.flow.started_ms = cases[i].started;
		r.flow.ended_ms = cases[i].ended;
		lab_push(w, &r);
	}
	writer_flush(w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(sql, sizeof(sql), "SELECT started, ended FROM flows WHERE id = %zu", i + 1);
		lab_expect(path, sql, cases[i].text);
	}
	lab_stop(w, st);
}

/* Evidence that comes after a flow's end knows neither the end nor the counters:
 * they stay, whether both come in one batch or not. */
static void test_late_evidence(void **state)
{
	const char *path = lab_path(*state, "flows.db");
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);

	for (int64_t id = 1; id <= 2; id++) {
		struct record r = lab_flow(id);

		lab_push(w, &r);
		writer_flush(w);
		lab_end(&r);
		lab_push(w, &r);
		if (id == 2)
			writer_flush(w);
		r.flow.ended_ms = 0;
		r.flow.has_counters = false;
		memset(r.flow.packets, 0, sizeof(r.flow.packets));
		memset(r.flow.bytes, 0, sizeof(r.flow.bytes));
		r.flow.verdict = VERDICT_MISMATCH;
		lab_push(w, &r);
		writer_flush(w);
	}
	lab_expect(path, "SELECT state, verdict, substr(ended, 18), packets, bytes, packets_reply,"
		   " bytes_reply FROM flows",
		   "ended|mismatch|01.501Z|10|1000|12|9000\nended|mismatch|01.502Z|10|1000|12|9000");
	lab_stop(w, st);
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
		{ IPPROTO_UDP, "10.0.0.1", "10.9.9.9", "10.9.9.9", "10.0.0.1", 1, 2, 2, 1,
		  "udp|10.0.0.1|1|10.9.9.9|2|-|-|-|-" },
		{ IPPROTO_UDP, "10.0.0.1", "10.9.9.9", "10.9.9.9", "203.0.113.2", 1, 2, 2, 7,
		  "udp|10.0.0.1|1|10.9.9.9|2|203.0.113.2|7|10.9.9.9|2" },
		{ IPPROTO_UDP, "10.0.0.1", "10.9.9.9", "10.9.9.9", "10.0.0.1", 1, 2, 2, 65535,
		  "udp|10.0.0.1|1|10.9.9.9|2|10.0.0.1|65535|10.9.9.9|2" },
		{ IPPROTO_TCP, "255.255.255.255", "128.0.0.0", "192.168.1.80", "255.255.255.255",
		  65535, 80, 8080, 65535,
		  "tcp|255.255.255.255|65535|128.0.0.0|80|255.255.255.255|65535|192.168.1.80|8080" },
		{ IPPROTO_TCP, "192.168.1.5", "203.0.113.2", "192.168.1.80", "192.168.1.1",
		  9, 80, 80, 9, "tcp|192.168.1.5|9|203.0.113.2|80|192.168.1.1|9|192.168.1.80|80" },
		{ IPPROTO_ICMP, "10.0.0.1", "10.9.9.9", "10.9.9.9", "203.0.113.2", 77, 2048, 78,
		  2048, "icmp|10.0.0.1|77|10.9.9.9|2048|203.0.113.2|78|10.9.9.9|2048" },
		{ IPPROTO_ICMPV6, "fe80::1", "::1", "::1", "fe80::1", 0, 128 << 8, 0, 128 << 8,
		  "icmpv6|fe80::1|0|::1|32768|-|-|-|-" },
		{ IPPROTO_GRE, "10.0.0.1", "10.9.9.9", "10.9.9.9", "203.0.113.2", 0, 0, 0, 0,
		  "47|10.0.0.1|-|10.9.9.9|-|203.0.113.2|-|10.9.9.9|-" },
		{ IPPROTO_SCTP, "2001:DB8:0:0:1::", "2001:db8::a:0:0:1", "2001:db8::2", "2001:db8::9",
		  5, 6, 6, 5,
		  "sctp|2001:db8:0:0:1::|5|2001:db8::a:0:0:1|6|2001:db8::9|5|2001:db8::2|6" },
		{ 0, "0.0.0.0", "127.0.0.1", "127.0.0.1", "0.0.0.0", 0, 0, 0, 0,
		  "0|0.0.0.0|-|127.0.0.1|-|-|-|-|-" },
	};
	const char *path = lab_path(*state, "flows.db");
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);
	char sql[160];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record r = lab_flow((int64_t)i + 1);
		struct endpoints *t = r.flow.tuple;

		r.flow.proto = cases[i].proto;
		lab_addr(&t[0].src, cases[i].src);
		lab_addr(&t[0].dst, cases[i].dst);
		lab_addr(&t[1].src, cases[i].reply_src);
		lab_addr(&t[1].dst, cases[i].reply_dst);
		t[0].sport = cases[i].sport;
		t[0].dport = cases[i].dport;
		t[1].sport = cases[i].reply_sport;
		t[1].dport = cases[i].reply_dport;
		lab_push(w, &r);
	}
	writer_flush(w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(sql, sizeof(sql), "SELECT proto, src, sport, dst, dport, nat_src, nat_sport,"
			 " nat_dst, nat_dport FROM flows WHERE id = %zu", i + 1);
		lab_expect(path, sql, cases[i].row);
	}
	lab_stop(w, st);
}

static void test_other_rows(void **state)
{
	const char *path = lab_path(*state, "flows.db");
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);
	struct record m = { .type = RECORD_MISMATCH }, g = { .type = RECORD_GAP };
	struct record c = { .type = RECORD_MARK_CHANGE, .mark_change = {
		.time_ms = LAB_NOON, .flow_id = 4, .old_mark = 2, .new_mark = 0xffffffff } };
	struct record t = { .type = RECORD_TAMPERING, .tampering = {
		.time_ms = LAB_NOON, .what = "rule 1001 deleted", .pid = 4711, .process = "ip",
		.action = "restored" } };

	m.mismatch = (struct mismatch_record){ .id = 5, .time_ms = LAB_NOON, .flow_id = 4,
		.proto = IPPROTO_TCP, .tuple = lab_flow(4).flow.tuple[0], .direction = DIR_REPLY,
		.mark = 2, .expected = 0, .egress = 1, .reason = REASON_ROUTE_MISSING,
		.evidence = EVIDENCE_NFLOG, .packets = 1 };
	g.gap = (struct gap_record){ .id = 3, .started_ms = LAB_NOON, .source = GAP_NFLOG,
		.lost = -1, .reason = "a hole" };
	lab_push_uplinks(w, LAB_NOON - 1);
	lab_push(w, &m);
	lab_push(w, &g);
	lab_push(w, &c);
	lab_push(w, &t);
	memset(&t.tampering, 0, sizeof(t.tampering));
	lab_push(w, &t);
	writer_flush(w);
	lab_expect(path, "SELECT * FROM mismatches", "5|2026-03-01T12:00:00.000Z|4|tcp|192.168.1.10|"
		   "40000|198.51.100.7|443|reply|2|wan1|eth2|route-missing|nflog|1");
	lab_expect(path, "SELECT * FROM gaps", "3|2026-03-01T12:00:00.000Z|-|nflog|-|a hole");
	lab_expect(path, "SELECT * FROM mark_changes", "2026-03-01T12:00:00.000Z|4|2|4294967295");
	lab_expect(path, "SELECT * FROM tampering ORDER BY time DESC LIMIT 1",
		   "2026-03-01T12:00:00.000Z|rule 1001 deleted|4711|ip|restored");
	lab_expect(path, "SELECT pid, process, action FROM tampering WHERE what = ''", "-|-|-");
	m.mismatch.packets = 9;
	m.mismatch.evidence = EVIDENCE_LABEL;
	m.mismatch.expected = SLOT_NONE;
	m.mismatch.direction = DIR_ORIGINAL;
	g.gap.ended_ms = LAB_NOON + 1;
	g.gap.lost = 0;
	g.gap.source = GAP_DAEMON;
	lab_push(w, &m);
	lab_push(w, &g);
	writer_flush(w);
	lab_expect(path, "SELECT direction, expected, evidence, packets FROM mismatches",
		   "original|-|label|9");
	lab_expect(path, "SELECT ended, source, lost FROM gaps",
		   "2026-03-01T12:00:00.001Z|daemon|0");
	lab_stop(w, st);
}

static void push_uplink(struct writer *w, int64_t time_ms, const char *name, const char *ifname)
{
	struct record r = { .type = RECORD_UPLINKS, .uplinks = { .time_ms = time_ms, .n = 1 } };

	r.uplinks.uplinks = calloc(1, sizeof(struct uplink_record));
	r.uplinks.uplinks->mark = 2;
	snprintf(r.uplinks.uplinks->name, UPLINK_NAME_MAX, "%s", name);
	snprintf(r.uplinks.uplinks->ifname, IFNAMSIZ, "%s", ifname);
	lab_push(w, &r);
}

/* Flows keep the names of their time, also when they end much later and after a
 * restart. */
static void test_uplinks_in_time(void **state)
{
	const char *path = lab_path(*state, "flows.db");
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);
	struct record r = lab_flow(1);

	lab_push_uplinks(w, LAB_NOON);
	lab_push(w, &r);
	push_uplink(w, LAB_NOON + 1000, "dsl", "eth9");
	r = lab_flow(2000);
	lab_push(w, &r);
	lab_stop(w, st);
	st = lab_open(path);
	w = lab_start(st);
	push_uplink(w, LAB_NOON + 5000, "dsl", "eth9");
	r = lab_flow(1);
	lab_end(&r);
	lab_push(w, &r);
	writer_flush(w);
	lab_expect(path, "SELECT name, interface, mark, valid_from, valid_to FROM uplinks",
		   "wan1|eth1|2|2026-03-01T12:00:00.000Z|2026-03-01T12:00:01.000Z\n"
		   "wan2|eth2|3|2026-03-01T12:00:00.000Z|2026-03-01T12:00:01.000Z\n"
		   "dsl|eth9|2|2026-03-01T12:00:01.000Z|-");
	lab_expect(path, "SELECT id, state, uplink, egress FROM flows",
		   "1|ended|wan1|eth1\n2000|live|dsl|eth9");
	lab_stop(w, st);
}

/* --- numbers -------------------------------------------------------------------- */

static void test_million(void **state)
{
	const char *path = lab_path(*state, "flows.db");
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);
	struct writer_stats stats;

	lab_push_uplinks(w, LAB_NOON);
	for (int64_t i = 1; i <= 510000; i++) {
		struct record r = lab_flow(i);

		if (i <= 500000)
			lab_push(w, &r);
		if (i <= 10000 || i - 10000 > 500000)
			continue;
		r = lab_flow(i - 10000);
		lab_end(&r);
		lab_push(w, &r);
	}
	for (int64_t i = 490001; i <= 500000; i++) {
		struct record r = lab_flow(i);

		lab_end(&r);
		lab_push(w, &r);
	}
	writer_flush(w);
	writer_stats(w, &stats);
	assert_true(stats.written >= 1000001);
	assert_int_equal(stats.queued, stats.written);
	assert_int_equal(stats.failed, 0);
	assert_int_equal(stats.depth, 0);
	lab_expect(path, "SELECT count(*), count(DISTINCT id), min(id), max(id), sum(packets),"
		   " sum(bytes_reply) FROM flows WHERE state = 'ended'",
		   "500000|500000|1|500000|5000000|4500000000");
	lab_stop(w, st);
	assert_true(lab_number(path, "PRAGMA page_count") * 4096 < 500000 * 120);
	lab_expect(path, "PRAGMA integrity_check", "ok");
}

static void test_in_time(void **state)
{
	const char *path = lab_path(*state, "flows.db");
	struct store *st = lab_open(path);
	struct writer *w = writer_start(st, 100, 250);

	sleep_ms(50);
	for (int64_t i = 1; i <= 5; i++) {
		struct record r = lab_flow(i);

		lab_push(w, &r);
		sleep_ms(250);
		assert_int_equal(lab_number(path, "SELECT max(id) FROM flows"), i);
	}
	lab_stop(w, st);
}

/* --- faults --------------------------------------------------------------------- */

static sqlite3 *other_open(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	return db;
}

/* Somebody locks the database: the queue takes what it can, refuses the rest, and
 * what it took is written as soon as the lock is gone. */
static void test_locked(void **state)
{
	const char *path = lab_path(*state, "flows.db");
	struct store *st = lab_open(path);
	struct writer *w = writer_start(st, 100, 20);
	sqlite3 *other = other_open(path, "BEGIN IMMEDIATE");
	struct writer_stats stats;
	int refused = 0;

	for (int64_t i = 1; i <= 130; i++) {
		struct record r = lab_flow(i);
		int error = writer_push(w, &r);

		refused += error != 0;
		assert_int_equal(error, i <= 100 ? 0 : -ENOBUFS);
	}
	assert_int_equal(refused, 30);
	stats_wait_error(w, SQLITE_BUSY);
	writer_stats(w, &stats);
	assert_int_equal(stats.dropped, 30);
	assert_int_equal(stats.depth, 100);
	assert_int_equal(stats.depth_max, 100);
	assert_int_equal(stats.written, 0);
	assert_string_equal(stats.last_error_text, "database is locked");
	sqlite3_close(other);
	lab_wait(path, "SELECT count(*) FROM flows", 100);
	stats_wait_error(w, 0);
	lab_stop(w, st);
	lab_expect(path, "SELECT count(*), max(id) FROM flows", "100|100");
}

/* A reader that will not end sees its moment and holds nobody up; when it is gone
 * the log does not stay as large as it grew. */
static void test_slow_reader(void **state)
{
	const char *path = lab_path(*state, "flows.db"), *wal = lab_path(*state, "flows.db-wal");
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);
	struct record r = lab_flow(1);
	struct stat info;
	sqlite3 *reader;

	lab_push(w, &r);
	writer_flush(w);
	reader = other_open(path, "BEGIN; SELECT count(*) FROM flows");
	for (int64_t i = 2; i <= 1200000; i++) {
		r = lab_flow(i);
		lab_push(w, &r);
	}
	writer_flush(w);
	lab_expect(path, "SELECT count(*) FROM flows", "1200000");
	assert_int_equal(stat(wal, &info), 0);
	assert_true(info.st_size > 64 << 20);
	sqlite3_close(reader);
	sleep_ms(1500);
	for (int64_t i = 1200001; i <= 1230000; i++) {
		r = lab_flow(i);
		lab_push(w, &r);
	}
	writer_flush(w);
	sleep_ms(300);
	assert_int_equal(stat(wal, &info), 0);
	assert_true(info.st_size <= 64 << 20);
	lab_stop(w, st);
}

/* One record that the database refuses takes no other with it, and a gap tells. */
static void test_refused_record(void **state)
{
	const char *path = lab_path(*state, "flows.db");
	struct store *st = lab_open(path);
	struct writer *w;
	struct writer_stats stats;

	lab_execute(path, "CREATE TRIGGER t BEFORE INSERT ON flow WHEN new.id IN (13, 14)"
		    " BEGIN SELECT raise(ABORT, 'no'); END");
	w = lab_start(st);
	for (int64_t i = 1; i <= 20; i++) {
		struct record r = lab_flow(i);

		lab_push(w, &r);
	}
	writer_flush(w);
	lab_wait(path, "SELECT count(*) FROM gaps WHERE ended IS NOT NULL", 1);
	writer_stats(w, &stats);
	assert_int_equal(stats.failed, 2);
	assert_int_equal(stats.written, 18);
	lab_expect(path, "SELECT count(*), total(id) FROM flows", "18|183.0");
	lab_expect(path, "SELECT id, source, lost, reason FROM gaps",
		   "-1|store|2|SQLite refused records of the history");
	lab_stop(w, st);
	st = lab_open(path);
	assert_int_equal(store_last_gap_id(st), 0);
	store_close(st);
}

static void test_file_deleted(void **state)
{
	const char *path = lab_path(*state, "flows.db"), *moved = lab_path(*state, "old.db");
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);
	struct record r = lab_flow(1);

	lab_push_uplinks(w, LAB_NOON);
	lab_push(w, &r);
	writer_flush(w);
	assert_int_equal(rename(path, moved), 0);
	lab_wait(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'gaps'", 1);
	lab_wait(path, "SELECT count(*) FROM gaps", 1);
	lab_end(&r);
	lab_push(w, &r);
	writer_flush(w);
	lab_expect(moved, "SELECT id, state FROM flows", "1|live");
	lab_expect(path, "SELECT id, state, uplink, egress FROM flows", "1|ended|wan1|eth1");
	lab_expect(path, "SELECT source, lost, ended IS NOT NULL, reason FROM gaps",
		   "store|-|1|the database's file was moved, replaced or deleted");
	lab_expect(path, "PRAGMA integrity_check", "ok");
	lab_stop(w, st);
}

/* Something that is not ours takes the place: nothing of it changes, records wait,
 * and go on when it is gone. */
static void test_file_replaced(void **state)
{
	const char *path = lab_path(*state, "flows.db"), *text = lab_path(*state, "text");
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);
	struct record r = lab_flow(1);
	uint64_t before;
	FILE *f = fopen(text, "w");

	for (int i = 0; i < 100; i++)
		fputs("something else altogether\n", f);
	fclose(f);
	before = lab_fingerprint(text);
	assert_int_equal(rename(text, path), 0);
	stats_wait_error(w, SQLITE_CANTOPEN);
	lab_push(w, &r);
	writer_flush(w);
	assert_true(lab_fingerprint(path) == before);
	assert_int_equal(unlink(path), 0);
	lab_wait(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'gaps'", 1);
	lab_wait(path, "SELECT count(*) FROM flows", 1);
	lab_stop(w, st);
}

static void fill_disk(const char *path, size_t bytes)
{
	static const char zeros[4096];
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	for (size_t i = 0; i < bytes; i += sizeof(zeros))
		if (write(fd, zeros, sizeof(zeros)) < 0)
			break;
	close(fd);
}

/* Needs 15 MB and a log, and has less until the ballast goes. */
static void full_disk(void **state, bool has_retention)
{
	const char *path = lab_path(*state, "flows.db"), *ballast = lab_path(*state, "ballast");
	struct writer_stats stats;
	struct store *st = lab_open(path);
	struct writer *w = writer_start(st, 250000, 50);

	if (has_retention) {
		writer_set_retention(w, 0, 1 << 30);
		for (int i = 0; i < 1000 && access(lab_path(*state, "flows.db.reserve"), F_OK); i++)
			sleep_ms(10);
		fill_disk(ballast, 60 << 20);
		fill_disk(lab_path(*state, "more"), 2 << 20);
	} else {
		fill_disk(ballast, 70 << 20);
	}
	for (int64_t i = 1; i <= 200000; i++) {
		struct record r = lab_flow(i);

		lab_end(&r);
		lab_push(w, &r);
	}
	if (has_retention) {
		lab_wait(path, "SELECT max(id) FROM flow", 200000);
		assert_true(lab_number(path, "SELECT min(id) FROM flow") > 10000);
		assert_in_range(lab_number(path, "SELECT count(*) FROM flow"), 5000, 150000);
	} else {
		stats_wait_error(w, SQLITE_FULL);
		writer_flush(w);
		writer_stats(w, &stats);
		assert_true(stats.depth > 0);
		assert_int_equal(unlink(ballast), 0);
		lab_wait(path, "SELECT count(*) FROM flow", 200000);
	}
	writer_stats(w, &stats);
	assert_int_equal(stats.dropped, 0);
	assert_int_equal(stats.failed, 0);
	lab_stop(w, st);
	lab_expect(path, "PRAGMA integrity_check", "ok");
}

static void test_full_disk_waits(void **state)
{
	full_disk(state, false);
}

static void test_full_disk_forgets(void **state)
{
	full_disk(state, true);
}

#define EXIT_NO_MOUNTS 77

/* Mounts from here on are seen by nobody else. Not to be had in a chroot whose
 * root is no mount point. */
static bool mounts_are_private(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount("", "/", "", MS_REC | MS_PRIVATE, "") == 0;
}

/* A file system of 80 MiB of its own. */
static int disk_setup(void **state)
{
	return lab_setup(state) == 0 && mount("tmpfs", *state, "tmpfs", 0, "size=80m") == 0 ? 0 : -1;
}

static int disk_teardown(void **state)
{
	umount(*state);
	return lab_teardown(state);
}

static void test_full_disk(void **state)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_full_disk_waits, disk_setup, disk_teardown),
		cmocka_unit_test_setup_teardown(test_full_disk_forgets, disk_setup, disk_teardown),
	};
	int status;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip();
	child = fork();
	if (child == 0) {
		if (!mounts_are_private())
			_exit(EXIT_NO_MOUNTS);
		/* One plan a program on standard output; this one is told aside. */
		dup2(STDERR_FILENO, STDOUT_FILENO);
		_exit(cmocka_run_group_tests(tests, NULL, NULL));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_MOUNTS)
		skip();
	assert_int_equal(status, 0);
}

/* A stop while the database is locked gives up in the end; what is left is no
 * secret: the next start sees that this was no clean end. */
static void test_stop_while_locked(void **state)
{
	const char *path = lab_path(*state, "flows.db");
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);
	sqlite3 *other = other_open(path, "BEGIN IMMEDIATE");
	struct record r = lab_flow(1);
	bool was_clean = true;

	lab_push_uplinks(w, LAB_NOON);
	lab_push(w, &r);
	lab_stop(w, st);
	sqlite3_close(other);
	st = lab_open(path);
	store_last_alive_ms(st, &was_clean);
	assert_false(was_clean);
	store_close(st);
}

/* --- retention ------------------------------------------------------------------ */

static void test_retention_by_age(void **state)
{
	const char *path = lab_path(*state, "flows.db");
	int64_t now = (int64_t)time(NULL) * 1000;
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);

	/* A day in 80,000 flows, each of a second; every thousandth lives on. */
	for (int64_t i = 1; i <= 80000; i++) {
		struct record r = lab_flow(i);

		if (i % 1000)
			lab_end(&r);
		r.flow.started_ms = now - 86400000 + i * 1080;
		r.flow.ended_ms = i % 1000 ? r.flow.started_ms + 1000 : 0;
		lab_push(w, &r);
	}
	writer_flush(w);
	writer_set_retention(w, 43200, 0);
	lab_wait(path, "SELECT count(*) = 40040 FROM flow", 1);
	lab_expect(path, "SELECT count(*), count(*) FILTER (WHERE state = 0) FROM flow",
		   "40040|80");
	assert_in_range(lab_number(path, "SELECT min(id) FROM flow WHERE state = 1"), 39990, 40010);
	lab_stop(w, st);
	lab_expect(path, "PRAGMA integrity_check", "ok");
}

static void test_retention_by_size(void **state)
{
	const char *path = lab_path(*state, "flows.db");
	struct store *st = lab_open(path);
	struct writer *w = lab_start(st);
	struct stat info;

	for (int64_t i = 1; i <= 200000; i++) {
		struct record r = lab_flow(i);

		if (i != 7)
			lab_end(&r);
		lab_push(w, &r);
	}
	writer_flush(w);
	writer_set_retention(w, 0, 4 << 20);
	for (int i = 0; i < 1000; i++) {
		if (stat(path, &info) == 0 && info.st_size <= 4 << 20 &&
		    lab_number(path, "PRAGMA page_count") <= 1024)
			break;
		sleep_ms(10);
	}
	assert_true(lab_number(path, "PRAGMA page_count") <= 1024);
	assert_in_range(lab_number(path, "SELECT count(*) FROM flows"), 30000, 60000);
	lab_expect(path, "SELECT id, state FROM flows ORDER BY id LIMIT 1", "7|live");
	lab_expect(path, "SELECT max(id) FROM flows", "200000");
	/* All of it goes, but ids do not come again. */
	writer_set_retention(w, 0, 1);
	lab_wait(path, "SELECT count(*) = 1 FROM flow", 1);
	lab_stop(w, st);
	st = lab_open(path);
	assert_int_equal(store_last_flow_id(st), 200000);
	store_close(st);
	lab_expect(path, "PRAGMA integrity_check", "ok");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flow_row, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_words, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_outbox, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_times, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_late_evidence, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_nat, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_other_rows, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_uplinks_in_time, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_million, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_in_time, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_locked, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_slow_reader, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_refused_record, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_file_deleted, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_file_replaced, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_stop_while_locked, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_retention_by_age, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_retention_by_size, lab_setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
