/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_audit.c - proves the audit for every order in which evidence can arrive: each of two
 * sockets keeps its own order, but they have no order between them, so each scenario is run in
 * every merge of the two, with and without ticks in between; and for restarts, gaps, torn dumps
 * and a full table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <string.h>

#include <cmocka.h>

#include "waymark/audit/audit.h"

#define WAN1	    2
#define WAN2	    3
#define ENTERED	    64
#define LABEL(slot) (64 + LABELS_RESERVED + (slot))
#define ROWS	    64

/* --- the results ------------------------------------------------------------- */

struct history {
	struct flow_record flow[ROWS]; /* by id, as in the store */
	struct mismatch_record mismatch[ROWS];
	struct gap_record gap[ROWS];
	unsigned n_flows, n_mismatches, n_gaps, n_changes, n_alerts, n_interfaces;
	enum reason diagnosis, restoring; /* the kernel's state as the diagnosis reports it */
	struct audit_stray stray;	  /* the stray of the last diagnosis */
	bool is_undrained;		  /* what the routes say of a flow that should avoid */
	bool is_over;			  /* whether the alerts say it is over */
	enum reason goes_on;		  /* reported last */
};

static void keep_flow(struct history *h, const struct flow_record *f)
{
	struct flow_record *row;

	assert_in_range(f->id, 1, ROWS - 1);
	row = &h->flow[f->id];
	if (!row->id)
		h->n_flows++;
	/* As the store does: an unknown value does not overwrite a known one. */
	int64_t ended_ms = f->ended_ms ? f->ended_ms : row->ended_ms;
	struct flow_record old = *row;

	*row = *f;
	row->ended_ms = ended_ms;
	if (!f->has_counters) {
		row->has_counters = old.has_counters;
		memcpy(row->packets, old.packets, sizeof(row->packets));
	}
}

static void emit(void *data, const struct record *r)
{
	struct history *h = data;

	switch (r->type) {
	case RECORD_FLOW:
		keep_flow(h, &r->flow);
		break;
	case RECORD_MISMATCH:
		if (!h->mismatch[r->mismatch.id].id)
			h->n_mismatches++;
		assert_int_not_equal(h->flow[r->mismatch.flow_id].id, 0);
		h->mismatch[r->mismatch.id] = r->mismatch;
		break;
	case RECORD_INTERFACE:
		h->n_interfaces++;
		break;
	case RECORD_GAP:
		if (!h->gap[r->gap.id].id)
			h->n_gaps++;
		h->gap[r->gap.id] = r->gap;
		break;
	case RECORD_MARK_CHANGE:
		h->n_changes++;
		break;
	case RECORD_UPLINKS:
		free(r->uplinks.uplinks);
		break;
	default:
		break;
	}
}

static void alert(void *data, const struct flow_record *f, const struct mismatch_record *m)
{
	struct history *h = data;

	assert_true(!m == (f->verdict != VERDICT_MISMATCH));
	h->n_alerts++;
}

static bool goes_on(void *data, const struct mismatch_record *m)
{
	struct history *h = data;

	h->goes_on = m->reason;
	return !h->is_over;
}

static enum reason diagnose(void *data, const struct audit_stray *stray, char object[OBJECT_MAX])
{
	struct history *h = data;

	h->stray = *stray;
	strcpy(object, "an object");
	return stray->is_marked ? h->diagnosis : h->restoring;
}

static bool undrained(void *data, const struct audit_stray *stray, char object[OBJECT_MAX])
{
	struct history *h = data;

	h->stray = *stray;
	strcpy(object, h->is_undrained ? "a rule" : "");
	return h->is_undrained;
}

/* --- scenarios ---------------------------------------------------------------- */

struct world {
	struct history h;
	struct audit *a;
	int64_t now_ms;
};

static void world_open(struct world *w, uint32_t max_flows)
{
	struct uplink_config uplinks[] = {
		{.name = "wan1", .ifname = "wan1", .mark = 2, .slot = WAN1},
		{.name = "wan2", .ifname = "wan2", .mark = 3, .slot = WAN2},
	};
	struct config c = {.mark_mask = 0xff, .label_base = 64, .uplinks = uplinks, .n_uplinks = 2};
	struct audit_port port = {.data = &w->h,
				  .emit = emit,
				  .alert = alert,
				  .goes_on = goes_on,
				  .diagnose = diagnose,
				  .is_undrained = undrained};
	struct audit_ids ids = {0};

	memset(w, 0, sizeof(*w));
	w->now_ms = 1000000;
	w->h.diagnosis = REASON_RULE_MISSING;
	w->h.restoring = REASON_UNEXPLAINED;
	w->a = audit_new(&port, &ids, max_flows);
	assert_non_null(w->a);
	assert_int_equal(audit_set_config(w->a, &c, w->now_ms), 0);
}

static void world_close(struct world *w)
{
	audit_free(w->a);
}

static void ticks(struct world *w, unsigned n)
{
	while (n--) {
		w->now_ms += AUDIT_TICK_MS;
		audit_tick(w->a, w->now_ms);
	}
}

