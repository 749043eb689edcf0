/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_reasons.c - proves the reasons of mismatches: a table of events, of one packet that left by
 * the wrong uplink, of the kernel's state as reported, and of the reason that must result,
 * whichever of the two sockets is read first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "waymark/audit/audit.h"

#define WAN1	2
#define WAN2	3
#define LEFT1	1u
#define LEFT2	2u
#define ENTERED 4u

/* An event: the flow's mark and labels at that time. mark 0xff: there is none. */
struct heard {
	uint32_t mark;
	unsigned labels;
};
#define SILENCE                                                                                    \
	{                                                                                          \
		0xff, 0                                                                            \
	}
#define NO_PACKET 0xff

struct reason_case {
	int line;
	struct heard first, then; /* the NEW event, and an update */
	enum direction direction; /* of the packet */
	uint32_t packet_mark;	  /* NO_PACKET: only labels are evidence */
	uint8_t egress;
	enum reason routing, restoring; /* the kernel's state as reported */
	enum reason wanted;
};

#define FINE REASON_UNEXPLAINED
static const struct reason_case cases[] = {
#define AT __LINE__
	/* The packet carried the mark: routing. */
	{AT,
	 {2, LEFT1},
	 {2, LEFT1 | LEFT2},
	 0,
	 2,
	 WAN2,
	 REASON_RULE_MISSING,
	 FINE,
	 REASON_RULE_MISSING},
	{AT,
	 {2, LEFT1},
	 {2, LEFT1 | LEFT2},
	 0,
	 2,
	 WAN2,
	 REASON_ROUTE_MISSING,
	 FINE,
	 REASON_ROUTE_MISSING},
	{AT,
	 {2, LEFT1},
	 {2, LEFT1 | LEFT2},
	 0,
	 2,
	 WAN2,
	 REASON_UPLINK_DOWN,
	 FINE,
	 REASON_UPLINK_DOWN},
	/* ... an incomplete ruleset did not remove the mark */
	{AT,
	 {2, LEFT1},
	 {2, LEFT1 | LEFT2},
	 0,
	 2,
	 WAN2,
	 FINE,
	 REASON_RESTORE_MISSING,
	 REASON_UNEXPLAINED},
	{AT, {2, LEFT1}, {2, LEFT1 | LEFT2}, 0, 2, WAN2, FINE, FINE, REASON_UNEXPLAINED},
	/* ... bits outside the mask do not count */
	{AT,
	 {2, LEFT1},
	 {2, LEFT1 | LEFT2},
	 0,
	 0x502,
	 WAN2,
	 REASON_RULE_MISSING,
	 FINE,
	 REASON_RULE_MISSING},
	/* ... for an inbound flow the replies count */
	{AT,
	 {2, ENTERED},
	 {2, ENTERED | LEFT2},
	 1,
	 2,
	 WAN2,
	 REASON_RULE_MISSING,
	 FINE,
	 REASON_RULE_MISSING},
	/* The packet did not carry the mark: the restore, whatever the rules are. */
	{AT,
	 {2, LEFT1},
	 {2, LEFT1 | LEFT2},
	 0,
	 0,
	 WAN2,
	 REASON_RULE_MISSING,
	 REASON_RESTORE_MISSING,
	 REASON_RESTORE_MISSING},
	{AT, {2, LEFT1}, {2, LEFT1 | LEFT2}, 0, 0, WAN2, FINE, FINE, REASON_RESTORE_MISSING},
	{AT, {2, LEFT1}, {2, LEFT1 | LEFT2}, 0, 3, WAN2, FINE, FINE, REASON_RESTORE_MISSING},
	{AT, {2, ENTERED}, {2, ENTERED | LEFT2}, 1, 0, WAN2, FINE, FINE, REASON_RESTORE_MISSING},
	/* ... but for the first packet of a flow there is nothing to restore: the mark was set later */
	{AT, {3, LEFT1}, SILENCE, 0, 0, WAN1, REASON_RULE_MISSING, FINE, REASON_MARK_CHANGED},
	{AT, {3, LEFT1}, SILENCE, 0, NO_PACKET, WAN1, FINE, FINE, REASON_MARK_CHANGED},
	{AT, {3, LEFT1}, {3, LEFT1}, 0, 0, WAN1, REASON_RULE_MISSING, FINE, REASON_MARK_CHANGED},
	/* ... unless the flow had the mark from its master */
	{AT, {3, LEFT1}, SILENCE, 0, 0, WAN1, FINE, REASON_RESTORE_MISSING, REASON_RESTORE_MISSING},
	/* The mark named that uplink before: nothing else is wrong. */
	{AT,
	 {2, LEFT1},
	 {3, LEFT1 | LEFT2},
	 0,
	 NO_PACKET,
	 WAN1,
	 REASON_RULE_MISSING,
	 REASON_RESTORE_MISSING,
	 REASON_MARK_CHANGED},
	{AT,
	 {2, LEFT1},
	 {3, LEFT1},
	 0,
	 2,
	 WAN1,
	 REASON_RULE_MISSING,
	 REASON_RESTORE_MISSING,
	 REASON_MARK_CHANGED},
	{AT, {2, LEFT1}, {3, LEFT1}, 0, 3, WAN1, FINE, FINE, REASON_MARK_CHANGED},
	{AT,
	 {2, ENTERED | LEFT1},
	 {3, ENTERED | LEFT1},
	 1,
	 2,
	 WAN1,
	 FINE,
	 FINE,
	 REASON_MARK_CHANGED},
	/* A label without a logged packet: the mark named that uplink then. */
	{AT, {2, LEFT1}, {2, LEFT1 | LEFT2}, 0, NO_PACKET, WAN2, FINE, FINE, REASON_MARK_CHANGED},
	/* ... or the packet's message is lost: the kernel's state takes precedence */
	{AT,
	 {2, LEFT1},
	 {2, LEFT1 | LEFT2},
	 0,
	 NO_PACKET,
	 WAN2,
	 REASON_RULE_MISSING,
	 FINE,
	 REASON_RULE_MISSING},
};

