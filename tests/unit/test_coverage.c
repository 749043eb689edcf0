/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_coverage.c - proves what flows account for: in any order of ends and dump entries the sums
 * grow by the packets that flows sent, each packet once and under its evidence; what two readings
 * say about an interval; and that everything missing has a cause.
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
#include "waymark/audit/coverage.h"

#define T	   INT64_C(1700000000000)
#define MS	   INT64_C(1000000)
#define LABEL_BASE 64
#define OFFLOADED  (1u << 14) /* IPS_OFFLOAD */

/* --- sums over flows --------------------------------------------------------------- */

static void emit(void *data, const struct record *r)
{
	(void)data;
	record_clear(r);
}

static void alert(void *data, const struct flow_record *f, const struct mismatch_record *m)
{
	(void)data;
	(void)f;
	(void)m;
}

static enum reason diagnose(void *data, const struct audit_stray *stray, char object[OBJECT_MAX])
{
	(void)data;
	(void)stray;
	object[0] = 0;
	return REASON_UNEXPLAINED;
}

/* wan1: mark 2, slot 1; wan2: mark 3, slot 2. */
static struct audit *audit_make(void)
{
	struct audit_port port = {.emit = emit, .alert = alert, .diagnose = diagnose};
	struct audit_ids none = {0};
	struct uplink_config uplinks[] = {{.name = "wan1", .mark = 2, .slot = 1},
					  {.name = "wan2", .mark = 3, .slot = 2}};
	struct config *c = config_new();
	struct audit *a = audit_new(&port, &none, 1000);

	c->uplinks = uplinks;
	c->n_uplinks = 2;
	assert_int_equal(audit_set_config(a, c, T), 0);
	c->uplinks = NULL;
	config_free(c);
	return a;
}

/* Further contents of an event of flow n: labels as bits of slots. */
struct facts {
	uint32_t mark, status;
	uint64_t labels;
	bool is_entered;
	uint64_t packets, packets_reply;
};

static struct ct_event event(enum ct_event_type type, uint16_t n, const struct facts *f)
{
	struct ct_event ev = {.type = type,
			      .id = n,
			      .proto = IPPROTO_UDP,
			      .mark = f->mark,
			      .status = f->status,
			      .start_ns = T * MS};
	struct endpoints *o = &ev.tuple[DIR_ORIGINAL];

	addr_parse(&o->src, "10.0.0.1");
	addr_parse(&o->dst, "203.0.113.1");
	o->sport = n;
	o->dport = 53;
	ev.tuple[DIR_REPLY] =
		(struct endpoints){.src = o->dst, .dst = o->src, .sport = 53, .dport = n};
	ev.has_labels = f->labels || f->is_entered;
	ev.labels.word[1] = f->labels << LABELS_RESERVED | f->is_entered;
	ev.has_counters = f->packets || f->packets_reply;
	ev.packets[DIR_ORIGINAL] = f->packets;
	ev.bytes[DIR_ORIGINAL] = f->packets * 100;
	ev.packets[DIR_REPLY] = f->packets_reply;
	ev.bytes[DIR_REPLY] = f->packets_reply * 1000;
	return ev;
}

static void take(struct audit *a, enum ct_event_type type, uint16_t n, struct facts f)
{
	struct ct_event ev = event(type, n, &f);

	audit_ct_event(a, &ev, T + 10);
}

static void dump_begin(struct audit *a)
{
	audit_dump_begin(a, T + 20);
}

/* Return the sum of a share at the end of a dump. */
static int64_t packets_of(struct audit *a, uint8_t slot, enum flow_share share)
{
	struct audit_coverage c;

	audit_coverage(a, slot, &c);
	return (int64_t)(c.ended[share].packets + c.live[share].packets);
}

static int64_t bytes_of(struct audit *a, uint8_t slot, enum flow_share share)
{
	struct audit_coverage c;

	audit_coverage(a, slot, &c);
	return (int64_t)(c.ended[share].bytes + c.live[share].bytes);
}

