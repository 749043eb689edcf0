/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_adopt.c - proves, by a table of all kinds of flows that may exist before the steering,
 * which are adopted because their addresses name an uplink, and which are left unmarked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "waymark/plan/adopt.h"
#include "waymark/base/record.h"

enum { LAN = 1, WAN1, WAN2, TUNNEL };

#define SLOT1 2
#define SLOT2 3
#define NONE  SLOT_NONE

static const struct {
	const char *prefix;
	uint32_t ifindex;
} addresses[] = {
	{"127.0.0.1/8", 9},	     {"192.168.10.1/24", LAN},	  {"192.168.1.10/24", WAN1},
	{"192.168.2.10/24", WAN2},   {"10.0.0.1/32", WAN1},	  {"10.0.0.1/32", WAN2},
	{"fd00:10::1/64", LAN},	     {"2001:db8:1::10/64", WAN1}, {"2001:db8:2::10/64", WAN2},
	{"2001:db8:1:8::1/64", LAN},
};

/* Routes of main, one with a next hop on both uplinks, and of other tables. */
static const struct {
	const char *prefix;
	uint32_t ifindex[2];
	uint32_t table;
} routes[] = {
	{"192.168.10.0/24", {LAN}, RT_TABLE_MAIN},
	{"192.168.1.0/24", {WAN1}, RT_TABLE_MAIN},
	{"192.168.2.0/24", {WAN2}, RT_TABLE_MAIN},
	{"10.9.0.0/16", {TUNNEL}, RT_TABLE_MAIN},
	{"10.9.1.0/24", {WAN2}, RT_TABLE_MAIN},
	{"203.0.113.0/24", {LAN}, 100},
	{"100.64.0.0/10", {TUNNEL}, 52}, /* a rule of another program looks it up */
	{"100.96.0.0/16", {TUNNEL}, 53},
	{"203.0.113.0/24", {TUNNEL}, 52},
	{"198.51.100.0/24", {WAN1, WAN2}, RT_TABLE_MAIN},
	{"fd00:10::/64", {LAN}, RT_TABLE_MAIN},
	{"2001:db8:1::/64", {WAN1}, RT_TABLE_MAIN},
	{"2001:db8:2::/64", {WAN2}, RT_TABLE_MAIN},
	{"2001:db8:1:8::/64", {LAN}, RT_TABLE_MAIN},
};

static const struct {
	int line;
	const char *src, *dst;		   /* original */
	const char *reply_src, *reply_dst; /* NULL: not translated */
	uint32_t mark;
	uint8_t slot;
} flows[] = {
#define FLOW __LINE__
	/* from the LAN, translated to an uplink's address */
	{FLOW, "192.168.10.2", "203.0.113.10", NULL, "192.168.1.10", 0, SLOT1},
	{FLOW, "192.168.10.2", "203.0.113.10", NULL, "192.168.2.10", 0, SLOT2},
	{FLOW, "fd00:10::2", "2001:db8:113::1", NULL, "2001:db8:2::10", 0, SLOT2},
	{FLOW, "10.9.0.7", "203.0.113.10", NULL, "192.168.2.10", 0, SLOT2},
	/* ... by a proxy in between: another server answers */
	{FLOW, "192.168.10.2", "8.8.8.8", "203.0.113.10", "192.168.2.10", 0, SLOT2},
	/* ... to the uplink's own network, but not to another uplink's */
	{FLOW, "192.168.10.2", "192.168.1.1", NULL, "192.168.1.10", 0, SLOT1},
	{FLOW, "192.168.10.2", "192.168.2.1", NULL, "192.168.1.10", 0, NONE},
	{FLOW, "192.168.10.2", "10.9.1.1", NULL, "192.168.2.10", 0, SLOT2},
	{FLOW, "192.168.10.2", "10.9.1.1", NULL, "192.168.1.10", 0, NONE},
	/* ... to a destination that both uplinks or a tunnel reach */
	{FLOW, "192.168.10.2", "198.51.100.1", NULL, "192.168.1.10", 0, NONE},
	{FLOW, "192.168.10.2", "10.9.0.7", NULL, "192.168.1.10", 0, NONE},
	/* ... to an address of both uplinks, or of none */
	{FLOW, "192.168.10.2", "203.0.113.10", NULL, "10.0.0.1", 0, NONE},
	{FLOW, "192.168.10.2", "203.0.113.10", NULL, "192.168.1.77", 0, NONE},
	/* ... without NAT */
	{FLOW, "192.168.10.2", "203.0.113.10", NULL, NULL, 0, NONE},
	{FLOW, "2001:db8:1:8::2", "2001:db8:113::1", NULL, NULL, 0, NONE},
	/* the router's own */
	{FLOW, "192.168.1.10", "203.0.113.10", NULL, NULL, 0, SLOT1},
	{FLOW, "2001:db8:2::10", "2001:db8:113::1", NULL, NULL, 0, SLOT2},
	{FLOW, "192.168.10.1", "203.0.113.10", NULL, "192.168.2.10", 0, SLOT2},
	{FLOW, "192.168.10.1", "203.0.113.10", NULL, NULL, 0, NONE},
	{FLOW, "192.168.1.10", "192.168.10.2", NULL, NULL, 0, NONE},
	{FLOW, "192.168.1.10", "192.168.2.10", NULL, NULL, 0, NONE},
	{FLOW, "192.168.1.10", "192.168.1.10", NULL, NULL, 0, NONE},
	{FLOW, "10.0.0.1", "203.0.113.10", NULL, NULL, 0, NONE},
	/* from outside, to the router and, translated, to the LAN */
	{FLOW, "203.0.113.10", "192.168.1.10", NULL, NULL, 0, SLOT1},
	{FLOW, "203.0.113.10", "192.168.2.10", "192.168.10.2", NULL, 0, SLOT2},
	{FLOW, "2001:db8:113::1", "2001:db8:2::10", "fd00:10::2", NULL, 0, SLOT2},
	{FLOW, "203.0.113.10", "192.168.2.10", "192.168.10.2", "192.168.10.1", 0, SLOT2},
	/* ... from the other uplink's network; to an address of both; without NAT */
	{FLOW, "192.168.1.1", "192.168.2.10", "192.168.10.2", NULL, 0, NONE},
	{FLOW, "203.0.113.10", "10.0.0.1", "192.168.10.2", NULL, 0, NONE},
	{FLOW, "203.0.113.10", "192.168.10.2", NULL, NULL, 0, NONE},
	/* transit between uplinks: where it entered is unknown */
	{FLOW, "203.0.113.10", "192.168.2.10", "203.0.113.77", "192.168.1.10", 0, NONE},
	{FLOW, "203.0.113.10", "203.0.113.77", NULL, "192.168.1.10", 0, NONE},
	/* inside: to the router's addresses, and through one of them to another LAN host */
	{FLOW, "192.168.10.2", "192.168.1.10", NULL, NULL, 0, NONE},
	{FLOW, "192.168.10.2", "192.168.1.10", "192.168.10.3", "192.168.10.1", 0, NONE},
	{FLOW, "192.168.10.2", "10.9.0.7", NULL, NULL, 0, NONE},
	/* ... to and from a host of a mesh VPN, whose network is in another program's table */
	{FLOW, "192.168.1.10", "100.64.0.9", NULL, NULL, 0, NONE},
	{FLOW, "100.64.0.9", "192.168.1.10", NULL, NULL, 0, NONE},
	{FLOW, "100.64.0.9", "192.168.1.10", "192.168.10.2", NULL, 0, NONE},
	{FLOW, "100.64.0.9", "203.0.113.10", NULL, "192.168.1.10", 0, SLOT1},
	/* marked already; bits outside the mask do not count */
	{FLOW, "192.168.10.2", "203.0.113.10", NULL, "192.168.1.10", 0x3, NONE},
	{FLOW, "192.168.10.2", "203.0.113.10", NULL, "192.168.1.10", 0x3ff00, SLOT1},
};

