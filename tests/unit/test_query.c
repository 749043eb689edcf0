/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_query.c - proves that searches by any path (slices, postings, partial indexes) give the same
 * rows as a scan of all flows, newest first.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_lab.h"
#include "waymark/store/query.h"

#define FLOWS 80000 /* two full slices and a partial one */

static uint64_t seed;

static uint32_t pick(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 20) % n;
}

static void address(struct addr *a, bool is_v6, uint32_t n)
{
	char text[ADDR_STRLEN];

	if (is_v6)
		snprintf(text, sizeof(text), "2001:db8:%x::%x", n % 7, n);
	else
		snprintf(text, sizeof(text), "%u.%u.%u.%u", n % 2 ? 10 : 203, n % 5, n / 250 % 250,
			 n % 250);
	store_lab_addr(a, text);
}

/* Few addresses with many flows, many addresses with few. */
static void random_flow(struct flow_record *f, int64_t id)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
	bool is_v6 = pick(4) == 0;
	struct endpoints *t = f->tuple;

	*f = store_lab_flow(id).flow;
	f->proto = protos[pick(3)];
	address(&t[0].src, is_v6, pick(2) ? pick(9) : pick(60000));
	address(&t[0].dst, is_v6, pick(2) ? pick(9) : pick(60000));
	t[0].sport = (uint16_t)pick(3000);
	t[0].dport = (uint16_t)(f->proto == IPPROTO_ICMP ? 2048 : pick(50));
	t[1] = (struct endpoints){t[0].dst, t[0].src, t[0].dport, t[0].sport};
	if (f->proto == IPPROTO_ICMP) {
		t[1].sport = t[0].sport;
		t[1].dport = t[0].dport;
	}
	if (pick(2))
		address(&t[1].dst, is_v6, pick(5));
	if (pick(10) == 0)
		address(&t[1].src, is_v6, pick(60000));
	f->uplink = (uint8_t)pick(2);
	f->verdict = pick(50) ? VERDICT_OK : (enum verdict)(1 + pick(7));
	f->reason = f->verdict == VERDICT_MISMATCH ? (enum reason)(1 + pick(6)) : REASON_NONE;
	f->started_ms = LAB_NOON + id * 10 + pick(2000);
	f->state = pick(300) ? FLOW_ENDED : FLOW_LIVE;
	f->ended_ms = f->state == FLOW_LIVE ? 0 : f->started_ms + (pick(40) ? 100 : 700000);
}

static bool side_fits(const struct prefix *p, const struct addr *a, const struct addr *translated)
{
	return p->addr.family == AF_UNSPEC || prefix_contains(p, a) ||
	       prefix_contains(p, translated);
}

static bool port_fits(const struct flow_record *f, int32_t port)
{
	const struct endpoints *t = f->tuple;

	return port < 0 || (f->proto != IPPROTO_ICMP && (t[0].sport == port || t[0].dport == port ||
							 t[1].sport == port || t[1].dport == port));
}

static bool fits(const struct flow_record *f, const struct query_filter *q)
{
	return (!q->is_live || f->state == FLOW_LIVE) &&
	       (!q->since_ms || f->state == FLOW_LIVE || f->ended_ms >= q->since_ms) &&
	       (!q->at_ms || (f->started_ms <= q->at_ms &&
			      (f->state == FLOW_LIVE || f->ended_ms >= q->at_ms))) &&
	       (!q->started_since_ms || f->started_ms >= q->started_since_ms) &&
	       (side_fits(&q->host, &f->tuple[0].src, &f->tuple[1].dst) ||
		side_fits(&q->host, &f->tuple[0].dst, &f->tuple[1].src)) &&
	       (!q->until_ms || f->started_ms < q->until_ms) &&
	       side_fits(&q->src, &f->tuple[0].src, &f->tuple[1].dst) &&
	       side_fits(&q->dst, &f->tuple[0].dst, &f->tuple[1].src) && port_fits(f, q->port) &&
	       (q->proto < 0 || f->proto == q->proto) &&
	       (!q->uplink || !strcmp(q->uplink, f->uplink ? "wan2" : "wan1")) &&
	       (q->verdict == VERDICT_NONE || f->verdict == q->verdict) &&
	       (q->reason == REASON_NONE || f->reason == q->reason);
}