static void dump_end(struct audit *a)
{
	audit_dump_end(a, false, T + 30);
}

/* Live in one dump, ended before the next: counted once. For a flow that entered, the replies are
 * what leaves. */
static void test_live_and_ended(void **state)
{
	struct audit *a = audit_make();
	struct facts out = {.mark = 2, .labels = 2};
	struct facts in = {.mark = 3, .labels = 4, .is_entered = true};

	(void)state;
	take(a, CT_NEW, 1, out);
	take(a, CT_NEW, 2, in);
	out.packets = 5, out.packets_reply = 50;
	in.packets = 70, in.packets_reply = 7;
	dump_begin(a);
	take(a, CT_DUMP, 1, out);
	take(a, CT_DUMP, 2, in);
	take(a, CT_DUMP, 2, in); /* a table that is resized may name it again */
	dump_end(a);
	assert_int_equal(packets_of(a, 1, SHARE_SEEN), 5);
	assert_int_equal(bytes_of(a, 1, SHARE_SEEN), 500);
	assert_int_equal(packets_of(a, 2, SHARE_SEEN), 7);
	assert_int_equal(bytes_of(a, 2, SHARE_SEEN), 7000);
	out.packets = 9;
	take(a, CT_DESTROY, 1, out);
	dump_begin(a);
	take(a, CT_DUMP, 2, in);
	dump_end(a);
	assert_int_equal(packets_of(a, 1, SHARE_SEEN), 9);
	assert_int_equal(packets_of(a, 2, SHARE_SEEN), 7);
	audit_free(a);
}

/* Ends that are read while a dump runs, after the flow's entry and before it, and a flow that
 * starts meanwhile. */
static void test_end_in_dump(void **state)
{
	struct audit *a = audit_make();
	struct facts f = {.mark = 2, .labels = 2};

	(void)state;
	take(a, CT_NEW, 1, f);
	take(a, CT_NEW, 2, f);
	f.packets = 5;
	dump_begin(a);
	take(a, CT_DUMP, 1, f);
	f.packets = 8;
	take(a, CT_DESTROY, 1, f);
	take(a, CT_DESTROY, 2, f);
	take(a, CT_DUMP, 2, f);
	f.packets = 0;
	take(a, CT_NEW, 3, f);
	f.packets = 1;
	take(a, CT_DUMP, 3, f);
	dump_end(a);
	/* The first flow counts with its entry's value: its end belongs to the time after that. */
	assert_int_equal(packets_of(a, 1, SHARE_SEEN), 5 + 8 + 1);
	dump_begin(a);
	take(a, CT_DUMP, 3, f);
	dump_end(a);
	assert_int_equal(packets_of(a, 1, SHARE_SEEN), 8 + 8 + 1);
	audit_free(a);
}

/* A torn dump changes nothing. */
static void test_torn_dump(void **state)
{
	struct audit *a = audit_make();
	struct facts f = {.mark = 2, .labels = 2, .packets = 5};

	(void)state;
	dump_begin(a);
	take(a, CT_DUMP, 1, f);
	dump_end(a);
	f.packets = 100;
	dump_begin(a);
	audit_dump_end(a, true, T + 30);
	assert_int_equal(packets_of(a, 1, SHARE_SEEN), 5);
	audit_free(a);
}

/* Without evidence the mark gives the uplink, and the share gives the reason why there is none; a
 * flow that should have evidence and has none has left by no uplink. */
