/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_resync.c - proves dumps against events that are read meanwhile: no flow is there twice, no
 * live flow is lost, no old value overwrites a new one; and which flows are in a gap.
 */
#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "waymark/audit/audit.h"

#define T  INT64_C(1700000000000)
#define MS INT64_C(1000000)

struct seen {
	struct flow_record rows[64]; /* by id, as last written */
	int64_t last_id;
	uint32_t room;
};

static void emit(void *data, const struct record *r)
{
	struct seen *s = data;

	if (r->type == RECORD_UPLINKS)
		free(r->uplinks.uplinks);
	if (r->type != RECORD_FLOW)
		return;
	assert_in_range(r->flow.id, 1, 63);
	s->rows[r->flow.id] = r->flow;
	if (r->flow.id > s->last_id)
		s->last_id = r->flow.id;
}

static void alert(void *data, const struct flow_record *f, const struct mismatch_record *m)
{
	(void)data;
	(void)f;
	(void)m;
}

static uint32_t room(void *data)
{
	return ((struct seen *)data)->room;
}

static struct audit *audit_make(struct seen *s)
{
	struct audit_port port = {.data = s, .emit = emit, .alert = alert, .room = room};
	struct audit_ids none = {0};
	struct uplink_config uplink = {.name = "wan1", .mark = 2};
	struct config *c = config_new();
	struct audit *a;

	memset(s, 0, sizeof(*s));
	s->room = 1000;
	a = audit_new(&port, &none, 1000);
	c->uplinks = &uplink;
	c->n_uplinks = 1;
	assert_int_equal(audit_set_config(a, c, T), 0);
	c->uplinks = NULL;
	config_free(c);
	return a;
}

/* Make an entry of flow n: the same tuple and id each time. */
static struct ct_event event(enum ct_event_type type, uint16_t n, uint32_t mark, int64_t start_ms)
{
	struct ct_event ev = {.type = type,
			      .id = n,
			      .proto = IPPROTO_UDP,
			      .mark = mark,
			      .start_ns = start_ms * MS};
	struct endpoints *o = &ev.tuple[DIR_ORIGINAL];

	addr_parse(&o->src, "10.0.0.1");
	addr_parse(&o->dst, "203.0.113.1");
	o->sport = n;
	o->dport = 53;
	ev.tuple[DIR_REPLY] =
		(struct endpoints){.src = o->dst, .dst = o->src, .sport = 53, .dport = n};
	if (type == CT_DESTROY)
		ev.stop_ns = (start_ms + 100) * MS;
	return ev;
}

static void take(struct audit *a, enum ct_event_type type, uint16_t n, uint32_t mark,
		 int64_t start_ms, int64_t now_ms)
{
	struct ct_event ev = event(type, n, mark, start_ms);

	audit_ct_event(a, &ev, now_ms);
}

static void test_end_read_before_entry(void **state)
{
	struct seen s;
	struct audit *a = audit_make(&s);

	(void)state;
	take(a, CT_NEW, 1, 2, 0, T);
	audit_dump_begin(a, T + 10);
	take(a, CT_DESTROY, 1, 2, T, T + 100);
	take(a, CT_DUMP, 1, 2, T, T + 100);
	audit_dump_end(a, false, T + 101);
	audit_flush(a, T + 102);
	assert_int_equal(s.last_id, 1);
	assert_int_equal(s.rows[1].state, FLOW_ENDED);
	audit_free(a);
}

static void test_old_mark(void **state)
{
	struct seen s;
	struct audit *a = audit_make(&s);

	(void)state;
	take(a, CT_NEW, 1, 0, 0, T);
	audit_dump_begin(a, T + 10);
	take(a, CT_UPDATE, 1, 2, 0, T + 11);
	take(a, CT_DUMP, 1, 0, T, T + 12);
	audit_dump_end(a, false, T + 13);
	audit_flush(a, T + 14);
	assert_int_equal(s.rows[1].mark, 2);
	audit_free(a);
}

static void test_successor(void **state)
{
	struct seen s;
	struct audit *a = audit_make(&s);

	(void)state;
	take(a, CT_NEW, 1, 2, 0, T);
	audit_dump_begin(a, T + 5000);
	take(a, CT_DUMP, 1, 2, T + 4000, T + 5000); /* the next flow with the same tuple and id */
	audit_dump_end(a, false, T + 5001);
	take(a, CT_DESTROY, 1, 2, T, T + 5002);
	take(a, CT_NEW, 1, 2, 0, T + 5003);
	audit_flush(a, T + 5004);
	assert_int_equal(s.last_id, 2);
	assert_int_equal(s.rows[1].state, FLOW_ENDED);
	assert_int_equal(s.rows[2].state, FLOW_LIVE);
	audit_free(a);
}