static struct addr v4(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

/* From the PC to a server, source translated to wan1's address. */
static struct ct_event lan_flow(enum ct_event_type type, uint32_t id, uint32_t mark)
{
	struct ct_event ev = {.type = type, .id = id, .proto = 6, .mark = mark};

	ev.tuple[0] = (struct endpoints){
		.src = v4("192.168.10.2"), .sport = 40000, .dst = v4("203.0.113.10"), .dport = 80};
	ev.tuple[1] = (struct endpoints){
		.src = v4("203.0.113.10"), .sport = 80, .dst = v4("192.168.1.10"), .dport = 40000};
	return ev;
}

/* From outside to wan1's address, forwarded to a server on the LAN. */
static struct ct_event inbound_flow(enum ct_event_type type, uint32_t id, uint32_t mark)
{
	struct ct_event ev = {.type = type, .id = id, .proto = 6, .mark = mark};

	ev.tuple[0] = (struct endpoints){.src = v4("203.0.113.10"),
					 .sport = 50000,
					 .dst = v4("192.168.1.10"),
					 .dport = 8080};
	ev.tuple[1] = (struct endpoints){
		.src = v4("192.168.10.2"), .sport = 80, .dst = v4("203.0.113.10"), .dport = 50000};
	return ev;
}

static void label(struct ct_event *ev, unsigned bit)
{
	ev->has_labels = true;
	ev->labels.word[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static struct stray_packet logged(const struct ct_event *flow, enum stray_kind kind,
				  enum direction d, uint32_t mark)
{
	struct stray_packet p = {.kind = kind, .direction = -1, .proto = flow->proto, .mark = mark};
	const struct endpoints *o = &flow->tuple[0], *r = &flow->tuple[1];

	if (d == DIR_ORIGINAL)
		p.tuple = (struct endpoints){
			.src = o->src, .sport = o->sport, .dst = r->src, .dport = r->sport};
	else
		p.tuple = (struct endpoints){
			.src = r->src, .sport = r->sport, .dst = o->src, .dport = o->sport};
	return p;
}

/* --- every merge of two sockets ---------------------------------------------------- */

struct logged_packet {
	struct stray_packet packet;
	uint8_t egress;
};

struct scenario {
	struct ct_event event[8];
	unsigned n_events;
	struct logged_packet packet[4];
	unsigned n_packets;
	void (*check)(const struct history *h);
};

/* order: bit i says whether step i is a packet. */
static void run_order(const struct scenario *s, unsigned order, unsigned n_ticks)
{
	unsigned e = 0, p = 0;
	struct world w;

	world_open(&w, 100);
	for (unsigned i = 0; i < s->n_events + s->n_packets; i++) {
		if (order >> i & 1) {
			audit_packet(w.a, &s->packet[p].packet, s->packet[p].egress, w.now_ms);
			p++;
		} else {
			audit_ct_event(w.a, &s->event[e++], w.now_ms);
			audit_settle(w.a, w.now_ms);
		}
		ticks(&w, n_ticks);
	}
	ticks(&w, 60);
	s->check(&w.h);
	world_close(&w);
}

static unsigned run_merges(const struct scenario *s)
{
	unsigned steps = s->n_events + s->n_packets, n = 0;

	for (unsigned order = 0; order < 1u << steps; order++) {
		if ((unsigned)__builtin_popcount(order) != s->n_packets)
			continue;
		for (unsigned n_ticks = 0; n_ticks < 3; n_ticks++)
			run_order(s, order, n_ticks);
		n++;
	}
	return n;
}

static void check_plain(const struct history *h)
{
	assert_int_equal(h->n_flows, 1);
	assert_int_equal(h->flow[1].state, FLOW_ENDED);
	assert_int_equal(h->flow[1].verdict, VERDICT_MISMATCH);
	assert_int_equal(h->flow[1].reason, REASON_RULE_MISSING);
	assert_int_equal(h->flow[1].uplink, WAN1);
	assert_int_equal(h->flow[1].egress[0], 1 << WAN1 | 1 << WAN2);
	assert_int_equal(h->flow[1].egress[1], 0);
	assert_int_equal(h->flow[1].packets[0], 9);
	assert_int_equal(h->n_mismatches, 1);
	assert_int_equal(h->mismatch[1].expected, WAN1);
	assert_int_equal(h->mismatch[1].egress, WAN2);
	assert_int_equal(h->mismatch[1].direction, DIR_ORIGINAL);
	assert_int_equal(h->mismatch[1].evidence, EVIDENCE_STRAY_PACKET);
	assert_int_equal(h->mismatch[1].packets, 2);
	assert_int_equal(h->n_alerts, 1);
}

/* Without NAT: both sources have evidence, and the flow stays. */
static void a_mismatch_is_one_row_in_every_order(void **state)
{
	struct scenario s = {.n_events = 3, .n_packets = 2, .check = check_plain};

	(void)state;
	s.event[0] = lan_flow(CT_NEW, 1, 2);
	label(&s.event[0], LABEL(WAN1));
	s.event[1] = lan_flow(CT_UPDATE, 1, 2);
	label(&s.event[1], LABEL(WAN1));
	label(&s.event[1], LABEL(WAN2));
	s.event[2] = lan_flow(CT_DESTROY, 1, 2);
	s.event[2].has_counters = true;
	s.event[2].packets[0] = 9;
	for (unsigned i = 0; i < 2; i++)
		s.packet[i] = (struct logged_packet){
			logged(&s.event[0], STRAY_MISMATCH, DIR_ORIGINAL, 2), WAN2};
	assert_int_equal(run_merges(&s), 10);
}

static void check_killed(const struct history *h)
{
	assert_int_equal(h->n_flows, 2);
	assert_int_equal(h->flow[1].verdict, VERDICT_MISMATCH);
	assert_int_equal(h->flow[1].egress[0], 1 << WAN1 | 1 << WAN2);
	assert_int_equal(h->flow[2].verdict, VERDICT_OK);
	assert_int_equal(h->flow[2].egress[0], 1 << WAN2);
	assert_int_equal(h->n_mismatches, 1);
	assert_int_equal(h->mismatch[1].flow_id, 1);
	assert_int_equal(h->mismatch[1].evidence, EVIDENCE_STRAY_PACKET);
}

/* Masquerade: the kernel deletes the entry, only the logged packet is evidence, and the next
 * packet starts a flow with the same addresses by the other uplink. */
static void a_killed_flow_is_not_mistaken_for_its_successor(void **state)
{
	struct scenario s = {.n_events = 4, .n_packets = 1, .check = check_killed};

	(void)state;
	s.event[0] = lan_flow(CT_NEW, 1, 2);
	label(&s.event[0], LABEL(WAN1));
	s.event[1] = lan_flow(CT_DESTROY, 1, 2);
	s.event[2] = lan_flow(CT_NEW, 9, 3);
	s.event[2].tuple[1].dst = v4("192.168.2.10");
	label(&s.event[2], LABEL(WAN2));
	s.event[3] = s.event[2];
	s.event[3].type = CT_DESTROY;
	s.event[3].has_labels = false;
	s.packet[0] =
		(struct logged_packet){logged(&s.event[0], STRAY_MISMATCH, DIR_ORIGINAL, 2), WAN2};
	assert_int_equal(run_merges(&s), 5);
}

static void check_both_killed(const struct history *h)
{
	assert_int_equal(h->n_flows, 2);
	assert_int_equal(h->n_mismatches, 2);
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(h->flow[i].verdict, VERDICT_MISMATCH);
		assert_int_equal(h->flow[i].egress[0], 1 << WAN1 | 1 << WAN2);
		assert_int_equal(h->mismatch[i].packets, 1);
	}
	assert_int_not_equal(h->mismatch[1].flow_id, h->mismatch[2].flow_id);
}

/* ... by the same uplink as before, and is deleted for the same reason. */
static void a_killed_successor_is_a_mismatch_of_its_own(void **state)
{
	struct scenario s = {.n_events = 4, .n_packets = 2, .check = check_both_killed};

	(void)state;
	s.event[0] = lan_flow(CT_NEW, 1, 2);
	label(&s.event[0], LABEL(WAN1));
	s.event[1] = lan_flow(CT_DESTROY, 1, 2);
	s.event[2] = lan_flow(CT_NEW, 9, 2);
	label(&s.event[2], LABEL(WAN1));
	s.event[3] = lan_flow(CT_DESTROY, 9, 2);
	for (unsigned i = 0; i < 2; i++)
		s.packet[i] = (struct logged_packet){
			logged(&s.event[0], STRAY_MISMATCH, DIR_ORIGINAL, 2), WAN2};
	/* The first packet is read before the second flow's NEW event. */
	for (unsigned order = 0; order < 1u << 6; order++)
		if (__builtin_popcount(order) == 2 && (order & 7))
			run_order(&s, order, 0);
}

/* Two flows live at once with the same source and server, one through a port forward: a logged
 * packet of one is not attributed to the other. */
/* Emit a new flow that left by wan1. */
static void left_by_wan1(struct world *w, struct ct_event ev)
{
	ev.start_ns = w->now_ms * 1000000;
	label(&ev, LABEL(WAN1));
	audit_ct_event(w->a, &ev, w->now_ms);
	audit_settle(w->a, w->now_ms);
	ticks(w, 3);
}

static void a_new_flow_by_a_drained_uplink_is_a_mismatch(void **state)
{
	struct world w;
	struct ct_event ev;
	int64_t drained_ms;

	(void)state;
	world_open(&w, 100);
	w.h.is_undrained = true;
	left_by_wan1(&w, lan_flow(CT_NEW, 1, 2));
	drained_ms = w.now_ms;
	audit_set_avoided(w.a, WAN1, drained_ms);
	left_by_wan1(&w, lan_flow(CT_NEW, 2, 2)); /* it may have been routed before */
	ticks(&w, 40);
	ev = inbound_flow(CT_NEW, 3, 2);
	label(&ev, ENTERED);
	left_by_wan1(&w, ev);
	ev = lan_flow(CT_NEW, 4, 2);
	ev.status = 1; /* IPS_EXPECTED: a data connection */
	left_by_wan1(&w, ev);
	w.h.is_undrained = false; /* a specific route */
	left_by_wan1(&w, lan_flow(CT_NEW, 5, 2));
	assert_string_equal(w.h.mismatch[1].object, "");
	assert_int_equal(w.h.stray.expected, WAN1);
	w.h.is_undrained = true;
	for (int i = 1; i <= 5; i++)
		assert_int_equal(w.h.flow[i].verdict, VERDICT_OK);
	assert_int_equal(w.h.n_mismatches, 0);

	left_by_wan1(&w, lan_flow(CT_NEW, 6, 2));
	assert_int_equal(w.h.n_mismatches, 1);
	assert_int_equal(w.h.n_alerts, 1);
	assert_int_equal(w.h.flow[6].verdict, VERDICT_MISMATCH);
	assert_int_equal(w.h.flow[6].reason, REASON_NOT_DRAINED);
	assert_int_equal(w.h.mismatch[1].reason, REASON_NOT_DRAINED);
	assert_int_equal(w.h.mismatch[1].flow_id, 6);
	assert_int_equal(w.h.mismatch[1].expected, WAN1);
	assert_int_equal(w.h.mismatch[1].egress, WAN1);
	assert_string_equal(w.h.mismatch[1].object, "a rule");

	audit_set_avoided(w.a, WAN1, 0);
	left_by_wan1(&w, lan_flow(CT_NEW, 7, 2));
	assert_int_equal(w.h.flow[7].verdict, VERDICT_OK);
	assert_int_equal(w.h.n_mismatches, 1);
	world_close(&w);
}

static void a_flow_beside_is_not_blamed(void **state)
{
	struct ct_event one = inbound_flow(CT_NEW, 1, 2), other = inbound_flow(CT_NEW, 2, 2);
	struct stray_packet p = logged(&one, STRAY_MISMATCH, DIR_REPLY, 2);
	struct world w;

	(void)state;
	for (unsigned first = 0; first < 2; first++) {
		world_open(&w, 100);
		other.tuple[0].dst = v4("192.168.10.2");
		label(&one, ENTERED);
		label(&other, ENTERED);
		audit_ct_event(w.a, first ? &one : &other, w.now_ms);
		audit_ct_event(w.a, first ? &other : &one, w.now_ms);
		for (unsigned i = 0; i < 3; i++)
			audit_packet(w.a, &p, WAN2, w.now_ms);
		audit_settle(w.a, w.now_ms);
		ticks(&w, 60);
		assert_int_equal(w.h.n_mismatches, 1);
		assert_int_equal(w.h.mismatch[1].packets, 3);
		world_close(&w);
	}
}

/* The same long after the first flow, which is unrelated. */
static void a_later_flow_with_the_same_addresses_is_not_blamed(void **state)
{
	struct ct_event ev = lan_flow(CT_NEW, 1, 2);
	struct stray_packet p = logged(&ev, STRAY_MISMATCH, DIR_ORIGINAL, 2);
	struct world w;

	(void)state;
	world_open(&w, 100);
	label(&ev, LABEL(WAN1));
	audit_ct_event(w.a, &ev, w.now_ms);
	audit_packet(w.a, &p, WAN2, w.now_ms);
	audit_packet(w.a, &p, WAN2, w.now_ms);
	ev.type = CT_DESTROY;
	audit_ct_event(w.a, &ev, w.now_ms);
	ticks(&w, 10);
	ev.type = CT_NEW;
	ev.id = 9;
	audit_ct_event(w.a, &ev, w.now_ms);
	audit_settle(w.a, w.now_ms);
	ticks(&w, 60);
	assert_int_equal(w.h.flow[2].verdict, VERDICT_OK);
	assert_int_equal(w.h.n_mismatches, 1);
	assert_int_equal(w.h.mismatch[1].packets, 2);
	world_close(&w);
}

/* A packet of no flow is attributed to none; the latest per uplink is kept as an example. */
static void a_packet_of_no_flow_is_an_example(void **state)
{
	struct ct_event ev = lan_flow(CT_NEW, 1, 2);
	struct stray_packet p = logged(&ev, STRAY_FLOWLESS, DIR_ORIGINAL, 2), out;
	struct world w;

	(void)state;
	world_open(&w, 100);
	label(&ev, LABEL(WAN1));
	audit_ct_event(w.a, &ev, w.now_ms);
	audit_packet(w.a, &p, WAN2, w.now_ms);
	p.tuple.sport = 4000;
	audit_packet(w.a, &p, WAN2, w.now_ms);
	p.is_icmp_error = true;
	audit_packet(w.a, &p, WAN2, w.now_ms);
	audit_settle(w.a, w.now_ms);
	ticks(&w, 60);
	assert_int_equal(w.h.n_mismatches, 0);
	assert_false(audit_flowless_take(w.a, WAN1, &out));
	assert_true(audit_flowless_take(w.a, WAN2, &out));
	assert_int_equal(out.tuple.sport, 4000);
	assert_false(out.is_icmp_error);
	assert_false(audit_flowless_take(w.a, WAN2, &out));
	world_close(&w);
}

static void check_mark_changed(const struct history *h)
{
	assert_int_equal(h->n_flows, 1);
	assert_int_equal(h->flow[1].verdict, VERDICT_MISMATCH);
	assert_int_equal(h->flow[1].reason, REASON_MARK_CHANGED);
	assert_int_equal(h->flow[1].mark, 3);
	assert_int_equal(h->n_changes, 1);
	assert_int_equal(h->n_mismatches, 1);
	assert_int_equal(h->mismatch[1].expected, WAN2);
	assert_int_equal(h->mismatch[1].egress, WAN1);
	assert_int_equal(h->mismatch[1].reason, REASON_MARK_CHANGED);
}

/* Another process changes the ct mark after the restore: the packet that leaves by wan1 is logged,
 * and the event of the change may be read before it or after it. */
static void a_changed_mark_is_the_reason_in_every_order(void **state)
{
	struct scenario s = {.n_events = 4, .n_packets = 1, .check = check_mark_changed};

	(void)state;
	s.event[0] = lan_flow(CT_NEW, 1, 2);
	label(&s.event[0], LABEL(WAN1));
	s.event[1] = lan_flow(CT_UPDATE, 1, 3);
	s.event[2] = lan_flow(CT_UPDATE, 1, 3);
	label(&s.event[2], LABEL(WAN1));
	label(&s.event[2], LABEL(WAN2));
	s.event[3] = lan_flow(CT_DESTROY, 1, 3);
	s.packet[0] =
		(struct logged_packet){logged(&s.event[0], STRAY_MISMATCH, DIR_ORIGINAL, 2), WAN1};
	assert_int_equal(run_merges(&s), 5);
}

static void check_inbound(const struct history *h)
{
	assert_int_equal(h->n_flows, 1);
	assert_int_equal(h->flow[1].verdict, VERDICT_MISMATCH);
	assert_int_equal(h->flow[1].ingress, WAN1);
	assert_int_equal(h->flow[1].egress[0], 0);
	assert_int_equal(h->flow[1].egress[1], 1 << WAN2);
	assert_int_equal(h->n_mismatches, 1);
	assert_int_equal(h->mismatch[1].direction, DIR_REPLY);
	assert_int_equal(h->mismatch[1].reason, REASON_RESTORE_MISSING);
}

/* A port forward whose replies leave unmarked by the other uplink: the restore is missing. */
static void replies_of_an_inbound_flow_are_judged(void **state)
{
	struct scenario s = {.n_events = 3, .n_packets = 1, .check = check_inbound};

	(void)state;
	s.event[0] = inbound_flow(CT_NEW, 1, 2);
	label(&s.event[0], ENTERED);
	s.packet[0] =
		(struct logged_packet){logged(&s.event[0], STRAY_MISMATCH, DIR_REPLY, 0), WAN2};
	s.event[1] = inbound_flow(CT_UPDATE, 1, 2);
	/* (a reply is logged before it is labelled; its message can still be read late) */
	s.event[1].status = 0;
	s.event[2] = inbound_flow(CT_DESTROY, 1, 2);
	assert_int_equal(run_merges(&s), 4);
}

static void check_transit(const struct history *h)
{
	assert_int_equal(h->n_flows, 1);
	assert_int_equal(h->flow[1].verdict, VERDICT_OK);
	assert_int_equal(h->flow[1].egress[0], 1 << WAN2);
	assert_int_equal(h->flow[1].egress[1], 1 << WAN1);
	assert_int_equal(h->n_mismatches, 0);
	assert_int_equal(h->n_alerts, 0);
}

static void transit_between_uplinks_is_no_mismatch(void **state)
{
	struct scenario s = {.n_events = 3, .n_packets = 1, .check = check_transit};

	(void)state;
	s.event[0] = inbound_flow(CT_NEW, 1, 2);
	label(&s.event[0], ENTERED);
	s.event[1] = inbound_flow(CT_UPDATE, 1, 2);
	label(&s.event[1], ENTERED);
	label(&s.event[1], LABEL(WAN1));
	s.event[2] = inbound_flow(CT_DESTROY, 1, 2);
	s.packet[0] =
		(struct logged_packet){logged(&s.event[0], STRAY_TRANSIT, DIR_ORIGINAL, 0), WAN2};
	assert_int_equal(run_merges(&s), 4);
}

static void check_both_transits(const struct history *h)
{
	assert_int_equal(h->n_flows, 2);
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(h->flow[i].verdict, VERDICT_OK);
		assert_int_equal(h->flow[i].egress[0], 1 << WAN2);
		assert_int_equal(h->flow[i].egress[1], 1 << WAN1);
	}
}

/* The port is used again while the previous flow is still remembered: each has a packet of its
 * own, which shows its egress. */
static void transit_by_the_same_port_again_is_seen_too(void **state)
{
	struct scenario s = {.n_events = 6, .n_packets = 2, .check = check_both_transits};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct ct_event *flow = &s.event[3 * i];

		flow[0] = inbound_flow(CT_NEW, 1 + 8 * i, 2);
		label(&flow[0], ENTERED);
		flow[1] = inbound_flow(CT_UPDATE, 1 + 8 * i, 2);
		label(&flow[1], ENTERED);
		label(&flow[1], LABEL(WAN1));
		flow[2] = inbound_flow(CT_DESTROY, 1 + 8 * i, 2);
		s.packet[i] =
			(struct logged_packet){logged(flow, STRAY_TRANSIT, DIR_ORIGINAL, 0), WAN2};
	}
	/* The first packet is read before the second flow's NEW event. */
	for (unsigned order = 0; order < 1u << 8; order++)
		if (__builtin_popcount(order) == 2 && (order & 15))
			run_order(&s, order, 0);
}