static void test_without_evidence(void **state)
{
	struct audit *a = audit_make();
	struct facts f = {.mark = 2, .packets = 3};
	struct facts offloaded = {.mark = 3, .labels = 4, .status = OFFLOADED, .packets = 40};

	(void)state;
	audit_set_evidence_since(a, T + 1000); /* after all of them started */
	dump_begin(a);
	take(a, CT_DUMP, 1, f);
	dump_end(a);
	assert_int_equal(packets_of(a, 1, SHARE_PREDATING), 3);

	audit_set_evidence_since(a, T - 1000);
	dump_begin(a);
	take(a, CT_DUMP, 1, f);
	take(a, CT_DUMP, 2, f);
	take(a, CT_DUMP, 3, offloaded);
	dump_end(a);
	assert_int_equal(packets_of(a, 1, SHARE_PREDATING), 3);
	assert_int_equal(packets_of(a, 1, SHARE_SEEN) + packets_of(a, 1, SHARE_GAP), 0);
	assert_int_equal(packets_of(a, 2, SHARE_OFFLOADED), 40);
	assert_int_equal(packets_of(a, 2, SHARE_SEEN), 0);

	audit_gap(a, GAP_EVENTS, T - 10, T + 5000, -1, "lost");
	dump_begin(a);
	take(a, CT_DUMP, 2, f);
	dump_end(a);
	assert_int_equal(packets_of(a, 1, SHARE_GAP), 3);
	audit_free(a);
}

/* Packets that left by two uplinks are attributed to the mark's uplink. */
static void test_split(void **state)
{
	struct audit *a = audit_make();
	struct facts f = {.mark = 3, .labels = 2 | 4, .packets = 6};

	(void)state;
	take(a, CT_NEW, 1, f);
	take(a, CT_DESTROY, 1, f);
	assert_int_equal(packets_of(a, 1, SHARE_SEEN), 0);
	assert_int_equal(packets_of(a, 2, SHARE_SEEN), 6);
	assert_int_equal(packets_of(a, 2, SHARE_SPLIT), 6);
	audit_free(a);
}

/* A flow that is marked during the dump that found it counts at its new uplink. */
static void test_adopted(void **state)
{
	struct audit *a = audit_make();
	struct facts f = {.mark = 0, .packets = 4};
	struct ct_event entry = event(CT_DUMP, 1, &f);

	(void)state;
	audit_set_evidence_since(a, T + 1000);
	dump_begin(a);
	audit_ct_event(a, &entry, T + 21);
	audit_marked(a, &entry, 3, false, T + 22);
	dump_end(a);
	assert_int_equal(packets_of(a, 2, SHARE_PREDATING), 4);
	audit_free(a);
}

/* When a flow vanishes its share is removed, and an uncertainty stays; when it is found again, all
 * its packets count again. */
static void test_lost(void **state)
{
	struct audit *a = audit_make();
	struct facts f = {.mark = 2, .labels = 2, .packets = 5};
	struct audit_doubts before, after;
	struct audit_coverage c;

	(void)state;
	dump_begin(a);
	take(a, CT_DUMP, 1, f);
	dump_end(a);
	audit_coverage_doubts(a, &before);
	dump_begin(a);
	dump_end(a);
	audit_coverage_doubts(a, &after);
	assert_int_equal(packets_of(a, 1, SHARE_SEEN), 0);
	assert_true(after.lost > before.lost);
	audit_coverage(a, 1, &c);
	assert_int_equal(c.lost[SHARE_SEEN], 1);
	assert_int_equal(c.lost[SHARE_GAP], 0);
	f.packets = 11;
	take(a, CT_DESTROY, 1, f);
	assert_int_equal(packets_of(a, 1, SHARE_SEEN), 11);
	f.packets = 0;
	take(a, CT_NEW, 2, f);
	take(a, CT_DESTROY, 2, f);
	audit_coverage_doubts(a, &after);
	assert_true(after.uncounted > before.uncounted);
	audit_free(a);
}

/* --- intervals ------------------------------------------------------------------------ */

static struct coverage_reading reading(uint64_t out, uint64_t seen)
{
	return (struct coverage_reading){
		.time_ms = T,
		.boot = 1,
		.table = 7,
		.ifindex = 3,
		.link = {out + 10, out * 110},
		.rules = {[RULE_OUT] = {out, out * 100}},
		.flows = {[SHARE_SEEN] = {seen, seen * 100}},
	};
}

