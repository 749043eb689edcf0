/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_flows.c - proves that the table finds each flow by its event and by its packets in both
 * directions, through growth, removal and equal keys, within its bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "audit/flows.h"

static struct addr address(int family, uint32_t n)
{
	struct addr a = {.family = (uint8_t)family};
	uint32_t be = htonl(n);

	if (family == AF_INET6) {
		a.bytes[0] = 0xfd;
		memcpy(a.bytes + 12, &be, 4);
	} else {
		memcpy(a.bytes, &be, 4);
	}
	return a;
}

/* Flow n of a family; nat: with source NAT. */
static struct ct_event event(int family, uint32_t n, bool nat)
{
	struct ct_event ev = {.id = n * 7 + 1, .proto = IPPROTO_UDP, .zone = (uint16_t)(n & 1)};

	ev.tuple[0] = (struct endpoints){.src = address(family, 0x0a000000 + n / 60000),
					 .dst = address(family, 0xcb007100),
					 .sport = (uint16_t)(1024 + n % 60000),
					 .dport = 53};
	ev.tuple[1] = (struct endpoints){.src = ev.tuple[0].dst,
					 .dst = ev.tuple[0].src,
					 .sport = 53,
					 .dport = ev.tuple[0].sport};
	if (nat) {
		ev.tuple[1].dst = address(family, 0xc0a8010a);
		ev.tuple[1].dport = (uint16_t)(n % 60000 + 1);
	}
	return ev;
}

static flow_ref add(struct flows *t, const struct ct_event *ev)
{
	flow_ref ref = flows_add(t, ev->proto, ev->zone, ev->tuple);

	if (ref != FLOW_REF_NONE)
		flows_get(t, ref)->ct_id = ev->id;
	return ref;
}

static bool endpoints_equal(const struct endpoints *a, const struct endpoints *b)
{
	return addr_is_equal(&a->src, &b->src) && addr_is_equal(&a->dst, &b->dst) &&
	       a->sport == b->sport && a->dport == b->dport;
}

static const struct {
	int family;
	bool nat;
} shapes[] = {{AF_INET, false}, {AF_INET, true}, {AF_INET6, false}, {AF_INET6, true}};

static void tuples_come_back_as_they_went_in(void **state)
{
	struct flows *t = flows_new(100);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct ct_event ev = event(shapes[i].family, i, shapes[i].nat);
		struct endpoints tuple[2];

		flows_tuples(t, add(t, &ev), tuple);
		assert_true(endpoints_equal(&tuple[0], &ev.tuple[0]));
		assert_true(endpoints_equal(&tuple[1], &ev.tuple[1]));
	}
	flows_free(t);
}

static void packets_of_both_directions_find_their_flow(void **state)
{
	struct flows *t = flows_new(100);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct ct_event ev = event(shapes[i].family, i, shapes[i].nat);
		flow_ref ref = add(t, &ev);
		/* At postrouting -150: the pair {original source, reply source}. */
		struct stray_packet p = {.proto = ev.proto, .direction = -1};
		enum direction d;

		p.tuple = (struct endpoints){.src = ev.tuple[0].src,
					     .sport = ev.tuple[0].sport,
					     .dst = ev.tuple[1].src,
					     .dport = ev.tuple[1].sport};
		assert_int_equal(flows_find_packet(t, &p, FLOW_REF_NONE, &d), ref);
		assert_int_equal(d, DIR_ORIGINAL);
		p.tuple = (struct endpoints){.src = ev.tuple[1].src,
					     .sport = ev.tuple[1].sport,
					     .dst = ev.tuple[0].src,
					     .dport = ev.tuple[0].sport};
		assert_int_equal(flows_find_packet(t, &p, FLOW_REF_NONE, &d), ref);
		assert_int_equal(d, DIR_REPLY);
		p.tuple.dport++;
		assert_int_equal(flows_find_packet(t, &p, FLOW_REF_NONE, &d), FLOW_REF_NONE);
	}
	flows_free(t);
}

static void icmp_flows_are_found_by_identifier(void **state)
{
	struct flows *t = flows_new(10);
	struct ct_event ev = event(AF_INET, 1, true);
	struct stray_packet p = {.proto = IPPROTO_ICMP, .direction = -1};
	enum direction d;
	flow_ref ref;

	(void)state;
	ev.proto = IPPROTO_ICMP;
	ev.tuple[0].sport = 4711;
	ev.tuple[1].sport = 815; /* source NAT changed the identifier */
	ev.tuple[0].dport = 8 << 8;
	ev.tuple[1].dport = 0;
	ref = add(t, &ev);
	assert_int_equal(flows_find(t, &ev, FLOW_REF_NONE), ref);
	p.tuple = (struct endpoints){
		.src = ev.tuple[0].src, .dst = ev.tuple[1].src, .sport = 4711, .dport = 8 << 8};
	assert_int_equal(flows_find_packet(t, &p, FLOW_REF_NONE, &d), ref);
	assert_int_equal(d, DIR_ORIGINAL);
	p.is_icmp_reply = true;
	assert_int_equal(flows_find_packet(t, &p, FLOW_REF_NONE, &d), ref);
	assert_int_equal(d, DIR_REPLY);
	flows_free(t);
}