/* --- evidence by label alone ---------------------------------------------------------- */

static void a_label_alone_proves_a_mismatch(void **state)
{
	struct ct_event ev = lan_flow(CT_NEW, 1, 2);
	struct world w;

	(void)state;
	world_open(&w, 100);
	label(&ev, LABEL(WAN1));
	audit_ct_event(w.a, &ev, w.now_ms);
	assert_int_equal(w.h.n_mismatches, 0);
	ev.type = CT_UPDATE;
	label(&ev, LABEL(WAN2));
	audit_ct_event(w.a, &ev, w.now_ms);
	assert_true(audit_is_in_doubt(w.a));
	audit_settle(w.a, w.now_ms);
	assert_false(audit_is_in_doubt(w.a));
	assert_int_equal(w.h.n_mismatches, 1);
	assert_int_equal(w.h.mismatch[1].evidence, EVIDENCE_EGRESS_SEEN);
	assert_int_equal(w.h.flow[1].verdict, VERDICT_MISMATCH);
	world_close(&w);
}

/* --- by an interface of no uplink ---------------------------------------------- */

static void take_elsewhere(struct world *w, const struct ct_event *ev, enum direction d,
			   const char *ifname)
{
	struct stray_packet p = logged(ev, STRAY_ELSEWHERE, d, ev->mark);

	audit_packet_elsewhere(w->a, &p, ifname, w->now_ms);
}