static void random_prefix(struct prefix *p)
{
	bool is_v6 = pick(3) == 0;

	address(&p->addr, is_v6, pick(2) ? pick(9) : pick(60000));
	p->len = is_v6 ? (uint8_t[]){128, 48, 64, 0, 33}[pick(5)]
		       : (uint8_t[]){32, 24, 16, 0, 31}[pick(5)];
}

static void random_filter(struct query_filter *q)
{
	query_filter_init(q);
	q->is_live = pick(8) == 0;
	if (pick(4) == 0)
		q->since_ms = LAB_NOON + pick(FLOWS * 10);
	if (pick(4) == 0)
		q->until_ms = LAB_NOON + pick(FLOWS * 10);
	if (pick(8) == 0)
		q->at_ms = LAB_NOON + pick(FLOWS * 10);
	if (pick(8) == 0)
		q->started_since_ms = LAB_NOON + pick(FLOWS * 10);
	if (pick(6) == 0)
		random_prefix(&q->host);
	if (pick(2))
		random_prefix(&q->src);
	if (pick(3) == 0)
		random_prefix(&q->dst);
	if (pick(6) == 0)
		q->port = (int32_t)pick(60);
	if (pick(6) == 0)
		q->proto = pick(2) ? IPPROTO_TCP : IPPROTO_ICMP;
	if (pick(6) == 0)
		q->uplink = pick(3) ? "wan2" : "none";
	if (pick(5) == 0)
		q->verdict = (enum verdict)(1 + pick(7));
	if (pick(12) == 0)
		q->reason = (enum reason)(1 + pick(6));
	if (pick(2))
		q->limit = 1 + pick(2000);
}

struct expectation {
	const struct flow_record *flows;
	const struct query_filter *filter;
	int64_t next; /* every flow above it was compared */
	uint64_t n;
};

static int64_t next_fit(const struct expectation *e, int64_t below)
{
	while (below > 0 && !fits(&e->flows[below - 1], e->filter))
		below--;
	return below;
}

static int compare_row(void *data, const struct value *values, size_t n)
{
	struct expectation *e = data;
	int64_t id = next_fit(e, e->next);

	assert_int_equal(n, 28);
	assert_string_equal(values[0].name, "id");
	assert_int_equal(values[0].kind, VALUE_INTEGER);
	if (values[0].integer != id)
		fail_msg("flow %lld, not %lld", (long long)values[0].integer, (long long)id);
	e->next = id - 1;
	e->n++;
	return 0;
}

static void compare(struct query *q, const struct flow_record *flows, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		struct query_filter f;
		struct expectation e = {.flows = flows, .filter = &f, .next = FLOWS};

		random_filter(&f);
		assert_int_equal(query_flows(q, &f, compare_row, &e), 0);
		if (f.limit && e.n == f.limit)
			continue;
		assert_true(e.n < f.limit || !f.limit);
		if (next_fit(&e, e.next))
			fail_msg("flow %lld is left out", (long long)next_fit(&e, e.next));
	}
}

static void totals_compare(struct query *q, const struct flow_record *flows)
{
	struct query_totals got, expected = {0};
	struct query_filter f, began;

	query_filter_init(&f);
	f.until_ms = LAB_NOON + 600000;
	began = f;
	began.started_since_ms = LAB_NOON + 200000;
	f.since_ms = LAB_NOON + 200000;
	for (int i = 0; i < FLOWS; i++) {
		if (!fits(&flows[i], &began))
			continue;
		expected.flows++;
		expected.live += flows[i].state == FLOW_LIVE;
		expected.by_verdict[flows[i].verdict]++;
	}
	assert_int_equal(query_totals(q, &f, &got), 0);
	assert_memory_equal(&got, &expected, sizeof(got));
}