/* --- the results --------------------------------------------------------------------- */

struct outcome {
	const struct reason_case *is;
	unsigned n;
	struct mismatch_record last;
	enum reason of_flow;
};

static void emit(void *data, const struct record *r)
{
	struct outcome *o = data;

	if (r->type == RECORD_UPLINKS)
		free(r->uplinks.uplinks);
	if (r->type == RECORD_FLOW)
		o->of_flow = r->flow.reason;
	if (r->type != RECORD_MISMATCH)
		return;
	if (r->mismatch.id != o->last.id)
		o->n++;
	o->last = r->mismatch;
}

static void alert(void *data, const struct flow_record *f, const struct mismatch_record *m)
{
	(void)data;
	(void)f;
	(void)m;
}

static enum reason diagnose(void *data, const struct audit_stray *stray, char object[OBJECT_MAX])
{
	const struct outcome *o = data;

	object[0] = 0;
	assert_int_equal(stray->src.family, AF_INET);
	assert_int_equal(stray->dst.family, AF_INET);
	return stray->is_marked ? o->is->routing : o->is->restoring;
}

/* --- the input -------------------------------------------------------------------------- */

static struct addr v4(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static struct ct_event event(const struct reason_case *c, enum ct_event_type type,
			     const struct heard *h)
{
	struct ct_event ev = {.type = type, .id = 7, .proto = 6, .mark = h->mark};
	bool is_inbound = c->first.labels & ENTERED;

	ev.tuple[0] = (struct endpoints){.src = v4(is_inbound ? "203.0.113.10" : "192.168.10.2"),
					 .sport = 40000,
					 .dst = v4(is_inbound ? "192.168.1.10" : "203.0.113.10"),
					 .dport = 80};
	ev.tuple[1] = (struct endpoints){.src = v4(is_inbound ? "192.168.10.2" : "203.0.113.10"),
					 .sport = 80,
					 .dst = ev.tuple[0].src,
					 .dport = 40000};
	ev.has_labels = true;
	ev.labels.word[1] = (h->labels & ENTERED ? 1 : 0) |
			    (h->labels & LEFT1 ? UINT64_C(1) << (LABELS_RESERVED + WAN1) : 0) |
			    (h->labels & LEFT2 ? UINT64_C(1) << (LABELS_RESERVED + WAN2) : 0);
	return ev;
}

static void packet_hear(struct audit *a, const struct reason_case *c)
{
	struct ct_event flow = event(c, CT_NEW, &c->first);
	struct stray_packet p = {.kind = STRAY_MISMATCH,
				 .direction = (int8_t)c->direction,
				 .proto = 6,
				 .mark = c->packet_mark};
	const struct endpoints *from = &flow.tuple[c->direction], *to = &flow.tuple[!c->direction];

	p.tuple = (struct endpoints){
		.src = from->src, .sport = from->sport, .dst = to->src, .dport = to->sport};
	if (c->packet_mark != NO_PACKET)
		audit_packet(a, &p, c->egress, 1000);
}

static struct audit *audit_open(struct outcome *o)
{
	struct uplink_config uplinks[] = {
		{.name = "wan1", .ifname = "wan1", .mark = 2, .slot = WAN1},
		{.name = "wan2", .ifname = "wan2", .mark = 3, .slot = WAN2},
	};
	struct config c = {.mark_mask = 0xff, .label_base = 64, .uplinks = uplinks, .n_uplinks = 2};
	struct audit_port port = {.data = o, .emit = emit, .alert = alert, .diagnose = diagnose};
	struct audit_ids ids = {0};
	struct audit *a = audit_new(&port, &ids, 16);

	assert_non_null(a);
	assert_int_equal(audit_set_config(a, &c, 1000), 0);
	return a;
}

/* The packet is read before the event that follows it, as the daemon does when both wait, or late;
 * the events in one batch or each in its own. */
static void case_run(const struct reason_case *c, bool is_late, bool is_one_batch)
{
	struct outcome o = {.is = c};
	struct audit *a = audit_open(&o);
	struct ct_event ev = event(c, CT_NEW, &c->first);
	bool is_first = c->then.mark == 0xff;

	if ((is_first || is_one_batch) && !is_late)
		packet_hear(a, c);
	audit_ct_event(a, &ev, 1000);
	if (!is_one_batch)
		audit_settle(a, 1000);
	if (!is_first) {
		ev = event(c, CT_UPDATE, &c->then);
		if (!is_late && !is_one_batch)
			packet_hear(a, c);
		audit_ct_event(a, &ev, 1000);
	}
	audit_settle(a, 1000);
	if (is_late)
		packet_hear(a, c);
	audit_tick(a, 1050);
	audit_tick(a, 1100);
	audit_tick(a, 1150);
	if (o.n != 1 || o.last.reason != c->wanted || o.last.egress != c->egress ||
	    o.of_flow != c->wanted)
		fail_msg("line %d%s%s: %u mismatches, by slot %u, reason %d (flow %d), wanted %d",
			 c->line, is_late ? ", late" : "", is_one_batch ? ", at once" : "", o.n,
			 o.last.egress, o.last.reason, o.of_flow, c->wanted);
	assert_int_equal(o.last.evidence, c->packet_mark == NO_PACKET ? EVIDENCE_EGRESS_SEEN
								      : EVIDENCE_STRAY_PACKET);
	audit_free(a);
}

static void each_cause_has_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (unsigned way = 0; way < 4; way++)
			case_run(&cases[i], way & 1, way & 2);
	}
}

/* A label from before the daemon listened: the mark at that time is unknown. */
static void a_label_from_before_is_unexplained(void **state)
{
	static const struct reason_case c = {
		__LINE__, {2, LEFT1 | LEFT2}, SILENCE, 0, NO_PACKET, WAN2, FINE,
		FINE,	  REASON_UNEXPLAINED};
	struct outcome o = {.is = &c};
	struct audit *a = audit_open(&o);
	struct ct_event ev = event(&c, CT_DUMP, &c.first);

	(void)state;
	audit_dump_begin(a, 0);
	audit_ct_event(a, &ev, 1000);
	audit_dump_end(a, false, 1000);
	assert_int_equal(o.n, 1);
	assert_int_equal(o.last.reason, REASON_UNEXPLAINED);
	audit_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cause_has_its_name),
		cmocka_unit_test(a_label_from_before_is_unexplained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