static void test_lost_and_found(void **state)
{
	struct seen s;
	struct audit *a = audit_make(&s);
	struct audit_stats stats;

	(void)state;
	take(a, CT_NEW, 1, 2, 0, T);
	take(a, CT_NEW, 2, 2, 0, T);
	take(a, CT_NEW, 3, 2, 0, T);
	audit_dump_begin(a, T + 10);
	audit_dump_end(a, false, T + 11);
	audit_flush(a, T + 12);
	assert_int_equal(s.rows[1].state, FLOW_LOST);
	/* For half a minute its DESTROY may arrive, or another event. */
	for (int64_t ms = 50; ms <= 25000; ms += 50)
		audit_tick(a, T + ms);
	take(a, CT_DESTROY, 1, 2, T, T + 25001);
	audit_dump_begin(a, T + 25002);
	take(a, CT_DUMP, 2, 2, T, T + 25003);
	audit_dump_end(a, false, T + 25004);
	audit_flush(a, T + 25005);
	assert_int_equal(s.last_id, 3);
	assert_int_equal(s.rows[1].state, FLOW_ENDED);
	assert_int_equal(s.rows[2].state, FLOW_LIVE);
	assert_int_equal(s.rows[3].state, FLOW_LOST);
	audit_stats(a, &stats);
	assert_int_equal(stats.lost, 1);
	assert_int_equal(stats.live, 1);
	audit_free(a);
}

static void test_room(void **state)
{
	struct seen s;
	struct audit *a = audit_make(&s);

	(void)state;
	s.room = 3;
	for (uint16_t n = 1; n <= 10; n++)
		take(a, CT_NEW, n, 2, 0, T);
	audit_tick(a, T + 50);
	assert_int_equal(s.last_id, 0);
	audit_tick(a, T + 100);
	assert_int_equal(s.last_id, 3);
	/* A DESTROY is final at once, and is not overwritten. */
	take(a, CT_DESTROY, 9, 2, T, T + 120);
	assert_int_equal(audit_flush(a, T + 130), 4);
	s.room = 100;
	assert_int_equal(audit_flush(a, T + 140), 0);
	for (int n = 1; n <= 10; n++)
		assert_int_equal(s.rows[n].state, n == 9 ? FLOW_ENDED : FLOW_LIVE);
	audit_free(a);
}

static void test_gaps(void **state)
{
	struct seen s;
	struct audit *a = audit_make(&s);
	int64_t gap;

	(void)state;
	audit_gap(a, GAP_EVENTS, T + 1000, T + 2000, -1, "one");
	gap = audit_gap(a, GAP_EVENTS, T + 5000, 0, -1, "open");
	take(a, CT_DESTROY, 1, 2, T + 2100, T + 2200); /* between them, read late */
	take(a, CT_NEW, 2, 2, 0, T + 900);
	take(a, CT_DESTROY, 2, 2, T + 950, T + 1050);
	take(a, CT_NEW, 3, 2, 0, T + 800);
	take(a, CT_DESTROY, 3, 2, T + 800, T + 900);
	audit_gap_end(a, gap, GAP_EVENTS, T + 5000, T + 6000, -1, "open");
	take(a, CT_NEW, 4, 2, 0, T + 7000);
	take(a, CT_DESTROY, 4, 2, T + 7000, T + 7100);
	assert_int_equal(s.rows[1].reason, REASON_GAP); /* its NEW event was lost */
	assert_int_equal(s.rows[2].reason, REASON_GAP);
	assert_int_not_equal(s.rows[3].reason, REASON_GAP);
	assert_int_not_equal(s.rows[4].reason, REASON_GAP);
	audit_free(a);
}

/* When another listener asks for reliable delivery and does not keep up, the kernel repeats events
 * to all: NEW with each packet, DESTROY until it is delivered. */
static void test_repeated_events(void **state)
{
	struct seen s;
	struct audit *a = audit_make(&s);
	struct audit_stats stats;

	(void)state;
	audit_dump_begin(a, T);
	audit_dump_end(a, false, T + 1);
	for (int64_t ms = 2; ms < 10; ms++)
		take(a, CT_NEW, 1, 2, 0, T + ms);
	audit_tick(a, T + 50);
	take(a, CT_NEW, 1, 2, 0, T + 60);
	for (int64_t ms = 100; ms <= 60000; ms += 50) {
		if (ms < 5000 || ms > 50000)
			take(a, CT_DESTROY, 1, 2, T + 2, T + ms);
		audit_tick(a, T + ms);
	}
	audit_flush(a, T + 60001);
	assert_int_equal(s.last_id, 1);
	assert_int_equal(s.rows[1].state, FLOW_ENDED);
	audit_stats(a, &stats);
	assert_int_equal(stats.flows, 1);
	assert_int_equal(stats.lost, 0);
	assert_int_equal(stats.live, 0);
	assert_true(stats.duplicates > 200);
	assert_int_equal(stats.verdicts[s.rows[1].verdict], 1);
	audit_free(a);
}