static void test_searches(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct flow_record *flows = calloc(FLOWS, sizeof(*flows));
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct query *q;

	seed = (uint64_t)time(NULL) * 2654435761u | 1;
	print_message("seed %llu\n", (unsigned long long)seed);
	store_lab_push_uplinks(w, LAB_NOON);
	for (int64_t i = 0; i < FLOWS; i++) {
		struct record r = {.type = RECORD_FLOW};

		random_flow(&flows[i], i + 1);
		r.flow = flows[i];
		/* Some are late, after flows with higher ids. */
		if (i % 1000 != 7)
			store_lab_push(w, &r);
	}
	store_lab_wait(path, "SELECT count(*) FROM slice WHERE state = 1", 2);
	for (int64_t i = 7; i < FLOWS; i += 1000) {
		struct record r = {.type = RECORD_FLOW, .flow = flows[i]};

		store_lab_push(w, &r);
	}
	writer_flush(w);
	q = query_open(path, stderr);
	assert_non_null(q);
	compare(q, flows, 60); /* its slices are built again meanwhile */
	store_lab_wait(path, "SELECT count(*) FROM slice WHERE state = 1", 2);
	compare(q, flows, 120);
	totals_compare(q, flows);
	query_close(q);
	store_lab_stop(w, st);
	free(flows);
}

/* --- other rows --------------------------------------------------------------- */

/* Return rows as text, "name=value ..." per line, without NULLs. */
static int row_print(void *data, const struct value *values, size_t n)
{
	FILE *out = data;

	for (size_t i = 0; i < n; i++) {
		if (values[i].kind == VALUE_INTEGER)
			fprintf(out, "%s=%lld ", values[i].name, (long long)values[i].integer);
		else if (values[i].kind == VALUE_TEXT)
			fprintf(out, "%s=%s ", values[i].name, values[i].text);
	}
	fputc('\n', out);
	return 0;
}

static int row_stop(void *data, const struct value *values, size_t n)
{
	(void)values;
	(void)n;
	return ++*(int *)data == 2 ? 99 : 0;
}

static void expect_text(char **text, FILE **out, const char *expected)
{
	fclose(*out);
	assert_string_equal(*text, expected);
	free(*text);
}

static FILE *text_open(char **text)
{
	static size_t size;

	return open_memstream(text, &size);
}

static void rows_write(struct writer *w)
{
	struct record m = {.type = RECORD_MISMATCH}, g = {.type = RECORD_GAP};
	struct record c = {.type = RECORD_MARK_CHANGE}, t = {.type = RECORD_TAMPERING};
	struct record f = store_lab_flow(1);

	store_lab_push_uplinks(w, LAB_NOON);
	store_lab_push(w, &f);
	f = store_lab_flow(2);
	store_lab_end(&f);
	store_lab_push(w, &f);
	for (int64_t id = 1; id <= 3; id++) {
		m.mismatch = (struct mismatch_record){.id = id,
						      .time_ms = LAB_NOON + id,
						      .flow_id = id % 2 + 1,
						      .proto = 6,
						      .tuple = f.flow.tuple[0],
						      .mark = 2,
						      .egress = id == 3 ? 0 : 1,
						      .expected = id == 3 ? 1 : 0,
						      .reason = (enum reason)id};
		store_lab_push(w, &m);
		g.gap = (struct gap_record){.id = id,
					    .started_ms = LAB_NOON + id * 10,
					    .ended_ms = id == 2 ? 0 : LAB_NOON + id * 10 + 5,
					    .lost = id};
		store_lab_push(w, &g);
		c.mark_change = (struct mark_change_record){
			.time_ms = LAB_NOON + id, .flow_id = id % 2 + 1, .new_mark = (uint32_t)id};
		store_lab_push(w, &c);
		t.tampering = (struct tampering_record){.time_ms = LAB_NOON + id, .pid = id};
		store_lab_push(w, &t);
	}
	writer_flush(w);
}

