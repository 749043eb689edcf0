/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_failover.c - proves what became of an uplink's flows: each flow is in one class, also
 * long-lived ones; an uplink that is down at the start is no failover; how the failure was
 * detected, and which packets were lost until the decision.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_lab.h"
#include "waymark/store/failover.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS	  (60 * MINUTE_MS)

/* wan1 goes down at noon and is back five minutes later. */
#define DOWN LAB_NOON
#define BACK (LAB_NOON + 5 * MINUTE_MS)
#define LIVE 0

static struct writer *writer;

static void state_push(uint8_t slot, int64_t time_ms, const char *state)
{
	struct record r = {.type = RECORD_UPLINK_STATE,
			   .uplink_state = {.time_ms = time_ms, .slot = slot}};

	snprintf(r.uplink_state.state, sizeof(r.uplink_state.state), "%s", state);
	store_lab_push(writer, &r);
}

/* The flow ends with 10,000 bytes; ended_ms LIVE: it is live, and its bytes are unknown. */
static void flow_push(int64_t id, uint8_t uplink, int64_t started_ms, int64_t ended_ms,
		      enum reason reason)
{
	struct record r = store_lab_flow(id);

	if (ended_ms != LIVE)
		store_lab_end(&r);
	r.flow.started_ms = started_ms;
	r.flow.ended_ms = ended_ms;
	r.flow.uplink = uplink;
	r.flow.reason = reason;
	store_lab_push(writer, &r);
}

static void mismatch_push(int64_t flow_id, int64_t time_ms, uint8_t egress, enum reason reason)
{
	static int64_t id;
	struct record r = {.type = RECORD_MISMATCH,
			   .mismatch = {.id = ++id,
					.time_ms = time_ms,
					.flow_id = flow_id,
					.expected = 0,
					.egress = egress,
					.reason = reason}};

	store_lab_push(writer, &r);
}

static void returned_push(int64_t flow, int64_t time)
{
	struct record r = {
		.type = RECORD_DELETED_FLOW,
		.deleted_flow = {.time_ms = time, .flow_id = flow, .action = "returned"}};

	store_lab_push(writer, &r);
}

static struct query *history(const char *path)
{
	struct query *q = query_open(path, stderr);

	assert_non_null(q);
	return q;
}

/* Return the sums as "class by flows/live/bytes/unknown; ...". */
static void sums_expect(const struct failover *f, const char *wanted)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < f->n_sums; i++)
		fprintf(out, "%s%s %s %llu/%llu/%llu/%llu", i ? "; " : "",
			failover_class_name(f->sums[i].class), f->sums[i].by,
			(unsigned long long)f->sums[i].flows, (unsigned long long)f->sums[i].live,
			(unsigned long long)f->sums[i].bytes,
			(unsigned long long)f->sums[i].unknown);
	fclose(out);
	assert_string_equal(text, wanted);
	free(text);
}

static int id_note(void *data, const struct value *values, size_t n)
{
	char *text = data;

	(void)n;
	assert_string_equal(values[0].name, "id");
	sprintf(text + strlen(text), " %lld", (long long)values[0].integer);
	return 0;
}

static void flows_expect(struct query *q, const struct failover *f, enum failover_class c,
			 uint64_t limit, const char *wanted)
{
	char text[256] = "";

	assert_int_equal(query_failover_flows(q, f, c, limit, id_note, text), 0);
	assert_string_equal(text, wanted);
}

