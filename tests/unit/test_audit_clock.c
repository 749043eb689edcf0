/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_audit_clock.c - proves that the audit survives a clock that is set an hour back or forward:
 * nothing waits until the clock is there again, nothing expires early, and what happened across
 * the jump is attributed to its gap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "waymark/audit/audit.h"

#define WAN1	    2
#define WAN2	    3
#define LABEL(slot) (64 + LABELS_RESERVED + (slot))
#define ROWS	    16
#define HOUR_MS	    3600000
#define NOON	    1772366400000

/* Both ways, and by a second, which is longer than any wait. */
static const int64_t jumps_ms[] = {-HOUR_MS, HOUR_MS, -1000, 1000};
#define JUMPS (sizeof(jumps_ms) / sizeof(jumps_ms[0]))

struct world {
	struct flow_record flow[ROWS]; /* by id, as last published */
	struct gap_record gap[ROWS];
	unsigned n_mismatches;
	struct audit *a;
	int64_t now_ms;
};

static void emit(void *data, const struct record *r)
{
	struct world *w = data;

	switch (r->type) {
	case RECORD_FLOW:
		assert_in_range(r->flow.id, 1, ROWS - 1);
		w->flow[r->flow.id] = r->flow;
		break;
	case RECORD_MISMATCH:
		w->n_mismatches++;
		break;
	case RECORD_GAP:
		w->gap[r->gap.id] = r->gap;
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
	(void)data;
	(void)f;
	(void)m;
}

static void world_open(struct world *w)
{
	struct uplink_config uplinks[] = {
		{.name = "wan1", .ifname = "wan1", .mark = 2, .slot = WAN1},
		{.name = "wan2", .ifname = "wan2", .mark = 3, .slot = WAN2},
	};
	struct config c = {.mark_mask = 0xff, .label_base = 64, .uplinks = uplinks, .n_uplinks = 2};
	struct audit_port port = {.data = w, .emit = emit, .alert = alert};
	struct audit_ids ids = {0};

	memset(w, 0, sizeof(*w));
	w->now_ms = NOON;
	w->a = audit_new(&port, &ids, 100);
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

static unsigned pending(const struct world *w)
{
	struct audit_stats stats;

	audit_stats(w->a, &stats);
	return stats.pending;
}

static unsigned lingering(const struct world *w)
{
	struct audit_stats stats;

	audit_stats(w->a, &stats);
	return stats.lingering;
}

static struct addr v4(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static struct ct_event flow_event(enum ct_event_type type, uint32_t id, uint32_t mark)
{
	struct ct_event ev = {.type = type, .id = id, .proto = 6, .mark = mark};

	ev.tuple[0] = (struct endpoints){.src = v4("192.168.10.2"),
					 .sport = (uint16_t)(40000 + id),
					 .dst = v4("203.0.113.10"),
					 .dport = 80};
	ev.tuple[1] = (struct endpoints){.src = v4("203.0.113.10"),
					 .sport = 80,
					 .dst = v4("192.168.1.10"),
					 .dport = (uint16_t)(40000 + id)};
	return ev;
}

static void label(struct ct_event *ev, unsigned bit)
{
	ev->has_labels = true;
	ev->labels.word[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static struct stray_packet packet_of(const struct ct_event *flow)
{
	return (struct stray_packet){
		.kind = STRAY_MISMATCH,
		.direction = -1,
		.proto = flow->proto,
		.tuple = {.src = flow->tuple[0].src,
			  .sport = flow->tuple[0].sport,
			  .dst = flow->tuple[1].src,
			  .dport = flow->tuple[1].sport},
	};
}

/* A packet that came before its flow's event is matched after the jump. */
static void a_packet_waits_its_second_across_a_jump(void **state)
{
	(void)state;
	for (size_t i = 0; i < JUMPS; i++) {
		struct ct_event ev = flow_event(CT_NEW, 1, 2);
		struct stray_packet p = packet_of(&ev);
		struct world w;

		world_open(&w);
		audit_packet(w.a, &p, WAN2, w.now_ms);
		ticks(&w, 2);
		w.now_ms += jumps_ms[i];
		ticks(&w, 2);
		assert_int_equal(pending(&w), 1);
		audit_ct_event(w.a, &ev, w.now_ms);
		ticks(&w, 3);
		assert_int_equal(w.n_mismatches, 1);
		assert_int_equal(pending(&w), 0);
		world_close(&w);
	}
}

/* A packet without a flow is dropped in its time, and frees its room. */
static void an_orphan_does_not_wait_for_the_clock(void **state)
{
	(void)state;
	for (size_t i = 0; i < JUMPS; i++) {
		struct ct_event ev = flow_event(CT_NEW, 1, 2);
		struct stray_packet p = packet_of(&ev);
		struct world w;

		world_open(&w);
		audit_packet(w.a, &p, WAN2, w.now_ms);
		w.now_ms += jumps_ms[i];
		ticks(&w, 19);
		assert_int_equal(pending(&w), 1);
		ticks(&w, 1);
		assert_int_equal(pending(&w), 0);
		world_close(&w);
	}
}

/* Another process changed the mark for one packet: the flow is from before the clock was set
 * back, so it seems to have started long after its packet. */
static void an_old_flow_is_not_taken_for_a_later_one(void **state)
{
	struct ct_event ev = flow_event(CT_NEW, 1, 3);
	struct stray_packet p = packet_of(&ev);
	struct world w;

	(void)state;
	world_open(&w);
	audit_ct_event(w.a, &ev, w.now_ms);
	ticks(&w, 10);
	w.now_ms -= HOUR_MS;
	audit_packet(w.a, &p, WAN2, w.now_ms);
	ticks(&w, 21);
	assert_int_equal(w.n_mismatches, 1);
	world_close(&w);
}

static void an_ended_flow_lingers_as_long_as_ever(void **state)
{
	(void)state;
	for (size_t i = 0; i < JUMPS; i++) {
		struct ct_event ev = flow_event(CT_NEW, 1, 2);
		struct world w;

		world_open(&w);
		audit_ct_event(w.a, &ev, w.now_ms);
		ticks(&w, 3);
		ev.type = CT_DESTROY;
		audit_ct_event(w.a, &ev, w.now_ms);
		w.now_ms += jumps_ms[i];
		ticks(&w, 30);
		assert_int_equal(lingering(&w), 1);
		ticks(&w, 30);
		assert_int_equal(lingering(&w), 0);
		world_close(&w);
	}
}

/* A flow whose life overlaps the gap is in it, whichever of its start and end was in which of the
 * clock's times. */
static void a_gap_holds_its_flows_across_a_jump(void **state)
{
	(void)state;
	for (size_t i = 0; i < JUMPS; i++) {
		struct ct_event before = flow_event(CT_NEW, 1, 2),
				inside = flow_event(CT_NEW, 2, 2);
		struct ct_event both = flow_event(CT_NEW, 3, 2);
		struct world w;
		int64_t gap, since;

		world_open(&w);
		audit_ct_event(w.a, &before, w.now_ms);
		audit_ct_event(w.a, &both, w.now_ms);
		ticks(&w, 4);
		since = w.now_ms;
		gap = audit_gap(w.a, GAP_EVIDENCE, since, 0, -1, "the rules are gone");
		w.now_ms += jumps_ms[i];
		ticks(&w, 4);
		audit_ct_event(w.a, &inside, w.now_ms);
		before.type = CT_DESTROY;
		audit_ct_event(w.a, &before, w.now_ms);
		ticks(&w, 4);
		audit_gap_end(w.a, gap, GAP_EVIDENCE, since, w.now_ms, -1, "the rules are gone");
		ticks(&w, 1);
		inside.type = both.type = CT_DESTROY;
		audit_ct_event(w.a, &inside, w.now_ms);
		audit_ct_event(w.a, &both, w.now_ms);
		assert_int_equal(w.flow[1].verdict, VERDICT_UNKNOWN);
		assert_int_equal(w.flow[2].verdict, VERDICT_UNKNOWN);
		assert_int_equal(w.flow[3].verdict, VERDICT_UNKNOWN);
		assert_int_equal(w.gap[gap].started_ms, since);
		assert_int_equal(w.gap[gap].ended_ms, w.now_ms - AUDIT_TICK_MS);
		world_close(&w);
	}
}

/* Flows outside the gap get their usual verdict. */
static void a_gap_of_before_a_jump_is_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < JUMPS; i++) {
		struct ct_event ev = flow_event(CT_NEW, 1, 2);
		struct world w;

		world_open(&w);
		audit_gap(w.a, GAP_EVENTS, w.now_ms - 100, w.now_ms, -1, "overrun");
		ticks(&w, 30);
		w.now_ms += jumps_ms[i];
		ticks(&w, 1);
		audit_ct_event(w.a, &ev, w.now_ms);
		ticks(&w, 2);
		ev.type = CT_DESTROY;
		audit_ct_event(w.a, &ev, w.now_ms);
		assert_int_equal(w.flow[1].verdict, VERDICT_LOCAL);
		world_close(&w);
	}
}

/* A gap that closed before the jump, during a flow that ends after it. */
static void a_gap_before_a_jump_is_of_flows_that_lived_in_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < JUMPS; i++) {
		struct ct_event ev = flow_event(CT_NEW, 1, 2);
		struct world w;

		world_open(&w);
		audit_ct_event(w.a, &ev, w.now_ms);
		ticks(&w, 10);
		audit_gap(w.a, GAP_EVENTS, w.now_ms - 100, w.now_ms, -1, "overrun");
		ticks(&w, 10);
		w.now_ms += jumps_ms[i];
		ticks(&w, 1);
		ev.type = CT_DESTROY;
		audit_ct_event(w.a, &ev, w.now_ms);
		assert_int_equal(w.flow[1].verdict, VERDICT_UNKNOWN);
		world_close(&w);
	}
}

/* A gap that is reported when it is over, while the clock was set back in it: its times are not
 * used again. */
static void a_gap_that_ends_before_it_began_ends(void **state)
{
	struct ct_event in = flow_event(CT_NEW, 1, 2), after = flow_event(CT_NEW, 2, 2);
	struct ct_event later = flow_event(CT_NEW, 3, 2);
	struct world w;

	(void)state;
	world_open(&w);
	ticks(&w, 10);
	w.now_ms -= HOUR_MS;
	audit_ct_event(w.a, &in, w.now_ms);
	audit_gap(w.a, GAP_EVIDENCE, w.now_ms + HOUR_MS - 100, w.now_ms + 100, 3, "a hole");
	ticks(&w, 4);
	audit_ct_event(w.a, &after, w.now_ms);
	ticks(&w, 4);
	w.now_ms += HOUR_MS;
	audit_ct_event(w.a, &later, w.now_ms);
	ticks(&w, 4);
	assert_int_equal(w.flow[1].verdict, VERDICT_UNKNOWN);
	assert_int_equal(w.flow[2].verdict, VERDICT_LOCAL);
	assert_int_equal(w.flow[3].verdict, VERDICT_LOCAL);
	world_close(&w);
}

/* With evidence the verdict does not depend on the times. */
static void a_flow_that_ends_before_it_began_is_ok(void **state)
{
	struct ct_event ev = flow_event(CT_NEW, 1, 2);
	struct world w;

	(void)state;
	world_open(&w);
	label(&ev, LABEL(WAN1));
	audit_ct_event(w.a, &ev, w.now_ms);
	ticks(&w, 3);
	ev.type = CT_DESTROY;
	ev.start_ns = NOON * 1000000;
	ev.stop_ns = (NOON - HOUR_MS) * 1000000;
	audit_ct_event(w.a, &ev, w.now_ms - HOUR_MS);
	assert_int_equal(w.flow[1].state, FLOW_ENDED);
	assert_int_equal(w.flow[1].started_ms, NOON);
	assert_int_equal(w.flow[1].ended_ms, NOON - HOUR_MS);
	assert_int_equal(w.flow[1].verdict, VERDICT_OK);
	world_close(&w);
}

/* The kernel's start is some milliseconds before the event. It corrects the row, but not into
 * another hour, by which shipped rows are found. */
static void a_start_keeps_its_hour(void **state)
{
	static const struct {
		int64_t read_ms, kernel_ms, started_ms;
	} starts[] = {
		{NOON, NOON - 2, NOON},
		{NOON + 10, NOON + 8, NOON + 8},
		{NOON - 1, NOON, NOON - 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct ct_event ev = flow_event(CT_NEW, 1, 2);
		struct world w;

		world_open(&w);
		label(&ev, LABEL(WAN1));
		audit_ct_event(w.a, &ev, starts[i].read_ms);
		ev.type = CT_DESTROY;
		ev.start_ns = starts[i].kernel_ms * 1000000;
		audit_ct_event(w.a, &ev, starts[i].read_ms + 100);
		assert_int_equal(w.flow[1].state, FLOW_ENDED);
		assert_int_equal(w.flow[1].started_ms, starts[i].started_ms);
		world_close(&w);
	}
}

/* A DESTROY that is read after a dump has shown the next flow with the same addresses and id,
 * which started after the clock was set back. */
static void an_end_is_not_given_to_a_successor(void **state)
{
	(void)state;
	for (size_t i = 0; i < JUMPS; i++) {
		struct ct_event next = flow_event(CT_DUMP, 1, 2),
				end = flow_event(CT_DESTROY, 1, 2);
		struct world w;

		world_open(&w);
		end.start_ns = w.now_ms * 1000000;
		next.start_ns = (w.now_ms + jumps_ms[i]) * 1000000;
		audit_dump_begin(w.a, w.now_ms + jumps_ms[i]);
		audit_ct_event(w.a, &next, w.now_ms + jumps_ms[i]);
		audit_dump_end(w.a, false, w.now_ms + jumps_ms[i]);
		audit_ct_event(w.a, &end, w.now_ms + jumps_ms[i]);
		audit_flush(w.a, w.now_ms + jumps_ms[i]);
		assert_int_equal(w.flow[1].state, FLOW_LIVE);
		assert_int_equal(w.flow[2].state, FLOW_ENDED);
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_waits_its_second_across_a_jump),
		cmocka_unit_test(an_orphan_does_not_wait_for_the_clock),
		cmocka_unit_test(an_old_flow_is_not_taken_for_a_later_one),
		cmocka_unit_test(an_ended_flow_lingers_as_long_as_ever),
		cmocka_unit_test(a_gap_holds_its_flows_across_a_jump),
		cmocka_unit_test(a_gap_of_before_a_jump_is_over),
		cmocka_unit_test(a_gap_before_a_jump_is_of_flows_that_lived_in_it),
		cmocka_unit_test(a_gap_that_ends_before_it_began_ends),
		cmocka_unit_test(a_flow_that_ends_before_it_began_is_ok),
		cmocka_unit_test(a_start_keeps_its_hour),
		cmocka_unit_test(an_end_is_not_given_to_a_successor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