static struct coverage_record settle(const struct coverage_reading *from,
				     const struct coverage_reading *to)
{
	struct coverage_record r = {0};

	coverage_settle(from, to, &r);
	return r;
}

/* All causes together are what is missing. */
static void assert_missing(const struct coverage_record *r, enum coverage_cause cause, uint64_t n,
			   uint64_t all)
{
	uint64_t by_cause[COVERAGE_CAUSES], sum = 0;

	assert_int_equal(coverage_missing(r, by_cause), all);
	for (int i = 0; i < COVERAGE_CAUSES; i++)
		sum += by_cause[i];
	assert_int_equal(sum, all);
	assert_int_equal(by_cause[cause], n);
}

static void test_whole(void **state)
{
	struct coverage_reading from = reading(100, 90), to = reading(150, 140);
	struct coverage_record r = settle(&from, &to);

	(void)state;
	assert_true(r.is_whole && r.has_left && r.has_link && !r.has_gap);
	assert_int_equal(r.left.packets, 50);
	assert_int_equal(r.left.bytes, 5000);
	assert_int_equal(coverage_share(&r), 10000);
	assert_missing(&r, CAUSE_OTHER, 0, 0);

	to = reading(100 + 30000, 90 + 29999); /* one is missing: not 100 % */
	r = settle(&from, &to);
	assert_int_equal(coverage_share(&r), 9999);
	assert_missing(&r, CAUSE_OTHER, 1, 1);

	to = from; /* nothing left: no share, neither 0 nor 100 % */
	r = settle(&from, &to);
	assert_int_equal(coverage_share(&r), -1);
}

static void test_causes(void **state)
{
	struct coverage_reading from = reading(0, 0), to = reading(100, 40);
	struct coverage_record r;

	(void)state;
	to.rules[RULE_UNTRACKED].packets = 20; /* left too */
	to.rules[RULE_NEIGHBOURS].packets = 9; /* is no traffic */
	to.flows[SHARE_PREDATING].packets = 15;
	to.flows[SHARE_GAP].packets = 5;
	r = settle(&from, &to);
	assert_int_equal(r.left.packets, 120);
	assert_missing(&r, CAUSE_UNTRACKED, 20, 80);
	assert_missing(&r, CAUSE_PREDATING, 15, 80);
	assert_missing(&r, CAUSE_GAP, 5, 80);
	assert_missing(&r, CAUSE_OTHER, 40, 80);
	r.has_uncounted = true;
	assert_missing(&r, CAUSE_UNCOUNTED, 40, 80);
	r.has_gap = true;
	assert_missing(&r, CAUSE_GAP, 45, 80);
}

/* When rules were removed, reset or loaded by another process, the interface's counter is used
 * instead; without it, the number of packets that left is unknown. */
static void test_rules_missing(void **state)
{
	struct coverage_reading from = reading(100, 90), to = reading(150, 140);
	struct coverage_record r;

	(void)state;
	to.table = 0;
	memset(to.rules, 0, sizeof(to.rules));
	r = settle(&from, &to);
	assert_false(r.is_whole);
	assert_int_equal(r.left.packets, 50); /* by the interface's counter */
	assert_int_equal(r.skipped.packets, 50);
	assert_missing(&r, CAUSE_RULES_MISSING, 0, 0);

	to = reading(150, 120);
	to.rules[RULE_OUT].packets = 20; /* reset in the same table */
	r = settle(&from, &to);
	assert_false(r.is_whole);
	assert_int_equal(r.left.packets, 50);
	assert_missing(&r, CAUSE_RULES_MISSING, 20, 20);

	to.ifindex = 4; /* the interface was made again */
	r = settle(&from, &to);
	assert_false(r.has_left);
	assert_int_equal(coverage_share(&r), -1);
}