/* Either the packet or the event comes first; the interface is named once. */
static void a_pinned_flow_that_leaves_by_no_uplink_is_a_mismatch(void **state)
{
	struct ct_event first = lan_flow(CT_NEW, 1, 2), second = lan_flow(CT_NEW, 2, 3);
	struct world w;

	(void)state;
	world_open(&w, 100);
	w.h.diagnosis = REASON_RULE_BEFORE;
	second.tuple[0].sport++;
	second.tuple[1].dport++;
	label(&first, LABEL(WAN1));
	audit_ct_event(w.a, &first, w.now_ms);
	take_elsewhere(&w, &first, DIR_ORIGINAL, "tun0");
	take_elsewhere(&w, &second, DIR_ORIGINAL, "tun0");
	audit_ct_event(w.a, &second, w.now_ms);
	audit_settle(w.a, w.now_ms);
	ticks(&w, 3);
	assert_int_equal(w.h.n_mismatches, 2);
	assert_int_equal(w.h.n_interfaces, 1);
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(w.h.mismatch[i].egress, SLOT_NONE);
		assert_int_equal(w.h.mismatch[i].other_egress, 1);
		assert_int_equal(w.h.mismatch[i].reason, REASON_RULE_BEFORE);
		assert_string_equal(w.h.mismatch[i].object, "an object");
		assert_int_equal(w.h.flow[i].verdict, VERDICT_MISMATCH);
		assert_int_equal(w.h.flow[i].other_egress[DIR_ORIGINAL], 2);
	}
	assert_string_equal(audit_interface_name(w.a, 1), "tun0");
	world_close(&w);
}

/* With more interfaces than numbers, the rest share the last number. */
static void interfaces_beyond_the_last_number_share_it(void **state)
{
	struct world w;
	char name[IFNAMSIZ];

	(void)state;
	world_open(&w, 100);
	for (int i = 1; i < INTERFACE_REST; i++) {
		snprintf(name, sizeof(name), "tun%d", i);
		assert_int_equal(audit_interface(w.a, name), i);
	}
	assert_int_equal(audit_interface(w.a, "tun1000"), INTERFACE_REST);
	assert_int_equal(audit_interface(w.a, "tun1001"), INTERFACE_REST);
	assert_int_equal(audit_interface(w.a, "tun7"), 7);
	assert_string_equal(audit_interface_name(w.a, INTERFACE_REST), "others");
	world_close(&w);
}

static void a_packet_of_no_flow_is_an_orphan_not_a_mismatch(void **state)
{
	struct ct_event ev = lan_flow(CT_NEW, 1, 2);
	struct stray_packet p = logged(&ev, STRAY_MISMATCH, DIR_ORIGINAL, 2);
	struct audit_stats stats;
	struct world w;

	(void)state;
	world_open(&w, 100);
	audit_packet(w.a, &p, WAN2, w.now_ms);
	ticks(&w, 60);
	audit_stats(w.a, &stats);
	assert_int_equal(stats.orphans, 1);
	assert_int_equal(stats.pending, 0);
	assert_int_equal(w.h.n_mismatches, 0);
	world_close(&w);
}

/* While a flow strays its alert is not over; straying after the end raises another. */
static void a_mismatch_that_lasts_is_reported(void **state)
{
	struct ct_event ev = lan_flow(CT_NEW, 1, 2);
	struct stray_packet p = logged(&ev, STRAY_MISMATCH, DIR_ORIGINAL, 2);
	struct world w;

	(void)state;
	world_open(&w, 100);
	audit_ct_event(w.a, &ev, w.now_ms);
	audit_packet(w.a, &p, WAN2, w.now_ms);
	ticks(&w, 60);
	assert_int_equal(w.h.n_alerts, 1);
	assert_int_equal(w.h.goes_on, REASON_NONE);
	audit_packet(w.a, &p, WAN2, w.now_ms);
	ticks(&w, 60);
	assert_int_equal(w.h.goes_on, REASON_RULE_MISSING);
	assert_int_equal(w.h.n_alerts, 1);
	w.h.is_over = true;
	ticks(&w, 60);
	assert_int_equal(w.h.n_alerts, 1);
	audit_packet(w.a, &p, WAN2, w.now_ms);
	ticks(&w, 60);
	assert_int_equal(w.h.n_alerts, 2);
	assert_int_equal(w.h.n_mismatches, 1);
	assert_int_equal(w.h.mismatch[1].packets, 3);
	world_close(&w);
}

static void unmarked_and_foreign_flows_are_alerted_once(void **state)
{
	struct ct_event ev = lan_flow(CT_NEW, 1, 0), other = lan_flow(CT_NEW, 2, 9);
	struct world w;

	(void)state;
	world_open(&w, 100);
	label(&ev, LABEL(WAN1));
	other.tuple[0].sport++;
	label(&other, LABEL(WAN2));
	for (unsigned i = 0; i < 3; i++) {
		audit_ct_event(w.a, &ev, w.now_ms);
		audit_ct_event(w.a, &other, w.now_ms);
		ev.type = other.type = CT_UPDATE;
		ticks(&w, 3);
	}
	assert_int_equal(w.h.flow[1].verdict, VERDICT_UNMARKED);
	assert_int_equal(w.h.flow[2].verdict, VERDICT_FOREIGN);
	assert_int_equal(w.h.n_alerts, 2);
	world_close(&w);
}

static void another_uplinks_source_address_is_found(void **state)
{
	struct audit_address list[] = {{v4("192.168.2.10"), WAN2}, {v4("192.168.1.10"), WAN1}};
	struct ct_event ev = lan_flow(CT_NEW, 1, 3);
	struct world w;

	(void)state;
	world_open(&w, 100);
	assert_int_equal(audit_set_addresses(w.a, list, 2, w.now_ms), 0);
	label(&ev, LABEL(WAN2)); /* left by wan2, translated to wan1's address */
	audit_ct_event(w.a, &ev, w.now_ms);
	ticks(&w, 3);
	assert_int_equal(w.h.flow[1].verdict, VERDICT_WRONG_SOURCE);
	world_close(&w);
}

/* Return the verdict of a flow with this mark, wan1's first address as its source, and its mark's
 * uplink as its egress. */
static enum verdict verdict_of_source(struct world *w, uint32_t id, uint32_t mark,
				      int64_t started_ms)
{
	struct ct_event ev = lan_flow(CT_NEW, id, mark);
	int64_t n = w->h.n_flows + 1;

	ev.tuple[0].sport = ev.tuple[1].dport = (uint16_t)(40000 + id);
	ev.start_ns = started_ms * 1000000;
	label(&ev, mark == 2 ? LABEL(WAN1) : LABEL(WAN2));
	audit_ct_event(w->a, &ev, w->now_ms);
	ticks(w, 3);
	return w->h.flow[n].verdict;
}