static void flows_of_noon_push(void)
{
	flow_push(1, 0, 0, LIVE, REASON_NONE);			       /* unknown age: stranded */
	flow_push(2, 0, DOWN - 3 * HOUR_MS, DOWN + 1, REASON_NONE);    /* long-lived: stranded */
	flow_push(3, 0, DOWN - 3 * HOUR_MS, DOWN - 1001, REASON_NONE); /* ended before */
	flow_push(4, 0, DOWN - 10 * MINUTE_MS, DOWN + 1, REASON_NONE); /* barely long-lived */
	flow_push(5, 0, DOWN - 10 * MINUTE_MS + 2, DOWN + 1,
		  REASON_NONE); /* not quite long-lived */
	flow_push(6, 0, DOWN - 1500, DOWN - 1001, REASON_NONE);
	flow_push(7, 0, DOWN - HOUR_MS, DOWN + 600, REASON_UPLINK_DOWN_FLUSH); /* deleted */
	flow_push(8, 0, DOWN - 500, DOWN + 600, REASON_UPLINK_DOWN_FLUSH);     /* deleted */
	flow_push(9, 0, DOWN - 500, BACK + HOUR_MS,
		  REASON_UPLINK_DOWN_FLUSH);			      /* by a later failover */
	flow_push(10, 0, DOWN - 500, LIVE, REASON_UPLINK_DOWN);	      /* moved */
	flow_push(11, 0, DOWN - 500, DOWN + 700, REASON_UPLINK_DOWN); /* moved */
	flow_push(12, 0, DOWN - 500, LIVE,
		  REASON_RULE_MISSING);			 /* strayed for another reason: stranded */
	flow_push(13, 1, DOWN - 500, LIVE, REASON_NONE); /* a flow of wan2 */
	flow_push(14, 0, DOWN + 200, DOWN + 600,
		  REASON_UPLINK_DOWN_FLUSH);		       /* deleted, started late */
	flow_push(15, 0, DOWN + 200, LIVE, REASON_NONE);       /* started late by wan1 */
	flow_push(16, 1, DOWN + 200, LIVE, REASON_NONE);       /* backup */
	flow_push(17, 1, DOWN + 200, DOWN + 300, REASON_NONE); /* backup */
	flow_push(18, 1, BACK + 1, LIVE, REASON_NONE);	       /* after the return */
	flow_push(19, 0, BACK + 1, LIVE, REASON_NONE);
	flow_push(20, 1, DOWN + 300, BACK + 500, REASON_NONE); /* returned */
	/* Ended by the kernel with the interface, before the failover was noticed. */
	flow_push(21, 0, DOWN - HOUR_MS, DOWN - 80, REASON_NONE);
	flow_push(22, 0, DOWN - 500, DOWN - 80, REASON_NONE);
	returned_push(20, BACK + 400);
	mismatch_push(10, DOWN + 100, 1, REASON_UPLINK_DOWN);
	mismatch_push(11, DOWN - 200, 1, REASON_UPLINK_DOWN);
	mismatch_push(12, DOWN + 100, 1, REASON_RULE_MISSING);
	mismatch_push(19, BACK + HOUR_MS, 1, REASON_UPLINK_DOWN);
	mismatch_push(99, DOWN + 100, 1, REASON_UPLINK_DOWN); /* its flow is pruned */
}