/* Without start times it is recognized as long as the ended flow is kept. */
static void test_repeated_events_without_time(void **state)
{
	struct seen s;
	struct audit *a = audit_make(&s);
	struct ct_event end = event(CT_DESTROY, 1, 2, 0);

	(void)state;
	end.stop_ns = 0;
	take(a, CT_NEW, 1, 2, 0, T);
	for (int64_t ms = 50; ms <= 1900; ms += 50) {
		audit_ct_event(a, &end, T + ms);
		audit_tick(a, T + ms);
	}
	assert_int_equal(s.last_id, 1);
	take(a, CT_NEW, 1, 2, 0, T + 1901);
	audit_ct_event(a, &end, T + 1902);
	assert_int_equal(s.last_id, 2);
	assert_int_equal(s.rows[2].state, FLOW_ENDED);
	audit_free(a);
}

/* Two processors: one ends the flow while the other reports a change. */
static void test_change_behind_the_end(void **state)
{
	struct seen s;
	struct audit *a = audit_make(&s);
	struct ct_event change = event(CT_UPDATE, 1, 2, 0);
	struct audit_stats stats;

	(void)state;
	take(a, CT_NEW, 1, 2, 0, T);
	take(a, CT_DESTROY, 1, 2, T, T + 1);
	audit_ct_event(a, &change, T + 1);
	audit_gap(a, GAP_EVENTS, T, T + 2, -1, "lost");
	change.status = IPS_DYING;
	audit_ct_event(a, &change, T + 3);
	audit_flush(a, T + 4);
	assert_int_equal(s.last_id, 1);
	assert_int_equal(s.rows[1].state, FLOW_ENDED);
	audit_stats(a, &stats);
	assert_int_equal(stats.live, 0);
	/* Another flow, all of whose events were lost in the gap. */
	change.status = 0;
	audit_ct_event(a, &change, T + 5);
	audit_flush(a, T + 6);
	assert_int_equal(s.rows[2].state, FLOW_LIVE);
	audit_free(a);
}

/* ... or its NEW event; the next one with the same id and tuple is another flow. */
static void test_beginning_behind_the_end(void **state)
{
	struct seen s;
	struct audit *a = audit_make(&s);
	struct ct_event begin = event(CT_NEW, 1, 2, 0);
	struct audit_stats stats;

	(void)state;
	take(a, CT_DESTROY, 1, 2, T, T + 1);
	begin.status = IPS_DYING;
	audit_ct_event(a, &begin, T + 1);
	audit_flush(a, T + 2);
	assert_int_equal(s.last_id, 1);
	assert_int_equal(s.rows[1].state, FLOW_ENDED);
	audit_stats(a, &stats);
	assert_int_equal(stats.live, 0);
	begin.status = 0;
	audit_ct_event(a, &begin, T + 3);
	take(a, CT_DESTROY, 1, 2, T + 3, T + 4);
	begin.status = IPS_DYING; /* its NEW event was delivered */
	audit_ct_event(a, &begin, T + 5);
	audit_flush(a, T + 6);
	assert_int_equal(s.last_id, 3);
	audit_free(a);
}

/* An event that may be new is no repetition: a NEW after a gap, the DESTROY of a flow whose events
 * may all be lost. */
static void test_events_that_may_be_new(void **state)
{
	struct seen s;
	struct audit *a = audit_make(&s);

	(void)state;
	audit_tick(a, T);
	take(a, CT_NEW, 1, 2, 0, T);
	audit_gap(a, GAP_EVENTS, T + 100, T + 200, -1, "lost");
	audit_tick(a, T + 300);
	take(a, CT_NEW, 1, 2, 0, T + 300);
	assert_int_equal(audit_flush(a, T + 301), 0);
	assert_int_equal(s.rows[1].state, FLOW_LOST);
	assert_int_equal(s.rows[2].state, FLOW_LIVE);
	audit_dump_begin(a, T + 400);
	take(a, CT_DUMP, 1, 2, T + 300, T + 400);
	audit_dump_end(a, false, T + 401);
	audit_tick(a, T + 10000);
	/* Before the start; within the gap; young; for a flow hidden by the gap. */
	take(a, CT_DESTROY, 2, 2, T - 100, T + 10000);
	take(a, CT_DESTROY, 3, 2, T + 150, T + 10000);
	take(a, CT_DESTROY, 4, 2, T + 9800, T + 10000);
	assert_int_equal(s.last_id, 5);
	for (int id = 3; id <= 5; id++)
		assert_int_equal(s.rows[id].state, FLOW_ENDED);
	audit_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_end_read_before_entry),
		cmocka_unit_test(test_old_mark),
		cmocka_unit_test(test_successor),
		cmocka_unit_test(test_lost_and_found),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_repeated_events),
		cmocka_unit_test(test_repeated_events_without_time),
		cmocka_unit_test(test_change_behind_the_end),
		cmocka_unit_test(test_beginning_behind_the_end),
		cmocka_unit_test(test_events_that_may_be_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