static void addresses_are_whose_they_were_when_the_flow_began(void **state)
{
	struct audit_address first[] = {{v4("192.168.1.10"), WAN1}, {v4("192.168.2.10"), WAN2}};
	struct audit_address then[] = {{v4("192.168.1.99"), WAN1}, {v4("192.168.1.10"), WAN2}};
	int64_t early_ms, late_ms;
	struct world w;

	(void)state;
	world_open(&w, 100);
	assert_int_equal(audit_set_addresses(w.a, first, 2, w.now_ms), 0);
	early_ms = w.now_ms + 1000;
	w.now_ms += 60000;
	assert_int_equal(audit_set_addresses(w.a, then, 1, w.now_ms), 0);
	/* wan1 lost the address: earlier flows keep it, and it was never wan2's. */
	assert_int_equal(verdict_of_source(&w, 1, 2, early_ms), VERDICT_OK);
	assert_int_equal(verdict_of_source(&w, 2, 3, early_ms), VERDICT_WRONG_SOURCE);
	assert_int_equal(verdict_of_source(&w, 3, 3, w.now_ms + 10000), VERDICT_WRONG_SOURCE);
	/* wan2 gets the address. */
	w.now_ms += 60000;
	assert_int_equal(audit_set_addresses(w.a, then, 2, w.now_ms), 0);
	late_ms = w.now_ms + 10000;
	w.now_ms += 20000;
	assert_int_equal(verdict_of_source(&w, 4, 2, early_ms), VERDICT_OK);
	assert_int_equal(verdict_of_source(&w, 5, 2, late_ms), VERDICT_WRONG_SOURCE);
	assert_int_equal(verdict_of_source(&w, 6, 3, late_ms), VERDICT_OK);
	/* An address is used a moment before it is reported. */
	assert_int_equal(verdict_of_source(&w, 7, 3, late_ms - 10500), VERDICT_OK);
	world_close(&w);
}

/* A flow of the router, by wan2 unless wan1 is requested. */
static struct ct_event own_flow(uint32_t id, uint32_t mark, const char *src, uint16_t sport)
{
	struct ct_event ev = inbound_flow(CT_NEW, id, mark);
	struct endpoints asked = ev.tuple[0];

	ev.tuple[0] = (struct endpoints){v4(src), asked.src, sport, asked.sport};
	ev.tuple[1] = (struct endpoints){asked.src, v4(src), asked.sport, sport};
	label(&ev, mark == 2 ? LABEL(WAN1) : LABEL(WAN2));
	return ev;
}

/* A flow from outside to the router by wan1. */
static struct ct_event question(uint32_t id, uint16_t port)
{
	struct ct_event ev = inbound_flow(CT_NEW, id, 2);

	ev.proto = IPPROTO_UDP;
	ev.tuple[0].dst = ev.tuple[1].src = v4("192.168.1.10");
	ev.tuple[0].dport = ev.tuple[1].sport = port;
	label(&ev, 64 + LABEL_ENTERED);
	return ev;
}

static void answers_from_an_address_that_was_not_asked_are_counted(void **state)
{
	struct audit_address list[] = {{v4("192.168.2.10"), WAN2}, {v4("192.168.1.10"), WAN1}};
	struct ct_event ask = question(1, 53), ev;
	struct endpoints example;
	struct world w;

	(void)state;
	world_open(&w, 100);
	assert_int_equal(audit_set_addresses(w.a, list, 2, w.now_ms), 0);
	audit_ct_event(w.a, &ask, w.now_ms);
	/* Another port, another protocol, or the address that was asked: not unasked answers. */
	ev = own_flow(2, 3, "192.168.2.10", 54);
	ev.proto = IPPROTO_UDP;
	audit_ct_event(w.a, &ev, w.now_ms);
	ev = own_flow(3, 3, "192.168.2.10", 53);
	ev.proto = IPPROTO_TCP;
	audit_ct_event(w.a, &ev, w.now_ms);
	ev = own_flow(4, 3, "192.168.1.10", 53);
	ev.proto = IPPROTO_UDP;
	audit_ct_event(w.a, &ev, w.now_ms);
	assert_int_equal(audit_unasked_take(w.a, WAN2, &example), 0);
	ev = own_flow(5, 3, "192.168.2.10", 53);
	ev.proto = IPPROTO_UDP;
	audit_ct_event(w.a, &ev, w.now_ms);
	assert_int_equal(audit_unasked_take(w.a, WAN1, &example), 0);
	assert_int_equal(audit_unasked_take(w.a, WAN2, &example), 1);
	assert_true(addr_is_equal(&example.src, &ev.tuple[0].src));
	assert_int_equal(example.sport, 53);
	assert_int_equal(audit_unasked_take(w.a, WAN2, &example), 0);
	/* The question was answered already: other packets of the router do not count. */
	ask = question(6, 55);
	label(&ask, LABEL(WAN1));
	audit_ct_event(w.a, &ask, w.now_ms);
	ev = own_flow(7, 3, "192.168.2.10", 55);
	ev.proto = IPPROTO_UDP;
	audit_ct_event(w.a, &ev, w.now_ms);
	assert_int_equal(audit_unasked_take(w.a, WAN2, &example), 0);
	world_close(&w);
}

/* --- loss and restart ------------------------------------------------------------------ */

static struct flow_record stored_flow(const struct ct_event *ev, int64_t started_ms)
{
	return (struct flow_record){
		.id = 5,
		.started_ms = started_ms,
		.proto = ev->proto,
		.ct_id = ev->id,
		.tuple = {ev->tuple[0], ev->tuple[1]},
		.mark = 2,
		.uplink = WAN1,
		.ingress = SLOT_NONE,
		.egress = {1 << WAN1, 0},
		.verdict = VERDICT_OK,
	};
}

static void dump(struct world *w, const struct ct_event *ev)
{
	audit_dump_begin(w->a, 0);
	if (ev)
		audit_ct_event(w->a, ev, w->now_ms);
	audit_dump_end(w->a, false, w->now_ms);
	ticks(w, 3);
}

static void a_restart_continues_the_same_row(void **state)
{
	struct ct_event ev = lan_flow(CT_DUMP, 1, 2);
	struct flow_record r = stored_flow(&ev, 900000);
	struct world w;

	(void)state;
	world_open(&w, 100);
	assert_int_equal(audit_preload(w.a, &r), 0);
	label(&ev, LABEL(WAN1));
	ev.start_ns = INT64_C(899990) * 1000000;
	dump(&w, &ev);
	assert_int_equal(w.h.n_flows, 1);
	assert_int_equal(w.h.flow[5].state, FLOW_LIVE);
	assert_int_equal(w.h.flow[5].verdict, VERDICT_OK);
	world_close(&w);
}

static uint32_t live_of_wan1(const struct world *w)
{
	uint32_t live[UPLINKS_MAX];
	uint64_t mismatches[UPLINKS_MAX], bytes[UPLINKS_MAX];

	audit_uplink_counts(w->a, live, mismatches, bytes);
	return live[WAN1];
}

/* The kernel keeps the entry for two minutes; the flow's end is that of the connection. */
static void a_closed_connection_has_ended(void **state)
{
	struct ct_event ev = lan_flow(CT_NEW, 1, 2);
	struct audit_stats s;
	struct world w;

	(void)state;
	world_open(&w, 100);
	audit_ct_event(w.a, &ev, w.now_ms);
	ticks(&w, 3);
	assert_int_equal(w.h.flow[1].state, FLOW_LIVE);
	assert_int_equal(live_of_wan1(&w), 1);
	ev.type = CT_UPDATE;
	ev.tcp_state = 3; /* ESTABLISHED */
	audit_ct_event(w.a, &ev, w.now_ms);
	ev.tcp_state = 7; /* TIME_WAIT */
	audit_ct_event(w.a, &ev, w.now_ms);
	assert_int_equal(w.h.flow[1].state, FLOW_CLOSED);
	assert_int_equal(w.h.flow[1].ended_ms, w.now_ms);
	assert_int_equal(live_of_wan1(&w), 0);
	audit_stats(w.a, &s);
	assert_int_equal(s.live, 0);
	ticks(&w, 3);
	ev.type = CT_DESTROY;
	ev.has_counters = true;
	ev.packets[0] = 9;
	audit_ct_event(w.a, &ev, w.now_ms);
	assert_int_equal(w.h.flow[1].state, FLOW_ENDED);
	assert_int_equal(w.h.flow[1].packets[0], 9);
	audit_stats(w.a, &s);
	assert_int_equal(s.live, 0);
	assert_int_equal(w.h.n_flows, 1);
	world_close(&w);
}