static void test_classes(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct failover f;
	struct query *q;

	writer = store_lab_start(st);
	store_lab_push_uplinks(writer, DOWN - HOUR_MS);
	state_push(0, DOWN - HOUR_MS, "up");
	state_push(1, DOWN - HOUR_MS, "up");
	state_push(0, DOWN, "down");
	state_push(0, DOWN + 50, "no-address");
	state_push(0, BACK, "up");
	flows_of_noon_push();
	writer_flush(writer);
	q = history(path);
	assert_int_equal(query_failover(q, NULL, 0, &f), 0);
	assert_string_equal(f.uplink, "wan1");
	assert_true(f.down_ms == DOWN && f.back_ms == BACK);
	sums_expect(&f, "moved wan2 2/1/10000/1; deleted  3/0/30000/0; stranded  2/2/0/2; idle  "
			"0/0/0/0; ended  6/0/60000/0;"
			" backup wan2 2/1/10000/1; returned wan2 1/0/10000/0");
	flows_expect(q, &f, FAILOVER_MOVED, 0, " 11 10");
	flows_expect(q, &f, FAILOVER_DELETED, 0, " 14 8 7");
	flows_expect(q, &f, FAILOVER_STRANDED, 0, " 12 1");
	flows_expect(q, &f, FAILOVER_STRANDED, 1, " 12");
	flows_expect(q, &f, FAILOVER_ENDED, 0, " 22 21 9 5 4 2");
	flows_expect(q, &f, FAILOVER_BACKUP, 0, " 17 16");
	flows_expect(q, &f, FAILOVER_RETURNED, 0, " 20");
	assert_int_equal(f.n_live, 4);
	assert_true(f.live[1].id == 10 && f.live[1].sum == 0 && f.live[2].sum == 2);
	assert_int_equal(f.live[1].ct_id, 0xf0000000u + 10);
	assert_int_equal(f.live[1].tuple.dport, 443);
	assert_true(addr_is_equal(&f.live[1].tuple.src, &store_lab_flow(1).flow.tuple[0].src));
	/* The flow of unknown age sends nothing: it is no longer stranded, and counted once. */
	failover_set_idle(&f, &f.live[0]);
	failover_set_idle(&f, &f.live[0]);
	failover_set_idle(&f, &f.live[1]); /* a moved flow stays moved */
	sums_expect(&f, "moved wan2 2/1/10000/1; deleted  3/0/30000/0; stranded  1/1/0/1;"
			" idle  1/1/0/1; ended  6/0/60000/0; backup wan2 2/1/10000/1; returned "
			"wan2 1/0/10000/0");
	failover_free(&f);
	query_close(q);
	store_lab_stop(writer, st);
}

static void sample_push(int64_t time_ms, const char *state, int64_t began_ms, int probes_answered)
{
	struct record r = {.type = RECORD_HEALTH,
			   .health = {.time_ms = time_ms,
				      .began_ms = began_ms,
				      .probes = probes_answered < 0 ? -1 : 1,
				      .probes_answered = probes_answered}};

	snprintf(r.health.state, sizeof(r.health.state), "%s", state);
	snprintf(r.health.text, sizeof(r.health.text), "%s", began_ms ? "why" : "");
	store_lab_push(writer, &r);
}

static void fall_push(int64_t time_ms, const char *state, enum state_cause cause)
{
	struct record r = {.type = RECORD_UPLINK_STATE,
			   .uplink_state = {.time_ms = time_ms, .slot = 0, .cause = cause}};

	snprintf(r.uplink_state.state, sizeof(r.uplink_state.state), "%s", state);
	store_lab_push(writer, &r);
}

/* A flow with packets that ends a minute after its start. */
static void packets_push(int64_t id, uint8_t uplink, int64_t started_ms, uint64_t sent,
			 uint64_t received)
{
	struct record r = store_lab_flow(id);

	store_lab_end(&r);
	r.flow.started_ms = started_ms;
	r.flow.ended_ms = started_ms + MINUTE_MS;
	r.flow.uplink = uplink;
	r.flow.reason = REASON_NONE;
	r.flow.packets[DIR_ORIGINAL] = sent;
	r.flow.packets[DIR_REPLY] = received;
	store_lab_push(writer, &r);
}

static void detected(struct query *q, int64_t at_ms, const char *by, int64_t began_ms,
		     uint64_t unanswered, uint64_t lost)
{
	struct failover f;

	assert_int_equal(query_failover(q, "wan1", at_ms, &f), 0);
	assert_string_equal(f.detected_by, by);
	assert_true(f.began_ms == began_ms);
	assert_int_equal(f.unanswered, unanswered);
	assert_int_equal(f.packets_lost, lost);
	failover_free(&f);
}