#define MANY 300000u

static void every_flow_is_found_among_many(void **state)
{
	struct flows *t = flows_new(MANY);
	static flow_ref refs[MANY];

	(void)state;
	for (uint32_t n = 0; n < MANY; n++) {
		struct ct_event ev = event(shapes[n % 4].family, n, shapes[n % 4].nat);

		refs[n] = add(t, &ev);
		assert_int_not_equal(refs[n], FLOW_REF_NONE);
	}
	assert_int_equal(flows_count(t), MANY);
	for (uint32_t n = 0; n < MANY; n += 3)
		flows_remove(t, refs[n]);
	for (uint32_t n = 0; n < MANY; n++) {
		struct ct_event ev = event(shapes[n % 4].family, n, shapes[n % 4].nat);

		assert_int_equal(flows_find(t, &ev, FLOW_REF_NONE),
				 n % 3 ? refs[n] : FLOW_REF_NONE);
	}
	/* Freed entries are used again: no growth. */
	size_t bytes = flows_bytes(t);

	for (uint32_t n = 0; n < MANY; n += 3) {
		struct ct_event ev = event(shapes[n % 4].family, n, shapes[n % 4].nat);

		assert_int_not_equal(add(t, &ev), FLOW_REF_NONE);
	}
	assert_int_equal(flows_bytes(t), bytes);
	assert_true(bytes / MANY <= 110);
	flows_free(t);
}

static void equal_keys_are_found_newest_first_through_growth(void **state)
{
	struct flows *t = flows_new(10000);
	struct ct_event ev = event(AF_INET, 5, false);
	flow_ref old = add(t, &ev), new;

	(void)state;
	new = add(t, &ev);
	for (uint32_t n = 100; n < 5000; n++) {
		struct ct_event other = event(AF_INET, n, false);

		add(t, &other);
	}
	assert_int_equal(flows_find(t, &ev, FLOW_REF_NONE), new);
	assert_int_equal(flows_find(t, &ev, new), old);
	assert_int_equal(flows_find(t, &ev, old), FLOW_REF_NONE);
	ev.id++;
	assert_int_equal(flows_find(t, &ev, FLOW_REF_NONE), FLOW_REF_NONE);
	flows_free(t);
}

static void a_full_table_refuses(void **state)
{
	struct flows *t = flows_new(2);
	struct ct_event ev = event(AF_INET, 1, false);
	flow_ref ref = add(t, &ev);

	(void)state;
	add(t, &ev);
	assert_int_equal(add(t, &ev), FLOW_REF_NONE);
	flows_remove(t, ref);
	assert_int_not_equal(add(t, &ev), FLOW_REF_NONE);
	flows_free(t);
}

static void sets_are_interned(void **state)
{
	struct flows *t = flows_new(2);
	int number[200];

	(void)state;
	assert_int_equal(flows_set_intern(t, 0), 0);
	for (unsigned i = 0; i < 200; i++)
		number[i] = flows_set_intern(t, UINT64_C(0x100000001) * (i + 1));
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(flows_set(t, (uint16_t)number[i]),
				 UINT64_C(0x100000001) * (i + 1));
		assert_int_equal(flows_set_intern(t, UINT64_C(0x100000001) * (i + 1)), number[i]);
	}
	flows_free(t);
}

static void queues_are_first_in_first_out(void **state)
{
	struct flows *t = flows_new(100);
	struct flow_queue q;
	flow_ref refs[50];

	(void)state;
	flow_queue_init(&q);
	for (uint32_t n = 0; n < 50; n++) {
		struct ct_event ev = event(AF_INET, n, false);

		refs[n] = add(t, &ev);
		flow_queue_push(t, &q, refs[n]);
	}
	assert_int_equal(q.length, 50);
	for (uint32_t n = 0; n < 50; n++)
		assert_int_equal(flow_queue_pop(t, &q), refs[n]);
	assert_int_equal(flow_queue_pop(t, &q), FLOW_REF_NONE);
	flows_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tuples_come_back_as_they_went_in),
		cmocka_unit_test(packets_of_both_directions_find_their_flow),
		cmocka_unit_test(icmp_flows_are_found_by_identifier),
		cmocka_unit_test(every_flow_is_found_among_many),
		cmocka_unit_test(equal_keys_are_found_newest_first_through_growth),
		cmocka_unit_test(a_full_table_refuses),
		cmocka_unit_test(sets_are_interned),
		cmocka_unit_test(queues_are_first_in_first_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