/* Packets of the kernel's fast path skip the rules: only the interface counts them. */
static void test_offloaded(void **state)
{
	struct coverage_reading from = reading(0, 0), to = reading(10, 10);
	struct coverage_record r;

	(void)state;
	to.link.packets = from.link.packets + 500;
	to.flows[SHARE_OFFLOADED].packets = 480;
	r = settle(&from, &to);
	assert_int_equal(r.left.packets, 500);
	assert_missing(&r, CAUSE_OFFLOADED, 490, 490);
}

/* A flow that gets evidence now had none before: its packets are moved, not counted twice. A lost
 * flow may remove more than there is: a gap, and no negative number. */
static void test_moved_and_lost(void **state)
{
	struct coverage_reading from = reading(100, 50), to = reading(150, 90);
	struct coverage_record r;

	(void)state;
	from.flows[SHARE_GAP] = (struct tally){30, 3000};
	r = settle(&from, &to);
	assert_int_equal(r.flows[SHARE_SEEN].packets, 10);
	assert_int_equal(r.flows[SHARE_SEEN].bytes, 1000);
	assert_int_equal(r.flows[SHARE_GAP].packets, 0);
	assert_false(r.has_gap);

	r = (struct coverage_record){.has_lost = {[SHARE_GAP] = true}};
	coverage_settle(&from, &to, &r);
	assert_int_equal(r.flows[SHARE_SEEN].packets, 40); /* the others are unchanged */
	assert_true(r.has_gap);

	to.flows[SHARE_SEEN] = (struct tally){0};
	r = settle(&from, &to);
	assert_int_equal(r.flows[SHARE_SEEN].packets, 0);
	assert_true(r.has_gap);
	assert_missing(&r, CAUSE_GAP, 50, 50);
}

/* Our own load resets the counters and nothing is lost, twice in a row; a load of a table that
 * another process had replaced leaves an incomplete interval. */
static void test_rebase(void **state)
{
	struct coverage_reading from = reading(100, 100), last = reading(130, 0);
	struct coverage_reading to = reading(20, 150);
	struct coverage_record r;

	(void)state;
	to.link = (struct tally){from.link.packets + 50, from.link.bytes + 5500};
	coverage_rebase(&from, &last, 8);
	last = reading(0, 0);
	last.table = 8;
	coverage_rebase(&from, &last, 9);
	to.table = 9;
	r = settle(&from, &to);
	assert_true(r.is_whole);
	assert_int_equal(r.left.packets, 50);
	assert_missing(&r, CAUSE_OTHER, 0, 0);

	last.table = 77;
	coverage_rebase(&from, &last, 9);
	r = settle(&from, &to);
	assert_false(r.is_whole);
}

static void test_sum(void **state)
{
	struct coverage_reading a = reading(0, 0), b = reading(10, 5), c = reading(30, 30);
	struct coverage_record sum = {0}, r = settle(&a, &b);

	(void)state;
	coverage_add(&sum, &r);
	c.time_ms = T + 60000;
	r = settle(&b, &c);
	r.has_gap = true;
	coverage_add(&sum, &r);
	assert_int_equal(sum.left.packets, 30);
	assert_int_equal(sum.ended_ms, T + 60000);
	assert_true(sum.is_whole && sum.has_left && sum.has_gap);
	assert_int_equal(coverage_share(&sum), 10000); /* late packets are counted */
	r.is_whole = false;
	coverage_add(&sum, &r);
	assert_false(sum.is_whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live_and_ended), cmocka_unit_test(test_end_in_dump),
		cmocka_unit_test(test_torn_dump),      cmocka_unit_test(test_without_evidence),
		cmocka_unit_test(test_split),	       cmocka_unit_test(test_adopted),
		cmocka_unit_test(test_lost),	       cmocka_unit_test(test_whole),
		cmocka_unit_test(test_causes),	       cmocka_unit_test(test_rules_missing),
		cmocka_unit_test(test_offloaded),      cmocka_unit_test(test_moved_and_lost),
		cmocka_unit_test(test_rebase),	       cmocka_unit_test(test_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