static struct adopt *adopt_made(void)
{
	struct uplink_config uplinks[] = {
		{.name = "one", .ifname = "wan1", .mark = 2, .slot = SLOT1},
		{.name = "two", .ifname = "wan2", .mark = 3, .slot = SLOT2},
	};
	struct config c = {.mark_mask = 0xff, .uplinks = uplinks, .n_uplinks = 2};
	struct netstate *s = netstate_new();
	struct adopt *a;
	size_t i;

	netstate_add_link(s, &(struct link_state){.index = LAN, .name = "lan"});
	netstate_add_link(s, &(struct link_state){.index = WAN1, .name = "wan1"});
	netstate_add_link(s, &(struct link_state){.index = WAN2, .name = "wan2"});
	netstate_add_link(s, &(struct link_state){.index = TUNNEL, .name = "tun0"});
	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct addr_state one = {.ifindex = addresses[i].ifindex};

		assert_int_equal(prefix_parse(&one.prefix, addresses[i].prefix), 0);
		netstate_add_addr(s, &one);
	}
	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct nexthop hops[2] = {{.ifindex = routes[i].ifindex[0]},
					  {.ifindex = routes[i].ifindex[1]}};
		struct route_state one = {
			.table = routes[i].table, .type = RTN_UNICAST, .nexthops = hops};

		one.n_nexthops = hops[1].ifindex ? 2 : 1;
		assert_int_equal(prefix_parse(&one.dst, routes[i].prefix), 0);
		netstate_add_route(s, &one);
	}
	netstate_add_rule(
		s, &(struct rule_state){.priority = 5270, .action = FR_ACT_TO_TBL, .table = 52});
	a = adopt_new(&c, s);
	netstate_free(s);
	assert_non_null(a);
	return a;
}

static struct ct_event event_of(size_t i)
{
	struct ct_event ev = {.type = CT_DUMP, .proto = 6, .mark = flows[i].mark};

	assert_int_equal(addr_parse(&ev.tuple[0].src, flows[i].src), 0);
	assert_int_equal(addr_parse(&ev.tuple[0].dst, flows[i].dst), 0);
	ev.tuple[1].src = ev.tuple[0].dst;
	ev.tuple[1].dst = ev.tuple[0].src;
	if (flows[i].reply_src)
		assert_int_equal(addr_parse(&ev.tuple[1].src, flows[i].reply_src), 0);
	if (flows[i].reply_dst)
		assert_int_equal(addr_parse(&ev.tuple[1].dst, flows[i].reply_dst), 0);
	return ev;
}

static void test_flows(void **state)
{
	struct adopt *a = adopt_made();

	(void)state;
	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
		struct ct_event ev = event_of(i);
		uint8_t got = adopt_decide(a, &ev);

		if (got != flows[i].slot)
			fail_msg("line %d: slot %u, wanted %u", flows[i].line, got, flows[i].slot);
	}
	adopt_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows),
	};

	return cmocka_run_group_tests_name("adopt", tests, NULL, NULL);
}