static void test_other_rows(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct writer *w = store_lab_start(st);
	struct query_filter f;
	struct query *q;
	int64_t ids[3];
	char *text;
	FILE *out;
	int n = 0;

	rows_write(w);
	q = query_open(path, stderr);
	assert_non_null(q);
	query_filter_init(&f);

	f.uplink = "wan1";
	f.limit = 2;
	out = text_open(&text);
	assert_int_equal(query_mismatches(q, &f, row_print, out), 0);
	expect_text(
		&text, &out,
		"id=3 time=2026-03-01T12:00:00.003Z time_ms=1772366400003 flow_id=2 proto=tcp "
		"src=192.168.1.10"
		" sport=40000 dst=198.51.100.7 dport=443 direction=original mark=2 expected=wan2"
		" egress=eth1 reason=uplink-down evidence=packet packets=0 \n"
		"id=2 time=2026-03-01T12:00:00.002Z time_ms=1772366400002 flow_id=1 proto=tcp "
		"src=192.168.1.10"
		" sport=40000 dst=198.51.100.7 dport=443 direction=original mark=2 expected=wan1"
		" egress=eth2 reason=route-missing evidence=packet packets=0 \n");
	query_filter_init(&f);
	f.reason = REASON_RULE_MISSING;
	f.port = 443;
	store_lab_addr(&f.dst.addr, "198.51.100.0");
	f.dst.len = 24;
	out = text_open(&text);
	assert_int_equal(query_mismatches(q, &f, row_print, out), 0);
	fclose(out);
	assert_true(strncmp(text, "id=1 ", 5) == 0 && strchr(text, '\n')[1] == '\0');
	free(text);

	query_filter_init(&f);
	f.since_ms = LAB_NOON + 16;
	f.until_ms = LAB_NOON + 30;
	out = text_open(&text);
	assert_int_equal(query_gaps(q, &f, row_print, out), 0);
	expect_text(&text, &out,
		    "id=2 started=2026-03-01T12:00:00.020Z started_ms=1772366400020 source=events "
		    "lost=2"
		    " reason= \n");
	f.since_ms = LAB_NOON + 2;
	f.until_ms = LAB_NOON + 3;
	out = text_open(&text);
	assert_int_equal(query_tampering(q, &f, row_print, out), 0);
	expect_text(&text, &out,
		    "id=2 time=2026-03-01T12:00:00.002Z time_ms=1772366400002 what= pid=2 \n");

	out = text_open(&text);
	assert_int_equal(query_flow_mark_changes(q, 2, row_print, out), 0);
	expect_text(&text, &out,
		    "time=2026-03-01T12:00:00.001Z time_ms=1772366400001 flow_id=2 old=0 new=1 \n"
		    "time=2026-03-01T12:00:00.003Z time_ms=1772366400003 flow_id=2 old=0 new=3 \n");
	out = text_open(&text);
	assert_int_equal(query_uplinks(q, row_print, out), 0);
	expect_text(&text, &out,
		    "name=wan1 interface=eth1 mark=2 valid_from=2026-03-01T12:00:00.000Z "
		    "valid_from_ms=1772366400000 \n"
		    "name=wan2 interface=eth2 mark=3 valid_from=2026-03-01T12:00:00.000Z "
		    "valid_from_ms=1772366400000 \n");

	query_filter_init(&f);
	assert_int_equal(query_flow(q, 2, row_stop, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(query_flow(q, 3, row_stop, &n), -ENOENT);
	assert_int_equal(query_flow_mismatches(q, 2, row_stop, &n), 99);
	n = 0;
	assert_int_equal(query_flows(q, &f, row_stop, &n), 99);
	assert_int_equal(query_last_ids(q, &ids[0], &ids[1], &ids[2]), 0);
	assert_int_equal(ids[0], 2);
	assert_int_equal(ids[1], 3);
	assert_int_equal(ids[2], 3);
	query_close(q);
	store_lab_stop(w, st);
}

/* --- opening ---------------------------------------------------------------------- */

static void refused(const char *path, int error, const char *part)
{
	char line[512] = "";
	FILE *errors = fmemopen(line, sizeof(line), "w");

	errno = 0;
	assert_null(query_open(path, errors));
	assert_int_equal(errno, error);
	fclose(errors);
	if (!strstr(line, part) || strchr(line, '\n') != line + strlen(line) - 1)
		fail_msg("the message is: %s", line);
}

static void test_open(void **state)
{
	const char *path = store_lab_path(*state, "flows.db"),
		   *other = store_lab_path(*state, "other.db");
	uint64_t before;
	FILE *f;

	refused(path, ENOENT, "the history does not exist yet");
	assert_int_equal(access(path, F_OK), -1);
	f = fopen(path, "w");
	fclose(f);
	refused(path, ENOENT, "empty");
	store_lab_execute(other, "CREATE TABLE t (a)");
	before = store_lab_fingerprint(other);
	refused(other, EPROTO, "another program");
	assert_true(store_lab_fingerprint(other) == before);
	store_close(store_lab_open(path));
	store_lab_execute(path, "PRAGMA user_version = 9");
	refused(path, EPROTO, "newer");
	store_lab_execute(path, "PRAGMA user_version = 0");
	refused(path, EPROTO, "older");
}

static int row_count(void *data, const struct value *values, size_t n)
{
	(void)values;
	(void)n;
	++*(int *)data;
	return 0;
}

static int count(const char *path)
{
	struct query *q = query_open(path, stderr);
	struct query_filter f;
	int n = 0;

	assert_non_null(q);
	query_filter_init(&f);
	assert_int_equal(query_flows(q, &f, row_count, &n), 0);
	query_close(q);
	return n;
}

/* While the daemon writes, after it was killed with its log full, and after a clean stop. */
static void test_whenever(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st;
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct store *mine = store_open(path, NULL);
		struct writer *w = mine ? writer_start(mine, 1000, 20) : NULL;

		for (int64_t i = 1; w && i <= 100; i++) {
			struct record r = store_lab_flow(i);

			store_lab_push(w, &r);
		}
		for (;;)
			pause();
	}
	store_lab_wait(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'flows'", 1);
	store_lab_wait(path, "SELECT count(*) FROM flows", 100);
	assert_int_equal(count(path), 100);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(count(path), 100);
	st = store_lab_open(path);
	assert_int_equal(count(path), 100);
	store_close(st);
	assert_int_equal(count(path), 100);
}

struct pager {
	char wal[600];
	const char *path;
	int rows;
};

/* While a row is shown no part of the log is held, so it can be emptied. */
static int row_page(void *data, const struct value *values, size_t n)
{
	struct pager *p = data;
	struct stat info;

	(void)values;
	(void)n;
	store_lab_execute(p->path, "INSERT INTO gap (source) VALUES (0);"
				   " PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_equal(stat(p->wal, &info), 0);
	assert_int_equal(info.st_size, 0);
	p->rows++;
	return 0;
}

static void test_pager(void **state)
{
	struct pager p = {.path = store_lab_path(*state, "flows.db")};
	struct store *st = store_lab_open(p.path);
	struct writer *w = store_lab_start(st);
	struct query_filter f;
	struct query *q;

	snprintf(p.wal, sizeof(p.wal), "%s-wal", p.path);
	for (int64_t i = 1; i <= 5; i++) {
		struct record r = store_lab_flow(i);

		store_lab_push(w, &r);
	}
	store_lab_stop(w, st);
	q = query_open(p.path, stderr);
	query_filter_init(&f);
	assert_int_equal(query_flows(q, &f, row_page, &p), 0);
	assert_int_equal(p.rows, 5);
	query_close(q);
}

static int row_any(void *data, const struct value *values, size_t n)
{
	(void)values;
	(void)n;
	++*(int *)data;
	return 0;
}

/* A crafted history's views cannot call our functions. */
static void test_prepared(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct query *q;
	int n = 0;

	store_close(st);
	store_lab_execute(path, "DROP VIEW flows; CREATE VIEW flows AS"
				" SELECT 1 AS id, prefix6('::', x'00') AS started");
	q = query_open(path, stderr);
	assert_non_null(q);
	assert_true(query_flow(q, 1, row_any, &n) < 0);
	assert_int_equal(n, 0);
	assert_non_null(strstr(query_error(q), "unsafe use of prefix6"));
	query_close(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_prepared, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_open, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_other_rows, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_whenever, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_pager, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_searches, store_lab_setup, store_lab_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