/* With minimal events only a dump shows it; after a restart the row is continued; an entry that
 * ended unseen is no loss. */
static void a_dump_finds_closed_connections(void **state)
{
	struct ct_event ev = lan_flow(CT_DUMP, 1, 2);
	struct flow_record r = stored_flow(&ev, 900000);
	struct world w;

	(void)state;
	world_open(&w, 100);
	assert_int_equal(audit_preload(w.a, &r), 0);
	ev.tcp_state = 8; /* CLOSE */
	ev.idle_ms = 2000;
	dump(&w, &ev);
	assert_int_equal(w.h.flow[5].state, FLOW_CLOSED);
	assert_int_equal(w.h.flow[5].ended_ms, 1000000 - 2000);
	dump(&w, NULL);
	assert_int_equal(w.h.flow[5].state, FLOW_ENDED);
	assert_int_equal(w.h.n_flows, 1);
	world_close(&w);

	world_open(&w, 100);
	r.state = FLOW_CLOSED;
	assert_int_equal(audit_preload(w.a, &r), 0);
	assert_int_equal(live_of_wan1(&w), 0);
	ev.type = CT_DESTROY;
	audit_ct_event(w.a, &ev, w.now_ms);
	assert_int_equal(w.h.flow[5].state, FLOW_ENDED);
	assert_int_equal(w.h.n_flows, 1);
	world_close(&w);
}

/* A flow that was ok raises an alert, one that was reported does not. */
static void what_a_flow_becomes_after_a_restart_is_alerted_once(void **state)
{
	struct ct_event ev = lan_flow(CT_UPDATE, 1, 0);
	struct flow_record fine = stored_flow(&ev, 900000), reported = fine;
	struct world w;

	(void)state;
	reported.id = reported.ct_id = 6;
	reported.mark = 0;
	reported.uplink = SLOT_NONE;
	reported.verdict = VERDICT_UNMARKED;
	world_open(&w, 100);
	assert_int_equal(audit_preload(w.a, &fine), 0);
	assert_int_equal(audit_preload(w.a, &reported), 0);
	for (ev.id = 1; ev.id <= 6; ev.id += 5)
		audit_ct_event(w.a, &ev, w.now_ms);
	ticks(&w, 3);
	assert_int_equal(w.h.flow[5].verdict, VERDICT_UNMARKED);
	assert_int_equal(w.h.flow[6].verdict, VERDICT_UNMARKED);
	assert_int_equal(w.h.n_alerts, 1);
	world_close(&w);
}

/* It is ignored: its uplink was removed from the configuration. */
static void a_flow_of_an_uplink_removed_before_the_start_is_not_alerted(void **state)
{
	struct ct_event ev = lan_flow(CT_DESTROY, 1, 4);
	struct flow_record r = stored_flow(&ev, 900000);
	struct uplink_config wan1 = {.name = "wan1", .ifname = "wan1", .mark = 2, .slot = WAN1};
	struct config c = {.mark_mask = 0xff, .label_base = 64, .uplinks = &wan1, .n_uplinks = 1};
	struct world w;

	(void)state;
	r.mark = 4;
	world_open(&w, 100);
	assert_int_equal(audit_preload(w.a, &r), 0);
	assert_int_equal(audit_set_config(w.a, &c, w.now_ms), 0);
	audit_ct_event(w.a, &ev, w.now_ms);
	assert_int_equal(w.h.flow[5].verdict, VERDICT_FOREIGN);
	assert_int_equal(w.h.n_alerts, 0);
	world_close(&w);
}

/* max-flows may have been larger, or some ends may be missing in the history. */
static void a_restart_takes_in_more_flows_than_it_would_follow(void **state)
{
	struct ct_event ev = lan_flow(CT_DUMP, 1, 2);
	struct flow_record r = stored_flow(&ev, 900000);
	struct world w;

	(void)state;
	world_open(&w, 3);
	for (; r.id < 15; r.id++, r.ct_id++)
		assert_int_equal(audit_preload(w.a, &r), 0);
	label(&ev, LABEL(WAN1));
	dump(&w, &ev);
	assert_int_equal(w.h.n_flows, 10);
	assert_int_equal(w.h.flow[5].state, FLOW_LIVE);
	for (int64_t id = 6; id < 15; id++)
		assert_int_equal(w.h.flow[id].state, FLOW_LOST);
	world_close(&w);
}

static void the_same_id_with_a_later_start_is_another_flow(void **state)
{
	struct ct_event ev = lan_flow(CT_DUMP, 1, 2);
	struct flow_record r = stored_flow(&ev, 900000);
	struct world w;

	(void)state;
	world_open(&w, 100);
	assert_int_equal(audit_preload(w.a, &r), 0);
	label(&ev, LABEL(WAN1));
	ev.start_ns = INT64_C(950000) * 1000000;
	dump(&w, &ev);
	assert_int_equal(w.h.n_flows, 2);
	assert_int_equal(w.h.flow[5].state, FLOW_LOST);
	assert_int_equal(w.h.flow[1].state, FLOW_LIVE);
	world_close(&w);
}

/* The clock was set back between the kernel's start time and ours. */
static void a_start_in_the_future_is_the_same_flow(void **state)
{
	struct ct_event ev = lan_flow(CT_NEW, 1, 2);
	struct world w;

	(void)state;
	world_open(&w, 100);
	label(&ev, LABEL(WAN1));
	audit_ct_event(w.a, &ev, w.now_ms);
	ticks(&w, 3);
	ev.type = CT_DUMP;
	ev.start_ns = (w.now_ms + 3600000) * 1000000;
	dump(&w, &ev);
	assert_int_equal(w.h.n_flows, 1);
	assert_int_equal(w.h.flow[1].state, FLOW_LIVE);
	assert_int_equal(w.h.flow[1].verdict, VERDICT_OK);
	world_close(&w);
}

static void a_flow_that_vanished_is_lost_and_found_by_its_late_end(void **state)
{
	struct ct_event ev = lan_flow(CT_NEW, 1, 2);
	struct world w;

	(void)state;
	world_open(&w, 100);
	label(&ev, LABEL(WAN1));
	audit_ct_event(w.a, &ev, w.now_ms);
	ticks(&w, 3);
	dump(&w, NULL);
	assert_int_equal(w.h.flow[1].state, FLOW_LOST);
	assert_int_equal(w.h.flow[1].ended_ms, 0);
	ev.type = CT_DESTROY;
	audit_ct_event(w.a, &ev, w.now_ms);
	assert_int_equal(w.h.n_flows, 1);
	assert_int_equal(w.h.flow[1].state, FLOW_ENDED);
	world_close(&w);
}

/* Its verdict is then the same as if the dump had it, unless there was a gap. */
static void a_local_flow_that_expires_during_a_dump_is_local(void **state)
{
	struct ct_event ev = lan_flow(CT_NEW, 1, 0);
	struct world w;

	(void)state;
	for (int has_gap = 0; has_gap < 2; has_gap++) {
		ev.type = CT_NEW;
		world_open(&w, 100);
		audit_ct_event(w.a, &ev, w.now_ms);
		ticks(&w, 3);
		assert_int_equal(w.h.flow[1].verdict, VERDICT_LOCAL);
		if (has_gap)
			audit_gap(w.a, GAP_EVENTS, w.now_ms - 10, w.now_ms, 1, "overrun");
		dump(&w, NULL);
		assert_int_equal(w.h.flow[1].state, FLOW_LOST);
		assert_int_equal(w.h.flow[1].verdict, VERDICT_UNKNOWN);
		ev.type = CT_DESTROY;
		audit_ct_event(w.a, &ev, w.now_ms);
		assert_int_equal(w.h.flow[1].state, FLOW_ENDED);
		assert_int_equal(w.h.flow[1].verdict, has_gap ? VERDICT_UNKNOWN : VERDICT_LOCAL);
		world_close(&w);
	}
}

static void a_torn_dump_loses_no_flow(void **state)
{
	struct ct_event ev = lan_flow(CT_NEW, 1, 2);
	struct world w;

	(void)state;
	world_open(&w, 100);
	audit_ct_event(w.a, &ev, w.now_ms);
	audit_dump_begin(w.a, 0);
	audit_dump_end(w.a, true, w.now_ms);
	ticks(&w, 3);
	assert_int_equal(w.h.flow[1].state, FLOW_LIVE);
	world_close(&w);
}