/* By what a failure was detected, when it began, and which packets were lost until the decision. */
static void test_detection(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct failover f;
	struct query *q;

	writer = store_lab_start(st);
	store_lab_push_uplinks(writer, DOWN - HOUR_MS);
	state_push(0, DOWN - HOUR_MS, "up");
	packets_push(1, 0, DOWN - 2001, 3, 0); /* before the fault */
	packets_push(2, 0, DOWN - 2000, 3, 0);
	packets_push(3, 0, DOWN - 100, 4, 0);
	packets_push(4, 0, DOWN - 100, 5, 6); /* answered later */
	packets_push(5, 1, DOWN - 100, 7, 0); /* by wan2 */
	packets_push(6, 0, DOWN + 1, 9, 0);
	flow_push(7, 0, DOWN - 100, LIVE, REASON_NONE);
	sample_push(DOWN - 30000, "healthy", 0, -1);
	sample_push(DOWN - 1, "silent", DOWN - 2000, -1);
	fall_push(DOWN, "down", CAUSE_HEALTH);
	fall_push(BACK, "up", CAUSE_HEALTH);
	sample_push(BACK + 9000, "silent", BACK + 5000, 0);
	fall_push(BACK + 9000, "down", CAUSE_HEALTH);
	fall_push(BACK + 20000, "up", CAUSE_HEALTH);
	fall_push(BACK + 30000, "down", CAUSE_LINK);
	writer_flush(writer);
	q = history(path);
	detected(q, DOWN, "flows", DOWN - 2000, 2, 7);
	detected(q, BACK + 9000, "check", BACK + 5000, 0, 0);
	detected(q, 0, "link", 0, 0, 0);
	/* the caller counts the live flow */
	assert_int_equal(query_failover(q, "wan1", DOWN, &f), 0);
	assert_int_equal(f.n_live, 1);
	f.live[0].packets[DIR_ORIGINAL] = 10;
	failover_add_live(&f, &f.live[0]);
	assert_int_equal(f.unanswered, 3);
	assert_int_equal(f.packets_lost, 17);
	f.live[0].packets[DIR_REPLY] = 1;
	failover_add_live(&f, &f.live[0]);
	assert_int_equal(f.packets_lost, 17);
	failover_free(&f);
	query_close(q);
	store_lab_stop(writer, st);
}

static void found(struct query *q, const char *uplink, int64_t at_ms, int64_t down_ms,
		  int64_t back_ms)
{
	struct failover f;

	assert_int_equal(query_failover(q, uplink, at_ms, &f), 0);
	assert_true(f.down_ms == down_ms);
	assert_true(f.back_ms == back_ms);
	sums_expect(&f, "moved  0/0/0/0; deleted  0/0/0/0; stranded  0/0/0/0; idle  0/0/0/0; ended "
			" 0/0/0/0; backup  0/0/0/0; returned  0/0/0/0");
	failover_free(&f);
}

static void none(struct query *q, const char *uplink, int64_t at_ms)
{
	struct failover f;

	assert_int_equal(query_failover(q, uplink, at_ms, &f), -ENOENT);
	assert_true(!f.n_sums && !f.sums);
}

/* The times of all failovers in a span, in seconds after noon. */
static void listed(struct query *q, const char *uplink, int64_t since_ms, int64_t until_ms,
		   const char *wanted)
{
	char text[200] = "";
	struct failover f;
	int64_t *ids;
	size_t n;

	assert_int_equal(query_failovers(q, uplink, since_ms, until_ms, &ids, &n), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(query_failover_of(q, ids[i], &f), 0);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s %.2f", f.uplink,
			 (double)(f.down_ms - LAB_NOON) / 1000);
		failover_free(&f);
	}
	free(ids);
	assert_string_equal(text, wanted);
}