static void an_event_read_after_its_flows_dump_makes_no_second_row(void **state)
{
	struct ct_event ev = lan_flow(CT_DUMP, 1, 2);
	struct world w;

	(void)state;
	world_open(&w, 100);
	label(&ev, LABEL(WAN1));
	dump(&w, &ev);
	ev.type = CT_NEW;
	audit_ct_event(w.a, &ev, w.now_ms);
	ticks(&w, 3);
	assert_int_equal(w.h.n_flows, 1);
	/* A second NEW is another flow: the DESTROY of the first was lost. */
	audit_ct_event(w.a, &ev, w.now_ms);
	ticks(&w, 3);
	assert_int_equal(w.h.n_flows, 2);
	assert_int_equal(w.h.flow[1].state, FLOW_LOST);
	world_close(&w);
}

static void nothing_is_ok_across_a_gap_without_evidence(void **state)
{
	struct ct_event with = lan_flow(CT_NEW, 1, 2), without = lan_flow(CT_NEW, 2, 2);
	struct world w;

	(void)state;
	world_open(&w, 100);
	label(&with, LABEL(WAN1));
	without.tuple[0].sport++;
	audit_ct_event(w.a, &with, w.now_ms);
	audit_ct_event(w.a, &without, w.now_ms);
	ticks(&w, 3);
	assert_int_equal(w.h.flow[2].verdict, VERDICT_LOCAL);
	audit_gap(w.a, GAP_EVENTS, w.now_ms - 10, w.now_ms + 10, -1, "overrun");
	with.type = without.type = CT_DESTROY;
	with.has_labels = false;
	audit_ct_event(w.a, &with, w.now_ms + 20);
	audit_ct_event(w.a, &without, w.now_ms + 20);
	assert_int_equal(w.h.flow[1].verdict, VERDICT_OK);
	assert_int_equal(w.h.flow[2].verdict, VERDICT_UNKNOWN);
	assert_int_equal(w.h.flow[2].reason, REASON_GAP);
	assert_int_equal(w.h.n_gaps, 1);
	world_close(&w);
}

/* While its end and the missing packets are unknown. */
static void an_open_gap_takes_what_begins_and_ends_in_it(void **state)
{
	struct ct_event ev = lan_flow(CT_NEW, 1, 2);
	struct world w;
	int64_t gap;

	(void)state;
	world_open(&w, 100);
	gap = audit_gap(w.a, GAP_EVIDENCE, w.now_ms, 0, -1, "the rules are gone");
	w.now_ms += 1000;
	audit_ct_event(w.a, &ev, w.now_ms);
	ev.type = CT_DESTROY;
	audit_ct_event(w.a, &ev, w.now_ms + 10);
	assert_int_equal(w.h.flow[1].verdict, VERDICT_UNKNOWN);
	assert_int_equal(w.h.flow[1].reason, REASON_GAP);
	w.now_ms += 1000;
	audit_gap_end(w.a, gap, GAP_EVIDENCE, w.now_ms - 2000, w.now_ms, -1, "the rules are gone");
	ev.type = CT_NEW;
	ev.id = 2;
	audit_ct_event(w.a, &ev, w.now_ms + 10);
	ev.type = CT_DESTROY;
	audit_ct_event(w.a, &ev, w.now_ms + 20);
	assert_int_equal(w.h.flow[2].verdict, VERDICT_LOCAL);
	world_close(&w);
}

/* Flows whose evidence shows the right uplink: one that was idle since before the rules were
 * deleted keeps its verdict, the others may have sent unseen packets. */
static void a_gap_without_rules_hides_what_may_have_sent(void **state)
{
	struct ct_event sent = lan_flow(CT_NEW, 1, 2), idle = lan_flow(CT_NEW, 2, 2);
	struct ct_event local = lan_flow(CT_NEW, 3, 0), ended = lan_flow(CT_NEW, 4, 2);
	struct ct_event *flows[] = {&sent, &idle, &local, &ended};
	struct world w;
	int64_t gap;

	(void)state;
	world_open(&w, 100);
	for (int i = 0; i < 4; i++) {
		flows[i]->tuple[0].sport = (uint16_t)(5000 + i);
		flows[i]->tuple[1].dport = (uint16_t)(5000 + i);
		if (flows[i] != &local)
			label(flows[i], LABEL(WAN1));
		audit_ct_event(w.a, flows[i], w.now_ms);
	}
	ticks(&w, 3);
	assert_int_equal(w.h.flow[2].verdict, VERDICT_OK);
	w.now_ms += 60000;
	gap = audit_gap(w.a, GAP_EVIDENCE, w.now_ms, 0, -1, "the rules are gone");
	audit_gap_set_blind(w.a, gap);
	ended.type = CT_DESTROY;
	ended.has_labels = false;
	audit_ct_event(w.a, &ended, w.now_ms + 10);
	w.now_ms += 500;
	audit_gap_end(w.a, gap, GAP_EVIDENCE, w.now_ms - 500, w.now_ms, -1, "the rules are gone");
	w.now_ms += 10;
	audit_dump_begin(w.a, w.now_ms);
	for (int i = 0; i < 3; i++) {
		flows[i]->type = CT_DUMP;
		flows[i]->idle_ms = flows[i] == &idle ? 30000 : 100;
		audit_ct_event(w.a, flows[i], w.now_ms);
	}
	audit_dump_end(w.a, false, w.now_ms);
	ticks(&w, 3);
	for (int i = 0; i < 3; i++) {
		flows[i]->type = CT_DESTROY;
		flows[i]->has_labels = false;
		audit_ct_event(w.a, flows[i], w.now_ms + 20);
	}
	assert_int_equal(w.h.flow[1].verdict, VERDICT_UNKNOWN);
	assert_int_equal(w.h.flow[1].reason, REASON_GAP);
	assert_int_equal(w.h.flow[2].verdict, VERDICT_OK);
	assert_int_equal(w.h.flow[3].verdict, VERDICT_LOCAL);
	assert_int_equal(w.h.flow[4].verdict, VERDICT_UNKNOWN);
	world_close(&w);
}

static void a_flow_from_before_the_labels_is_unknown(void **state)
{
	struct ct_event ev = lan_flow(CT_DUMP, 1, 0), later = lan_flow(CT_DUMP, 2, 0);
	struct ct_event other = lan_flow(CT_DUMP, 3, 0);
	struct world w;

	(void)state;
	world_open(&w, 100);
	audit_set_evidence_since(w.a, 900000);
	ev.start_ns = INT64_C(800000) * 1000000;
	later.start_ns = INT64_C(950000) * 1000000;
	later.tuple[0].sport++;
	/* labelled by another process */
	other.start_ns = ev.start_ns;
	other.tuple[0].sport += 2;
	other.has_labels = true;
	other.labels.word[0] = 8;
	audit_dump_begin(w.a, 0);
	audit_ct_event(w.a, &ev, w.now_ms);
	audit_ct_event(w.a, &later, w.now_ms);
	audit_ct_event(w.a, &other, w.now_ms);
	audit_dump_end(w.a, false, w.now_ms);
	ticks(&w, 3);
	assert_int_equal(w.h.flow[1].verdict, VERDICT_UNKNOWN);
	assert_int_equal(w.h.flow[1].reason, REASON_PREDATES);
	assert_int_equal(w.h.flow[2].verdict, VERDICT_LOCAL);
	assert_int_equal(w.h.flow[3].verdict, VERDICT_UNKNOWN);
	assert_int_equal(w.h.flow[3].reason, REASON_PREDATES);
	world_close(&w);
}

static void a_full_table_still_writes_the_ends(void **state)
{
	struct ct_event a = lan_flow(CT_NEW, 1, 2), b = lan_flow(CT_NEW, 2, 3);
	struct audit_stats stats;
	struct world w;

	(void)state;
	world_open(&w, 1);
	b.tuple[0].sport++;
	audit_ct_event(w.a, &a, w.now_ms);
	audit_ct_event(w.a, &b, w.now_ms);
	ticks(&w, 3);
	assert_int_equal(w.h.n_flows, 1);
	b.type = CT_DESTROY;
	b.has_counters = true;
	b.packets[0] = 3;
	audit_ct_event(w.a, &b, w.now_ms);
	assert_int_equal(w.h.n_flows, 2);
	assert_int_equal(w.h.flow[2].packets[0], 3);
	assert_int_equal(w.h.flow[2].verdict, VERDICT_UNKNOWN);
	audit_stats(w.a, &stats);
	assert_true(stats.untracked >= 1);
	world_close(&w);
}

static void ended_flows_are_forgotten(void **state)
{
	struct audit_stats stats;
	struct world w;

	(void)state;
	world_open(&w, 100);
	for (unsigned round = 0; round < 40; round++) {
		struct ct_event ev = lan_flow(CT_NEW, round + 1, 2);

		audit_ct_event(w.a, &ev, w.now_ms);
		ev.type = CT_DESTROY;
		audit_ct_event(w.a, &ev, w.now_ms);
		ticks(&w, 45);
	}
	audit_stats(w.a, &stats);
	assert_int_equal(w.h.n_flows, 40);
	assert_int_equal(stats.live, 0);
	assert_true(stats.lingering <= 1);
	world_close(&w);
}

/* --- reloads and deletions ------------------------------------------------------------ */

static void set_uplinks(struct world *w, size_t n)
{
	struct uplink_config uplinks[] = {
		{.name = "wan1", .ifname = "wan1", .mark = 2, .slot = WAN1},
		{.name = "wan2", .ifname = "wan2", .mark = 3, .slot = WAN2},
	};
	struct config c = {.mark_mask = 0xff, .label_base = 64, .uplinks = uplinks, .n_uplinks = n};

	assert_int_equal(audit_set_config(w->a, &c, w->now_ms), 0);
}

static uint32_t live_of(const struct world *w, uint8_t slot)
{
	uint32_t live[UPLINKS_MAX];
	uint64_t mismatches[UPLINKS_MAX], bytes[UPLINKS_MAX];

	audit_uplink_counts(w->a, live, mismatches, bytes);
	return live[slot];
}

/* Flows of an uplink that a reload removes keep their verdict until they send again; then they are
 * foreign, shown by a packet or by a label. */
static void a_removed_uplinks_flows_are_foreign_when_they_send_again(void **state)
{
	struct ct_event ev[3];
	struct stray_packet p;
	struct world w;

	(void)state;
	world_open(&w, 100);
	for (unsigned i = 0; i < 3; i++) {
		ev[i] = lan_flow(CT_NEW, i + 1, 3);
		ev[i].tuple[0].sport = (uint16_t)(40000 + i);
		ev[i].tuple[1].dport = (uint16_t)(40000 + i);
		label(&ev[i], LABEL(WAN2));
		audit_ct_event(w.a, &ev[i], w.now_ms);
	}
	ticks(&w, 3);
	assert_int_equal(live_of(&w, WAN2), 3);
	set_uplinks(&w, 1);
	assert_int_equal(live_of(&w, WAN2), 0);
	p = logged(&ev[0], STRAY_MISMATCH, DIR_ORIGINAL, 0);
	audit_packet(w.a, &p, WAN1, w.now_ms);
	ev[1].type = CT_UPDATE;
	label(&ev[1], LABEL(WAN1));
	audit_ct_event(w.a, &ev[1], w.now_ms);
	ev[2].type = CT_DESTROY;
	audit_ct_event(w.a, &ev[2], w.now_ms);
	ticks(&w, 3);
	assert_int_equal(w.h.flow[1].verdict, VERDICT_FOREIGN);
	assert_int_equal(w.h.flow[1].uplink, SLOT_NONE);
	assert_int_equal(w.h.flow[2].verdict, VERDICT_FOREIGN);
	assert_int_equal(w.h.flow[3].verdict, VERDICT_OK);
	assert_int_equal(w.h.flow[3].uplink, WAN2);
	assert_int_equal(w.h.n_mismatches, 0);
	assert_int_equal(w.h.n_alerts, 2);
	/* When the uplink is back, its live flows are counted. */
	set_uplinks(&w, 2);
	assert_int_equal(live_of(&w, WAN2), 2);
	world_close(&w);
}

static void a_deleted_flow_has_its_reason(void **state)
{
	struct ct_event own = lan_flow(CT_NEW, 1, 2), other = inbound_flow(CT_NEW, 2, 2);
	struct stray_packet late;
	struct world w;

	(void)state;
	world_open(&w, 100);
	label(&own, LABEL(WAN1));
	label(&other, LABEL(WAN1));
	label(&other, ENTERED);
	audit_ct_event(w.a, &own, w.now_ms);
	audit_ct_event(w.a, &other, w.now_ms);
	ticks(&w, 3);
	own.type = other.type = CT_DESTROY;
	own.is_flushed = true;
	own.has_labels = other.has_labels = false;
	audit_ct_event(w.a, &own, w.now_ms);
	audit_ct_event(w.a, &other, w.now_ms);
	assert_int_equal(w.h.flow[1].state, FLOW_ENDED);
	assert_int_equal(w.h.flow[1].verdict, VERDICT_OK);
	assert_int_equal(w.h.flow[1].reason, REASON_UPLINK_DOWN_FLUSH);
	assert_int_equal(w.h.flow[2].state, FLOW_ENDED);
	assert_int_equal(w.h.flow[2].reason, REASON_NONE);
	/* Late evidence of a mismatch takes precedence. */
	late = logged(&own, STRAY_MISMATCH, DIR_ORIGINAL, 2);
	audit_packet(w.a, &late, WAN2, w.now_ms);
	assert_int_equal(w.h.flow[1].verdict, VERDICT_MISMATCH);
	assert_int_equal(w.h.flow[1].reason, REASON_RULE_MISSING);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mismatch_is_one_row_in_every_order),
		cmocka_unit_test(a_killed_flow_is_not_mistaken_for_its_successor),
		cmocka_unit_test(a_killed_successor_is_a_mismatch_of_its_own),
		cmocka_unit_test(a_new_flow_by_a_drained_uplink_is_a_mismatch),
		cmocka_unit_test(a_flow_beside_is_not_blamed),
		cmocka_unit_test(a_later_flow_with_the_same_addresses_is_not_blamed),
		cmocka_unit_test(a_packet_of_no_flow_is_an_example),
		cmocka_unit_test(a_changed_mark_is_the_reason_in_every_order),
		cmocka_unit_test(replies_of_an_inbound_flow_are_judged),
		cmocka_unit_test(transit_between_uplinks_is_no_mismatch),
		cmocka_unit_test(transit_by_the_same_port_again_is_seen_too),
		cmocka_unit_test(a_label_alone_proves_a_mismatch),
		cmocka_unit_test(a_pinned_flow_that_leaves_by_no_uplink_is_a_mismatch),
		cmocka_unit_test(interfaces_beyond_the_last_number_share_it),
		cmocka_unit_test(a_packet_of_no_flow_is_an_orphan_not_a_mismatch),
		cmocka_unit_test(a_mismatch_that_lasts_is_reported),
		cmocka_unit_test(unmarked_and_foreign_flows_are_alerted_once),
		cmocka_unit_test(another_uplinks_source_address_is_found),
		cmocka_unit_test(addresses_are_whose_they_were_when_the_flow_began),
		cmocka_unit_test(answers_from_an_address_that_was_not_asked_are_counted),
		cmocka_unit_test(a_restart_continues_the_same_row),
		cmocka_unit_test(what_a_flow_becomes_after_a_restart_is_alerted_once),
		cmocka_unit_test(a_flow_of_an_uplink_removed_before_the_start_is_not_alerted),
		cmocka_unit_test(a_restart_takes_in_more_flows_than_it_would_follow),
		cmocka_unit_test(the_same_id_with_a_later_start_is_another_flow),
		cmocka_unit_test(a_start_in_the_future_is_the_same_flow),
		cmocka_unit_test(a_flow_that_vanished_is_lost_and_found_by_its_late_end),
		cmocka_unit_test(a_local_flow_that_expires_during_a_dump_is_local),
		cmocka_unit_test(a_closed_connection_has_ended),
		cmocka_unit_test(a_dump_finds_closed_connections),
		cmocka_unit_test(a_torn_dump_loses_no_flow),
		cmocka_unit_test(an_event_read_after_its_flows_dump_makes_no_second_row),
		cmocka_unit_test(nothing_is_ok_across_a_gap_without_evidence),
		cmocka_unit_test(an_open_gap_takes_what_begins_and_ends_in_it),
		cmocka_unit_test(a_gap_without_rules_hides_what_may_have_sent),
		cmocka_unit_test(a_flow_from_before_the_labels_is_unknown),
		cmocka_unit_test(a_full_table_still_writes_the_ends),
		cmocka_unit_test(ended_flows_are_forgotten),
		cmocka_unit_test(a_removed_uplinks_flows_are_foreign_when_they_send_again),
		cmocka_unit_test(a_deleted_flow_has_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