/* The last failover, one of an uplink, one at a time; not one that a start found. */
static void test_which(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct record gap = {.type = RECORD_GAP,
			     .gap = {.id = 1,
				     .source = GAP_DAEMON,
				     .started_ms = LAB_NOON + 5000,
				     .ended_ms = LAB_NOON + 6000,
				     .lost = -1}};
	struct store *st = store_lab_open(path);
	struct query *q;

	writer = store_lab_start(st);
	store_lab_push_uplinks(writer, LAB_NOON);
	state_push(0, LAB_NOON, "missing");
	state_push(1, LAB_NOON, "up");
	writer_flush(writer);
	q = history(path);
	none(q, NULL, 0);
	state_push(0, LAB_NOON + 1000, "up");
	writer_flush(writer);
	none(q, NULL, 0);
	state_push(0, LAB_NOON + 2000, "no-gateway");
	state_push(0, LAB_NOON + 2500, "down");
	writer_flush(writer);
	found(q, NULL, 0, LAB_NOON + 2000, 0);
	state_push(0, LAB_NOON + 3000, "up");
	state_push(1, LAB_NOON + 4000, "down");
	writer_flush(writer);
	found(q, NULL, 0, LAB_NOON + 4000, 0);
	found(q, "wan1", 0, LAB_NOON + 2000, LAB_NOON + 3000);
	found(q, NULL, LAB_NOON + 3999, LAB_NOON + 2000, LAB_NOON + 3000);
	found(q, NULL, LAB_NOON + 2000, LAB_NOON + 2000, LAB_NOON + 3000);
	none(q, NULL, LAB_NOON + 1999);
	none(q, "wan2", LAB_NOON + 3999);
	none(q, "wan3", 0);
	/* wan1 went down while no daemon ran; its later changes are observed. */
	store_lab_push(writer, &gap);
	state_push(0, LAB_NOON + 6010, "down");
	state_push(1, LAB_NOON + 6010, "up");
	writer_flush(writer);
	found(q, "wan1", 0, LAB_NOON + 2000, LAB_NOON + 3000);
	found(q, "wan2", 0, LAB_NOON + 4000, LAB_NOON + 6010);
	state_push(1, LAB_NOON + 6020, "down");
	writer_flush(writer);
	found(q, "wan2", 0, LAB_NOON + 6020, 0);
	listed(q, NULL, 0, 0, " wan1 2.00 wan2 4.00 wan2 6.02");
	listed(q, "wan2", 0, 0, " wan2 4.00 wan2 6.02");
	listed(q, NULL, LAB_NOON + 2001, 0, " wan2 4.00 wan2 6.02");
	listed(q, NULL, 0, LAB_NOON + 4000, " wan1 2.00");
	listed(q, NULL, LAB_NOON + 2000, LAB_NOON + 4001, " wan1 2.00 wan2 4.00");
	listed(q, "wan3", 0, 0, "");
	query_close(q);
	store_lab_stop(writer, st);
}

static void marked_anew(int64_t flow_id, int64_t time_ms, uint32_t mark)
{
	struct record r = {.type = RECORD_UPLINKS,
			   .uplinks = {.flow_id = flow_id, .n = 2, .time_ms = time_ms}};

	r.uplinks.uplinks = calloc(2, sizeof(*r.uplinks.uplinks));
	assert_non_null(r.uplinks.uplinks);
	r.uplinks.uplinks[0] =
		(struct uplink_record){.slot = 0, .name = "wan1", .ifname = "eth1", .mark = mark};
	r.uplinks.uplinks[1] =
		(struct uplink_record){.slot = 1, .name = "wan2", .ifname = "eth2", .mark = 3};
	store_lab_push(writer, &r);
}

/* A reload gives wan1 another mark while it is down: by its name it is the same uplink, and the
 * flows of the old mark are its flows. */
static void test_reload(void **state)
{
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct failover f;
	struct query *q;

	writer = store_lab_start(st);
	store_lab_push_uplinks(writer, DOWN - HOUR_MS);
	state_push(0, DOWN - HOUR_MS, "up");
	flow_push(1, 0, DOWN - 500, LIVE, REASON_NONE);
	state_push(0, DOWN, "down");
	marked_anew(1, DOWN + 500, 9);
	state_push(0, DOWN + 510, "down");
	flow_push(2, 0, DOWN + 600, DOWN + 700, REASON_UPLINK_DOWN_FLUSH);
	flow_push(3, 1, DOWN + 800, DOWN + 900, REASON_NONE);
	state_push(0, BACK, "up");
	writer_flush(writer);
	q = history(path);
	assert_int_equal(query_failover(q, "wan1", 0, &f), 0);
	assert_true(f.down_ms == DOWN && f.back_ms == BACK);
	sums_expect(&f,
		    "moved  0/0/0/0; deleted  1/0/10000/0; stranded  1/1/0/1;"
		    " idle  0/0/0/0; ended  0/0/0/0; backup wan2 1/0/10000/0; returned  0/0/0/0");
	failover_free(&f);
	/* A reload that removes the uplink is a failover. */
	marked_anew(3, BACK + HOUR_MS, 10);
	state_push(0, BACK + HOUR_MS + 10, "missing");
	writer_flush(writer);
	assert_int_equal(query_failover(q, "wan1", 0, &f), 0);
	assert_true(f.down_ms == BACK + HOUR_MS + 10);
	failover_free(&f);
	query_close(q);
	store_lab_stop(writer, st);
	store_lab_expect(path, "SELECT count(*), count(DISTINCT uplink) FROM uplink_states", "5|1");
}

static uint64_t seed = 20261124;

static int64_t pick(int64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (int64_t)(seed >> 20) % n;
}

/* Some 80,000 flows of half a day, most short, some long: with slices skipped and the index used,
 * the result is the same as from looking at each flow. */
static void test_many(void **state)
{
	static const char *const plain[FAILOVER_CLASSES] = {
		[FAILOVER_DELETED] = "uplink = 1 AND state <> 0 AND reason = 10 AND started + life"
				     " BETWEEN 1772366399000 AND 1772366701000",
		[FAILOVER_STRANDED] = "uplink = 1 AND started <= 1772366400000 AND state = 0",
		[FAILOVER_ENDED] = "uplink = 1 AND started <= 1772366400000 AND state <> 0 AND"
				   " started + life >= 1772366399000 AND NOT ("
				   " ifnull(reason, 0) = 10 AND started + life <= 1772366701000)",
		[FAILOVER_BACKUP] = "uplink = 2 AND started > 1772366400000"
				    " AND started < 1772366700000",
	};
	const char *path = store_lab_path(*state, "flows.db");
	struct store *st = store_lab_open(path);
	struct failover f;
	struct query *q;
	char sql[512];

	writer = store_lab_start(st);
	store_lab_push_uplinks(writer, DOWN - 24 * HOUR_MS);
	state_push(0, DOWN - 24 * HOUR_MS, "up");
	for (int64_t id = 1; id <= 80000; id++) {
		int64_t started = DOWN - 11 * HOUR_MS + id * 540 + pick(1000);
		int64_t life = pick(20) ? pick(90000) : pick(8 * HOUR_MS);

		flow_push(id, (uint8_t)pick(2), started, pick(400) ? started + life : LIVE,
			  pick(9) ? REASON_NONE : REASON_UPLINK_DOWN_FLUSH);
	}
	state_push(0, DOWN, "down");
	state_push(0, BACK, "up");
	writer_flush(writer);
	q = history(path);
	assert_int_equal(query_failover(q, NULL, 0, &f), 0);
	assert_int_equal(f.n_sums, FAILOVER_CLASSES);
	for (int c = FAILOVER_DELETED; c < FAILOVER_CLASSES; c++) {
		if (!plain[c])
			continue;
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM flow WHERE %s", plain[c]);
		assert_in_range(f.sums[c].flows, 10, 10000);
		assert_int_equal(f.sums[c].flows, store_lab_number(path, sql));
	}
	failover_free(&f);
	query_close(q);
	store_lab_stop(writer, st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_classes, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_detection, store_lab_setup,
						store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_which, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_reload, store_lab_setup, store_lab_teardown),
		cmocka_unit_test_setup_teardown(test_many, store_lab_setup, store_lab_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
