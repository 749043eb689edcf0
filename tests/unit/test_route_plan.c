/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_route_plan.c - proves the plan of routes and rules from made-up snapshots: each fault of an
 * uplink, each method for local destinations, balancing, learnt gateways, and the difference to the
 * kernel's state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "waymark/plan/route_plan.h"
#include "waymark/plan/sysctl_plan.h"
#include "waymark/plan/uplink_state.h"

static struct uplink_config uplinks[UPLINKS_MAX];
static struct config config;
static struct netstate *net;
static struct learnt_gateways learnt;
static struct uplink_decisions decisions;
static struct route_plan *plan;
static struct route_diff *diff;

static struct addr address(const char *text)
{
	struct addr a = {0};

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static struct prefix network(const char *text)
{
	struct prefix p = {{0}, 0};

	assert_int_equal(prefix_parse(&p, text), 0);
	return p;
}

static struct link_state *add_link(uint32_t index, const char *name)
{
	struct link_state l = {.index = index, .is_up = true, .has_carrier = true};

	snprintf(l.name, sizeof(l.name), "%s", name);
	return netstate_add_link(net, &l);
}

static struct addr_state *add_addr(uint32_t ifindex, const char *prefix)
{
	struct addr_state a = {.ifindex = ifindex, .prefix = network(prefix)};

	a.is_link_local = gateway_is_link_local(&a.prefix.addr);
	return netstate_add_addr(net, &a);
}

/* One nexthop; gateway NULL: on link. */
static struct route_state *add_route(uint32_t table, const char *dst, const char *gateway,
				     uint32_t ifindex, uint8_t protocol, uint32_t metric)
{
	struct nexthop n = {.ifindex = ifindex, .weight = 1};
	struct route_state r = {.table = table,
				.type = RTN_UNICAST,
				.protocol = protocol,
				.metric = metric,
				.dst = network(dst),
				.n_nexthops = 1,
				.nexthops = &n};

	if (gateway)
		n.gateway = address(gateway);
	r.family = r.dst.addr.family;
	if (r.family == AF_INET && !gateway)
		r.scope = RT_SCOPE_LINK;
	return netstate_add_route(net, &r);
}

static int lab_start(void **state)
{
	(void)state;
	memset(uplinks, 0, sizeof(uplinks));
	uplinks[0] = (struct uplink_config){
		.name = "one",
		.ifname = "wan1",
		.mark = 2,
		.table = 251,
		.weight = 1,
		.slot = 5,
		.gateway = {GATEWAY_ADDR, address("192.168.1.1")},
		.gateway6 = {GATEWAY_ADDR, address("fe80::1")},
	};
	uplinks[1] = (struct uplink_config){
		.name = "two",
		.ifname = "wan2",
		.mark = 3,
		.table = 250,
		.weight = 2,
		.slot = 9,
		.gateway = {GATEWAY_ADDR, address("192.168.2.1")},
		.gateway6 = {GATEWAY_ADDR, address("2001:db8:2::1")},
	};
	config = (struct config){.mark_mask = 0xff,
				 .rule_priority = 1000,
				 .balance = BALANCE_MAIN,
				 .balance_table = 252,
				 .sysctl = true,
				 .uplinks = uplinks,
				 .n_uplinks = 2};
	memset(&learnt, 0, sizeof(learnt));
	memset(&decisions, 0, sizeof(decisions));
	net = netstate_new();
	add_link(1, "lo");
	net->links[0].is_loopback = true;
	add_link(2, "wan1");
	add_link(3, "wan2");
	add_link(4, "lan");
	add_addr(2, "192.168.1.10/24");
	add_addr(3, "192.168.2.10/24");
	add_addr(4, "192.168.10.1/24");
	add_addr(2, "2001:db8:1::10/64");
	add_addr(2, "fe80::10/64");
	add_addr(3, "2001:db8:2::10/64");
	add_route(RT_TABLE_MAIN, "192.168.1.0/24", NULL, 2, RTPROT_KERNEL, 0);
	add_route(RT_TABLE_MAIN, "192.168.2.0/24", NULL, 3, RTPROT_KERNEL, 0);
	add_route(RT_TABLE_MAIN, "192.168.10.0/24", NULL, 4, RTPROT_KERNEL, 0);
	add_route(RT_TABLE_MAIN, "2001:db8:1::/64", NULL, 2, RTPROT_KERNEL, 256);
	add_route(RT_TABLE_MAIN, "2001:db8:2::/64", NULL, 3, RTPROT_KERNEL, 256);
	add_route(RT_TABLE_MAIN, "fe80::/64", NULL, 4, RTPROT_KERNEL, 256);
	return 0;
}

static int lab_stop(void **state)
{
	(void)state;
	route_diff_free(diff);
	route_plan_free(plan);
	netstate_free(net);
	diff = NULL;
	plan = NULL;
	return 0;
}

static void make_plan(void)
{
	route_diff_free(diff);
	route_plan_free(plan);
	plan = route_plan_new(&config, net, &learnt, &decisions);
	assert_non_null(plan);
	diff = route_diff_new(plan, net);
	assert_non_null(diff);
}

/* Return the plan as text, one command per line. */
static const char *plan_text(void)
{
	static char text[65536];
	size_t used = 0;

	for (size_t i = 0; i < plan->wanted->n_rules; i++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s ",
					 plan->wanted->rules[i].family == AF_INET6 ? "-6" : "-4");
		used += (size_t)rule_format(text + used, sizeof(text) - used,
					    &plan->wanted->rules[i]);
		text[used++] = '\n';
	}
	for (size_t i = 0; i < plan->wanted->n_routes; i++) {
		used += (size_t)route_format(text + used, sizeof(text) - used,
					     &plan->wanted->routes[i], plan->wanted);
		text[used++] = '\n';
	}
	text[used] = '\0';
	return text;
}

static void assert_has(const char *line)
{
	const char *text = plan_text(), *at = strstr(text, line);

	if (!at || (at != text && at[-1] != '\n') || at[strlen(line)] != '\n')
		fail_msg("no line '%s' in\n%s", line, text);
}

static void assert_has_not(const char *part)
{
	if (strstr(plan_text(), part))
		fail_msg("'%s' in\n%s", part, plan_text());
}

/* Change the snapshot to the state after the plan was installed. */
static void install(void)
{
	for (size_t i = 0; i < plan->wanted->n_routes; i++)
		netstate_add_route(net, &plan->wanted->routes[i]);
	for (size_t i = 0; i < plan->wanted->n_rules; i++)
		netstate_add_rule(net, &plan->wanted->rules[i]);
}

/* --- tests --------------------------------------------------------------------------- */

static void plans_two_uplinks(void **state)
{
	(void)state;
	config.balance = BALANCE_TABLE;
	make_plan();
	assert_string_equal(
		plan_text(),
		"-4 priority 1000 fwmark 0x0/0xff goto 1004 protocol 87\n"
		"-4 priority 1001 lookup main suppress_prefixlength 1 suppress_ifgroup 87 protocol "
		"87\n"
		"-4 priority 1002 fwmark 0x2/0xff lookup 251 protocol 87\n"
		"-4 priority 1003 fwmark 0x3/0xff lookup 250 protocol 87\n"
		"-4 priority 1004 not iif lo goto 1008 protocol 87\n"
		"-4 priority 1005 from 192.168.1.10/32 lookup main suppress_prefixlength 1 "
		"suppress_ifgroup 87 protocol 87\n"
		"-4 priority 1006 from 192.168.1.10/32 lookup 251 protocol 87\n"
		"-4 priority 1007 from 192.168.1.10/32 unreachable protocol 87\n"
		"-4 priority 1006 oif wan1 lookup 251 protocol 87\n"
		"-4 priority 1005 from 192.168.2.10/32 lookup main suppress_prefixlength 1 "
		"suppress_ifgroup 87 protocol 87\n"
		"-4 priority 1006 from 192.168.2.10/32 lookup 250 protocol 87\n"
		"-4 priority 1007 from 192.168.2.10/32 unreachable protocol 87\n"
		"-4 priority 1006 oif wan2 lookup 250 protocol 87\n"
		"-4 priority 1008 nop protocol 87\n"
		"-4 priority 32765 lookup main suppress_prefixlength 0 protocol 87\n"
		"-4 priority 32765 lookup 252 protocol 87\n"
		"-6 priority 1000 fwmark 0x0/0xff goto 1004 protocol 87\n"
		"-6 priority 1001 lookup main suppress_prefixlength 4 suppress_ifgroup 87 protocol "
		"87\n"
		"-6 priority 1002 fwmark 0x2/0xff lookup 251 protocol 87\n"
		"-6 priority 1003 fwmark 0x3/0xff lookup 250 protocol 87\n"
		"-6 priority 1004 not iif lo goto 1008 protocol 87\n"
		"-6 priority 1005 from 2001:db8:1::10/128 lookup main suppress_prefixlength 4 "
		"suppress_ifgroup 87 protocol 87\n"
		"-6 priority 1006 from 2001:db8:1::10/128 lookup 251 protocol 87\n"
		"-6 priority 1007 from 2001:db8:1::10/128 unreachable protocol 87\n"
		"-6 priority 1006 oif wan1 lookup 251 protocol 87\n"
		"-6 priority 1005 from 2001:db8:2::10/128 lookup main suppress_prefixlength 4 "
		"suppress_ifgroup 87 protocol 87\n"
		"-6 priority 1006 from 2001:db8:2::10/128 lookup 250 protocol 87\n"
		"-6 priority 1007 from 2001:db8:2::10/128 unreachable protocol 87\n"
		"-6 priority 1006 oif wan2 lookup 250 protocol 87\n"
		"-6 priority 1008 nop protocol 87\n"
		"-6 priority 32765 lookup main suppress_prefixlength 0 protocol 87\n"
		"-6 priority 32765 lookup 252 protocol 87\n"
		"192.168.2.0/24 dev wan2 table 250 proto 87 scope link src 192.168.2.10\n"
		"2001:db8:2::/64 dev wan2 table 250 proto 87 metric 1024\n"
		"192.168.1.0/24 dev wan1 table 251 proto 87 scope link src 192.168.1.10\n"
		"2001:db8:1::/64 dev wan1 table 251 proto 87 metric 1024\n"
		"fe80::/64 dev wan1 table 251 proto 87 metric 1024\n"
		"unreachable default table 250 proto 87 metric 4294967295\n"
		"unreachable default dev lo table 250 proto 87 metric 4294967295\n"
		"unreachable default table 251 proto 87 metric 4294967295\n"
		"unreachable default dev lo table 251 proto 87 metric 4294967295\n"
		"default via 192.168.2.1 dev wan2 table 250 proto 87 src 192.168.2.10\n"
		"default via 2001:db8:2::1 dev wan2 table 250 proto 87 metric 1024\n"
		"default via 192.168.1.1 dev wan1 table 251 proto 87 src 192.168.1.10\n"
		"default via fe80::1 dev wan1 table 251 proto 87 metric 1024\n"
		"default via 192.168.1.1 dev wan1 table 252 proto 87 metric 4294967235\n"
		"default via 192.168.2.1 dev wan2 table 252 proto 87 metric 4294967236\n"
		"default table 252 proto 87 nexthop via 192.168.1.1 dev wan1 weight 1"
		" nexthop via 192.168.2.1 dev wan2 weight 2\n"
		"default table 252 proto 87 metric 1024 nexthop via fe80::1 dev wan1 weight 1"
		" nexthop via 2001:db8:2::1 dev wan2 weight 2\n");
	assert_int_equal(plan->n_uplinks, 2);
	assert_int_equal(plan->uplinks[1].slot, 9);
	assert_int_equal(plan->uplinks[1].ifindex, 3);
	assert_true(addr_is_equal(&plan->uplinks[1].gateway[0], &uplinks[1].gateway.addr));
}

static void plans_nothing_in_audit_mode(void **state)
{
	(void)state;
	config.mode = MODE_AUDIT;
	make_plan();
	assert_int_equal(plan->wanted->n_routes + plan->wanted->n_rules, 0);
	assert_int_equal(plan->uplinks[0].trouble[0], UPLINK_FINE);
}

/* Each fault of an uplink removes its routes, never a rule. */
static void assert_trouble(enum uplink_trouble trouble)
{
	make_plan();
	assert_int_equal(plan->uplinks[0].trouble[0], trouble);
	if (trouble != UPLINK_NO_GATEWAY)
		assert_has_not("table 251 proto 87 scope link");
	assert_has_not("default via 192.168.1.1");
	assert_has("-4 priority 1002 fwmark 0x2/0xff lookup 251 protocol 87");
	assert_has("default via 192.168.2.1 dev wan2 table main proto 87");
	assert_true(addr_is_none(&plan->uplinks[0].gateway[0]));
}

static void names_each_fault(void **state)
{
	struct link_state *wan1 = &net->links[1];
	struct addr_state *own = &net->addrs[0];

	(void)state;
	strcpy(wan1->name, "gone");
	assert_trouble(UPLINK_NO_LINK);
	assert_int_equal(plan->uplinks[0].ifindex, 0);
	strcpy(wan1->name, "wan1");
	wan1->is_up = false;
	assert_trouble(UPLINK_LINK_DOWN);
	wan1->is_up = true;
	wan1->has_carrier = false;
	assert_trouble(UPLINK_LINK_DOWN);
	wan1->has_carrier = true;
	own->ifindex = 4;
	assert_trouble(UPLINK_NO_ADDRESS);
	own->ifindex = 2;
	uplinks[0].gateway.kind = GATEWAY_LEARN;
	assert_trouble(UPLINK_NO_GATEWAY);
	for (int t = UPLINK_FINE; t <= UPLINK_NO_GATEWAY; t++)
		assert_string_not_equal(uplink_trouble_text((enum uplink_trouble)t), "?");
}

static void obeys_decisions(void **state)
{
	(void)state;
	decisions.by_slot[uplinks[0].slot] = DECISION_DRAIN;
	make_plan();
	assert_has("-4 priority 1002 fwmark 0x2/0xff lookup 251 protocol 87");
	assert_has("default via 192.168.1.1 dev wan1 table 251 proto 87 src 192.168.1.10");
	assert_has("default via 192.168.2.1 dev wan2 table main proto 87");
	assert_string_equal(uplink_state(&uplinks[0], plan, net), "drain");
	decisions.by_slot[uplinks[0].slot] = DECISION_DOWN;
	make_plan();
	assert_has_not("fwmark 0x2/0xff lookup 251");
	assert_has("default via 192.168.1.1 dev wan1 table 251 proto 87 src 192.168.1.10");
	assert_has("default via 192.168.2.1 dev wan2 table main proto 87");
	assert_string_equal(uplink_state(&uplinks[0], plan, net), "down");
	decisions.by_slot[uplinks[0].slot] = DECISION_UP;
	make_plan();
	assert_has("-4 priority 1002 fwmark 0x2/0xff lookup 251 protocol 87");
	assert_string_equal(uplink_state(&uplinks[0], plan, net), "up");
}

static void gives_no_share_to_weight_0(void **state)
{
	(void)state;
	uplinks[0].weight = 0;
	make_plan();
	assert_has("default via 192.168.1.1 dev wan1 table 251 proto 87 src 192.168.1.10");
	assert_has("default via 192.168.2.1 dev wan2 table main proto 87");
}

/* An uplink with IPv6 addresses only on the LAN is up. */
static void is_up_without_an_address_of_its_own(void **state)
{
	(void)state;
	net->addrs[0].ifindex = net->addrs[3].ifindex = 4;
	make_plan();
	assert_has("default via fe80::1 dev wan1 table 251 proto 87 metric 1024");
	assert_string_equal(uplink_state(&uplinks[0], plan, net), "up");
	net->addrs[4].ifindex = 4;
	make_plan();
	assert_string_equal(uplink_state(&uplinks[0], plan, net), "no-address");
}

static void needs_a_gateway_for_a_link_local_uplink(void **state)
{
	(void)state;
	net->addrs[3].ifindex = 4; /* wan1's global address */
	make_plan();
	assert_int_equal(plan->uplinks[0].trouble[1], UPLINK_FINE);
	assert_has("default via fe80::1 dev wan1 table 251 proto 87 metric 1024");
	uplinks[0].gateway6.kind = GATEWAY_LEARN;
	make_plan();
	assert_int_equal(plan->uplinks[0].trouble[1], UPLINK_NO_ADDRESS);
}

/* The remaining route is unreachable, so that no flow of an uplink that is down strays. */
static void plans_refusals_alone_without_uplinks(void **state)
{
	(void)state;
	net->links[1].is_up = net->links[2].is_up = false;
	make_plan();
	assert_int_equal(plan->wanted->n_routes, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(plan->wanted->routes[i].type, RTN_UNREACHABLE);
	assert_has("unreachable default table 251 proto 87 metric 4294967295");
	assert_has("unreachable default dev lo table 250 proto 87 metric 4294967295");
	assert_has("-4 priority 1002 fwmark 0x2/0xff lookup 251 protocol 87");
	assert_has("-6 priority 1006 oif wan2 lookup 250 protocol 87");
}

static void plans_no_refusal_in_a_family_without_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < net->n_addrs; i++)
		if (net->addrs[i].prefix.addr.family == AF_INET6)
			net->addrs[i] = net->addrs[0];
	make_plan();
	assert_has_not("unreachable default dev lo");
	assert_has("unreachable default table 250 proto 87 metric 4294967295");
}

static void plans_no_spare_for_one_uplink(void **state)
{
	(void)state;
	net->links[1].is_up = false;
	make_plan();
	assert_has("default via 192.168.2.1 dev wan2 table main proto 87");
	assert_has_not("table main proto 87 metric 42949672");
}

static void balances_only_when_configured(void **state)
{
	(void)state;
	config.balance = BALANCE_OFF;
	make_plan();
	assert_has_not("table main");
	assert_has("default via 192.168.1.1 dev wan1 table 251 proto 87 src 192.168.1.10");
}

static void takes_gateways_elsewhere_onlink(void **state)
{
	(void)state;
	uplinks[0].gateway.addr = address("10.9.9.9");
	uplinks[1].gateway6.addr = address("2001:db8:ff::1");
	make_plan();
	assert_has("default via 10.9.9.9 dev wan1 table 251 proto 87 src 192.168.1.10 onlink");
	assert_has("default via 2001:db8:ff::1 dev wan2 table 250 proto 87 metric 1024 onlink");
	assert_has("default table main proto 87 nexthop via 10.9.9.9 dev wan1 weight 1 onlink"
		   " nexthop via 192.168.2.1 dev wan2 weight 2");
}

static void accepts_uplinks_with_one_far_end(void **state)
{
	struct addr_state *own = &net->addrs[0];

	(void)state;
	net->links[1].is_pointopoint = true;
	own->prefix = network("10.0.0.1/32");
	own->peer = address("10.0.0.2");
	uplinks[0].gateway.kind = uplinks[0].gateway6.kind = GATEWAY_LEARN;
	make_plan();
	assert_has("10.0.0.2 dev wan1 table 251 proto 87 scope link src 10.0.0.1");
	assert_has("default dev wan1 table 251 proto 87 scope link src 10.0.0.1");
	assert_has("default dev wan1 table 251 proto 87 metric 1024");
	assert_has("default table main proto 87 nexthop dev wan1 weight 1"
		   " nexthop via 192.168.2.1 dev wan2 weight 2");
	/* In IPv6 each nexthop needs a gateway. */
	assert_has("default table main proto 87 metric 1 nexthop via fe80::1 dev wan1 weight 1"
		   " nexthop via 2001:db8:2::1 dev wan2 weight 2");
	net->links[1].is_pointopoint = false;
	uplinks[0].gateway.kind = uplinks[0].gateway6.kind = GATEWAY_NONE;
	make_plan();
	assert_has("default via 2001:db8:2::1 dev wan2 table main proto 87 metric 1");
	net->links[2].is_up = false;
	make_plan();
	assert_has("default dev wan1 table main proto 87 metric 1");
	assert_has("default dev wan1 table main proto 87 scope link");
}

static void chooses_a_source_near_the_gateway(void **state)
{
	(void)state;
	net->addrs[0].prefix = network("172.16.0.1/24");
	add_addr(2, "192.168.1.20/24");
	add_addr(2, "192.168.1.21/24");
	make_plan();
	assert_has("default via 192.168.1.1 dev wan1 table 251 proto 87 src 192.168.1.20");
	uplinks[0].gateway.addr = address("10.9.9.9");
	net->addrs[0].is_deprecated = true;
	make_plan();
	assert_has("default via 10.9.9.9 dev wan1 table 251 proto 87 src 192.168.1.20 onlink");
	assert_has("192.168.1.0/24 dev wan1 table 251 proto 87 scope link src 192.168.1.20");
	assert_has("172.16.0.0/24 dev wan1 table 251 proto 87 scope link src 172.16.0.1");
}

static void add_local_routes(void)
{
	struct route_state *r;

	add_route(RT_TABLE_MAIN, "10.5.0.0/16", "192.168.10.2", 4, RTPROT_STATIC, 20);
	add_route(RT_TABLE_MAIN, "10.6.0.0/16", "192.168.2.7", 3, RTPROT_STATIC, 0);
	add_route(RT_TABLE_MAIN, "10.7.0.0/16", "192.168.1.7", 2, RTPROT_STATIC, 0);
	add_route(RT_TABLE_MAIN, "0.0.0.0/0", "192.168.10.9", 4, RTPROT_STATIC, 50);
	add_route(RT_TABLE_MAIN, "10.8.0.0/16", "192.168.10.2", 4, ROUTE_PROTOCOL_WAYMARK, 0);
	add_route(77, "10.9.0.0/16", "192.168.10.2", 4, RTPROT_STATIC, 0);
	r = add_route(RT_TABLE_MAIN, "10.66.0.0/16", NULL, 0, RTPROT_STATIC, 0);
	r->type = RTN_BLACKHOLE;
	r->scope = RT_SCOPE_UNIVERSE;
	r->n_nexthops = 0;
	add_route(RT_TABLE_MAIN, "2001:db8:10::/64", NULL, 4, RTPROT_KERNEL, 256);
}

/* One rule looks up main, and skips half-default routes and uplinks' routes. */
static void looks_up_main_for_local_routes(void **state)
{
	(void)state;
	make_plan();
	assert_int_equal(plan->link_group, LINK_GROUP_WAYMARK);
	assert_has("-4 priority 1001 lookup main suppress_prefixlength 1 suppress_ifgroup 87"
		   " protocol 87");
	/* A group that exactly the uplinks have works as well. */
	net->links[1].group = net->links[2].group = 10;
	make_plan();
	assert_has("-6 priority 1001 lookup main suppress_prefixlength 4 suppress_ifgroup 10"
		   " protocol 87");
	assert_int_equal(plan->link_group, 10);
	/* When the LAN is in the group, or the groups differ, a table of copies is used. */
	net->links[3].group = 10;
	make_plan();
	assert_int_equal(plan->link_group, 0);
	assert_has("-4 priority 1001 lookup 1252 protocol 87");
	assert_has("192.168.10.0/24 dev lan table 1252 proto 87 scope link");
	net->links[3].group = 0;
	net->links[2].group = 11;
	make_plan();
	assert_has("-4 priority 1001 lookup 1252 protocol 87");
}

static void copies_local_routes(void **state)
{
	(void)state;
	add_local_routes();
	config.local_routes = LOCAL_COPY;
	make_plan();
	assert_has_not("suppress");
	assert_has("-4 priority 1001 lookup 1252 protocol 87");
	assert_has("-4 priority 1005 from 192.168.1.10/32 lookup 1252 protocol 87");
	assert_has("192.168.10.0/24 dev lan table 1252 proto 87 scope link");
	assert_has("10.5.0.0/16 via 192.168.10.2 dev lan table 1252 proto 87 metric 20");
	assert_has("2001:db8:10::/64 dev lan table 1252 proto 87 metric 256");
	assert_has("blackhole 10.66.0.0/16 table 1252 proto 87");
	assert_has_not("via 192.168.10.9");
	assert_has_not("10.8.0.0");
	assert_has_not("10.9.0.0");
	assert_has_not("fe80::/64 dev lan");
	assert_has_not("dev wan1 table 1252");
	assert_has_not("0.0.0.0/1");
	/* Main's routes by an uplink are in that uplink's table, with each method. */
	assert_has("10.7.0.0/16 via 192.168.1.7 dev wan1 table 251 proto 87");
	assert_has("10.6.0.0/16 via 192.168.2.7 dev wan2 table 250 proto 87");
	assert_has_not("metric 256 src"); /* one route per network, the plan's own */
	assert_has_not("2001:db8:1::/64 dev wan1 table 251 proto 87 metric 256");
	/* "ip route append": only the first of two routes in one place can be copied. */
	add_route(RT_TABLE_MAIN, "10.55.0.0/16", "192.168.10.2", 4, RTPROT_STATIC, 20);
	add_route(RT_TABLE_MAIN, "10.55.0.0/16", "192.168.10.3", 4, RTPROT_STATIC, 20);
	make_plan();
	assert_has("10.55.0.0/16 via 192.168.10.2 dev lan table 1252 proto 87 metric 20");
	assert_has_not("10.55.0.0/16 via 192.168.10.3");
}

static void excludes_local_routes(void **state)
{
	char dst[32];

	(void)state;
	add_local_routes();
	config.local_routes = LOCAL_EXCLUDE;
	make_plan();
	assert_has("-4 priority 1001 to 192.168.10.0/24 goto 1008 protocol 87");
	assert_has("-4 priority 1005 to 10.5.0.0/16 goto 1008 protocol 87");
	assert_has("-4 priority 1001 to 10.66.0.0/16 goto 1008 protocol 87");
	assert_has("-6 priority 1001 to 2001:db8:10::/64 goto 1008 protocol 87");
	assert_has("-4 priority 1003 fwmark 0x3/0xff lookup 250 protocol 87");
	assert_has_not("suppress");
	assert_has_not("to 192.168.1.0/24");
	assert_has_not("to 10.6.0.0/16");
	assert_has_not("to 10.8.0.0/16");
	assert_has_not("to fe80::");
	assert_has_not("table 251 proto 87 metric 20");
	/* The same destination twice in main is one rule. */
	add_route(RT_TABLE_MAIN, "10.5.0.0/16", "192.168.10.3", 4, RTPROT_STATIC, 30);
	install();
	make_plan();
	assert_int_equal(diff->add->n_rules + diff->remove->n_rules, 0);
	/* A long list does not become rules, because each packet would pass them. */
	for (int i = 0; i < 65; i++) {
		snprintf(dst, sizeof(dst), "10.200.%d.0/24", i);
		add_route(RT_TABLE_MAIN, dst, "192.168.10.2", 4, RTPROT_STATIC, 0);
	}
	make_plan();
	assert_has_not("to 10.200.1.0/24");
	assert_has("10.200.64.0/24 via 192.168.10.2 dev lan table 1252 proto 87");
}

static struct rule_state *add_rule(uint32_t priority, uint32_t table)
{
	struct rule_state r = {
		.family = AF_INET,
		.priority = priority,
		.action = FR_ACT_TO_TBL,
		.table = table,
		.suppress_prefixlength = -1,
	};

	return netstate_add_rule(net, &r);
}

/* A mesh VPN's table: its hosts are answered from an uplink's address, too. */
static void looks_up_other_programs_tables_for_bound_traffic(void **state)
{
	static const char of_wan1[] = "-4 priority 1005 from 192.168.1.10/32 lookup 52"
				      " suppress_prefixlength 1 protocol 87";
	static const char of_wan2[] = "-4 priority 1005 from 192.168.2.10/32 lookup 52"
				      " suppress_prefixlength 1 protocol 87";
	struct rule_state *rule = add_rule(5270, 52);
	struct route_state *route;

	(void)state;
	make_plan();
	assert_has_not("lookup 52");
	route = add_route(52, "100.64.0.0/10", NULL, 4, RTPROT_BOOT, 0);
	add_route(52, "0.0.0.0/0", NULL, 4, RTPROT_BOOT, 0);
	make_plan();
	assert_has(of_wan1);
	assert_has(of_wan2);
	assert_has_not("-6 priority 1005 from 2001:db8:1::10/128 lookup 52");
	/* Rules that cannot match, or not for this source; and one before ours. */
	strcpy(rule->oifname, "lan");
	make_plan();
	assert_has_not("lookup 52");
	rule->oifname[0] = '\0';
	rule->src = network("192.168.2.0/24");
	make_plan();
	assert_has_not(of_wan1);
	assert_has(of_wan2);
	rule->src.len = 0;
	rule->priority = 900;
	make_plan();
	assert_has_not("lookup 52 suppress");
	/* As of wg-quick: packets without its mark. */
	rule->priority = 5270;
	rule->is_inverted = true;
	rule->fwmark = 51820;
	rule->fwmask = UINT32_MAX;
	make_plan();
	assert_has("-4 priority 1005 from 192.168.1.10/32 fwmark 0x0 lookup 52"
		   " suppress_prefixlength 1 protocol 87");
	rule->is_inverted = false;
	rule->fwmask = 0;
	/* A route to the internet in the table, or one by an uplink. */
	route->dst = network("203.0.113.0/24");
	make_plan();
	assert_has_not("lookup 52");
	route->dst = network("100.64.0.0/10");
	route->nexthops[0].ifindex = 2;
	make_plan();
	assert_has_not("lookup 52");
}

static void plans_no_change_of_a_planned_state(void **state)
{
	(void)state;
	make_plan();
	assert_int_equal(diff->add->n_routes, plan->wanted->n_routes);
	assert_int_equal(diff->add->n_rules, plan->wanted->n_rules);
	install();
	make_plan();
	assert_true(route_diff_is_empty(diff));
	/* The kernel may list nexthops in another order. */
	for (size_t i = 0; i < net->n_routes; i++) {
		struct route_state *r = &net->routes[i];
		struct nexthop first;

		if (r->n_nexthops != 2)
			continue;
		first = r->nexthops[0];
		r->nexthops[0] = r->nexthops[1];
		r->nexthops[1] = first;
	}
	make_plan();
	assert_true(route_diff_is_empty(diff));
}

static void finds_each_difference(void **state)
{
	struct rule_state rule;

	(void)state;
	make_plan();
	install();
	/* Unexpected: a route and a rule of ours, and one of our rules twice. */
	add_route(99, "10.1.0.0/16", NULL, 4, ROUTE_PROTOCOL_WAYMARK, 0);
	rule = net->rules[1];
	netstate_add_rule(net, &rule);
	rule.priority = 7;
	netstate_add_rule(net, &rule);
	/* Foreign routes and rules are not removed. */
	add_route(251, "10.2.0.0/16", NULL, 4, RTPROT_STATIC, 0);
	rule.protocol = RTPROT_STATIC;
	netstate_add_rule(net, &rule);
	make_plan();
	assert_int_equal(diff->remove->n_routes, 1);
	assert_int_equal(diff->remove->routes[0].table, 99);
	assert_int_equal(diff->remove->n_rules, 2);
	assert_int_equal(diff->add->n_routes + diff->add->n_rules, 0);

	/* Missing and changed: the weight, then the source. */
	uplinks[1].weight = 5;
	make_plan();
	assert_int_equal(diff->add->n_routes, 2);
	assert_int_equal(diff->remove->n_routes, 3);
	assert_int_equal(diff->displaced->n_routes, 0);
	uplinks[1].weight = 2;
	net->addrs[0].prefix = network("192.168.1.11/24");
	make_plan();
	assert_int_equal(diff->add->n_routes, 2);
}

/* The gateway's network was added after the route. */
static void removes_a_needless_onlink(void **state)
{
	(void)state;
	make_plan();
	install();
	for (size_t i = 0; i < net->n_routes; i++) {
		struct route_state *r = &net->routes[i];

		if (r->protocol == ROUTE_PROTOCOL_WAYMARK && !r->dst.len && r->n_nexthops == 2)
			r->nexthops[1].is_onlink = true;
	}
	make_plan();
	assert_int_equal(diff->add->n_routes, 2);
	assert_int_equal(diff->remove->n_routes, 2);
	assert_int_equal(diff->displaced->n_routes, 0);
}

static void displaces_foreign_routes_and_uses_them(void **state)
{
	struct route_state *theirs;

	(void)state;
	config.local_routes = LOCAL_SUPPRESS;
	theirs = add_route(RT_TABLE_MAIN, "0.0.0.0/0", "192.168.1.1", 2, RTPROT_DHCP, 0);
	add_route(RT_TABLE_MAIN, "0.0.0.0/0", "192.168.2.1", 3, RTPROT_DHCP, 100);
	add_route(251, "0.0.0.0/0", "192.168.1.1", 2, RTPROT_STATIC, 0);
	add_route(250, "0.0.0.0/0", "192.168.2.9", 3, RTPROT_STATIC, 0);
	make_plan();
	assert_int_equal(diff->displaced->n_routes, 2);
	assert_int_equal(diff->remove->n_routes, 0);
	for (size_t i = 0; i < diff->displaced->n_routes; i++)
		assert_true(diff->displaced->routes[i].metric == 0 &&
			    diff->displaced->routes[i].table != 251);
	/* When only wan1 is left, the foreign route is the wanted one. */
	theirs = &net->routes[6];
	assert_int_equal(theirs->protocol, RTPROT_DHCP);
	net->links[2].is_up = false;
	make_plan();
	assert_int_equal(diff->displaced->n_routes, 0);
	for (size_t i = 0; i < diff->add->n_routes; i++)
		assert_true(diff->add->routes[i].table != RT_TABLE_MAIN ||
			    diff->add->routes[i].family == AF_INET6);
}

static void learns_gateways(void **state)
{
	struct addr *one = &learnt.defaults[5][0][0].gateway,
		    *two = &learnt.defaults[9][1][0].gateway;
	struct nexthop hops[2] = {{.ifindex = 2, .weight = 1}, {.ifindex = 3, .weight = 1}};
	struct route_state both = {.family = AF_INET,
				   .table = RT_TABLE_MAIN,
				   .type = RTN_UNICAST,
				   .protocol = RTPROT_STATIC,
				   .metric = 7,
				   .n_nexthops = 2,
				   .nexthops = hops};
	struct addr want;

	(void)state;
	learnt_gateways_update(&learnt, &config, net);
	assert_false(learnt.n[5][0]);
	/* Among several routes the lowest metric counts, never our own route. */
	add_route(RT_TABLE_MAIN, "0.0.0.0/0", "192.168.1.250", 2, ROUTE_PROTOCOL_WAYMARK, 0);
	add_route(RT_TABLE_MAIN, "0.0.0.0/0", "192.168.1.253", 2, RTPROT_DHCP, 200);
	add_route(RT_TABLE_MAIN, "0.0.0.0/0", "192.168.1.254", 2, RTPROT_DHCP, 100);
	add_route(RT_TABLE_MAIN, "::/0", "fe80::9", 3, RTPROT_RA, 1024);
	learnt_gateways_update(&learnt, &config, net);
	want = address("192.168.1.254");
	assert_true(learnt.n[5][0] && addr_is_equal(one, &want));
	want = address("fe80::9");
	assert_true(learnt.n[9][1] && addr_is_equal(two, &want));
	assert_false(learnt.n[9][0]);
	/* From the nexthops of one route, each interface learns its own. */
	hops[0].gateway = address("192.168.1.7");
	hops[1].gateway = address("192.168.2.7");
	both.dst.addr.family = AF_INET;
	netstate_add_route(net, &both);
	learnt_gateways_update(&learnt, &config, net);
	want = address("192.168.1.7");
	assert_true(addr_is_equal(one, &want));
	want = address("192.168.2.7");
	assert_true(addr_is_equal(&learnt.defaults[9][0][0].gateway, &want));
	/* The gateways are kept when the routes are deleted. */
	net->n_routes -= 1;
	route_clear(&net->routes[net->n_routes]);
	while (net->n_routes > 6)
		route_clear(&net->routes[--net->n_routes]);
	learnt_gateways_update(&learnt, &config, net);
	assert_true(learnt.n[5][0] && learnt.n[9][1]);
	uplinks[0].gateway.kind = GATEWAY_LEARN;
	make_plan();
	assert_has("default via 192.168.1.7 dev wan1 table 251 proto 87 src 192.168.1.10");
	/* In another network the IPv4 one is stale, a link-local one is not. */
	net->addrs[0].prefix = network("172.16.0.9/16");
	net->addrs[5].prefix = network("2001:db8:77::9/64");
	learnt_gateways_update(&learnt, &config, net);
	assert_false(learnt.n[5][0]);
	assert_true(learnt.n[9][1]);
}

static void learns_from_its_own_tables(void **state)
{
	struct addr want = address("192.168.1.88");

	(void)state;
	add_route(251, "0.0.0.0/0", "192.168.1.88", 2, ROUTE_PROTOCOL_WAYMARK, 0);
	add_route(250, "0.0.0.0/0", "10.0.0.1", 3, ROUTE_PROTOCOL_WAYMARK, 0);
	learnt_gateways_update(&learnt, &config, net);
	assert_true(addr_is_equal(&learnt.defaults[5][0][0].gateway, &want));
	assert_false(learnt.n[9][0]); /* of a former network */
	/* A foreign route takes precedence: here one without a gateway. */
	add_route(RT_TABLE_MAIN, "0.0.0.0/0", NULL, 2, RTPROT_BOOT, 0);
	learnt_gateways_update(&learnt, &config, net);
	assert_true(learnt.n[5][0] && addr_is_none(&learnt.defaults[5][0][0].gateway));
}

/* --- complete defaults ----------------------------------------------------------------- */

/* An attribute of 4 bytes in a nest of metrics. */
static void add_mtu(struct route_state *r, uint32_t mtu)
{
	uint16_t bytes[6] = {12, RTA_METRICS, 8, RTAX_MTU}; /* lengths and types, in host order */

	memcpy(bytes + 4, &mtu, sizeof(mtu));
	r->extra = malloc(sizeof(bytes));
	assert_non_null(r->extra);
	memcpy(r->extra, bytes, sizeof(bytes));
	r->extra_size = sizeof(bytes);
}

static void learn_and_plan(void)
{
	uplinks[0].gateway.kind = uplinks[1].gateway.kind = GATEWAY_LEARN;
	uplinks[0].gateway6.kind = uplinks[1].gateway6.kind = GATEWAY_LEARN;
	config.balance = BALANCE_TABLE;
	learnt_gateways_update(&learnt, &config, net);
	make_plan();
}

static void takes_a_default_route_whole(void **state)
{
	struct route_state *r;

	(void)state;
	add_addr(1, "198.51.100.1/32");
	r = add_route(RT_TABLE_MAIN, "0.0.0.0/0", "192.168.1.1", 2, RTPROT_DHCP, 100);
	r->prefsrc = address("198.51.100.1");
	add_mtu(r, 1400);
	r = add_route(RT_TABLE_MAIN, "0.0.0.0/0", "192.168.2.1", 3, RTPROT_DHCP, 200);
	add_mtu(r, 1450);
	learn_and_plan();
	assert_has("default via 192.168.1.1 dev wan1 table 251 proto 87 src 198.51.100.1 mtu 1400");
	assert_has("default via 192.168.2.1 dev wan2 table 250 proto 87 src 192.168.2.10 mtu 1450");
	/* One set of metrics for all next hops: the smallest works for each. */
	assert_has("default table 252 proto 87 mtu 1400 nexthop via 192.168.1.1 dev wan1 weight 1"
		   " nexthop via 192.168.2.1 dev wan2 weight 2");
	/* A next hop has no source of its own: the router's own flows use the best uplink. */
	assert_has("-4 priority 32765 iif lo lookup 251 protocol 87");
	assert_has("-4 priority 1006 from 198.51.100.1/32 lookup 251 protocol 87");
	/* The kernel would refuse a source address that was removed. */
	net->addrs[net->n_addrs - 1].prefix = network("198.51.100.2/32");
	make_plan();
	assert_has("default via 192.168.1.1 dev wan1 table 251 proto 87 src 192.168.1.10 mtu 1400");
	assert_has_not("iif lo lookup 251");
}

static void uses_an_uplink_without_an_address(void **state)
{
	struct route_state *r;

	(void)state;
	net->addrs[0].prefix = network("198.51.100.1/28"); /* wan1's, now on the LAN */
	net->addrs[0].ifindex = 4;
	r = add_route(RT_TABLE_MAIN, "0.0.0.0/0", "192.168.1.1", 2, RTPROT_STATIC, 10);
	r->nexthops[0].gateway = address("fe80::1");
	learn_and_plan();
	assert_int_equal(plan->uplinks[0].trouble[0], UPLINK_NO_ADDRESS);
	r->prefsrc = address("198.51.100.1");
	learn_and_plan();
	assert_int_equal(plan->uplinks[0].trouble[0], UPLINK_FINE);
	assert_has("default via inet6 fe80::1 dev wan1 table 251 proto 87 src 198.51.100.1");
	assert_has("default via inet6 fe80::1 dev wan1 table 252 proto 87 src 198.51.100.1");
}

static void keeps_source_prefixes_apart(void **state)
{
	struct route_state *r;

	(void)state;
	add_route(RT_TABLE_MAIN, "::/0", "fe80::1", 2, RTPROT_RA, 512);
	r = add_route(RT_TABLE_MAIN, "::/0", "fe80::1", 2, RTPROT_STATIC, 512);
	r->from = network("2001:db8:a::/56");
	r = add_route(RT_TABLE_MAIN, "::/0", "fe80::2", 3, RTPROT_STATIC, 512);
	r->from = network("2001:db8:b::/56");
	learn_and_plan();
	assert_has("default via fe80::1 dev wan1 table 251 proto 87 metric 1024");
	assert_has(
		"default from 2001:db8:a::/56 via fe80::1 dev wan1 table 251 proto 87 metric 1024");
	assert_has(
		"default from 2001:db8:b::/56 via fe80::2 dev wan2 table 250 proto 87 metric 1024");
	assert_has(
		"default from 2001:db8:a::/56 via fe80::1 dev wan1 table 252 proto 87 metric 1024");
	assert_has(
		"default from 2001:db8:b::/56 via fe80::2 dev wan2 table 252 proto 87 metric 1024");
	assert_has("default via fe80::1 dev wan1 table 252 proto 87 metric 1024");
	assert_has_not("default via fe80::2");
	install();
	make_plan();
	assert_true(route_diff_is_empty(diff));
}

/* Table main is foreign: a default deleted there is withdrawn for its uplink and family. */
static void follows_a_withdrawn_default(void **state)
{
	(void)state;
	add_route(RT_TABLE_MAIN, "::/0", "fe80::1", 2, RTPROT_RA, 512);
	add_route(RT_TABLE_MAIN, "0.0.0.0/0", "192.168.2.1", 3, RTPROT_DHCP, 200);
	add_route(RT_TABLE_MAIN, "0.0.0.0/0", "192.168.1.1", 2, RTPROT_DHCP, 100);
	learn_and_plan();
	assert_int_equal(plan->uplinks[0].trouble[0], UPLINK_FINE);
	install();
	route_clear(&net->routes[8]);
	net->routes[8] = net->routes[--net->n_routes];
	learn_and_plan();
	assert_int_equal(plan->uplinks[0].trouble[0], UPLINK_NO_GATEWAY);
	assert_int_equal(plan->uplinks[0].trouble[1], UPLINK_FINE);
	/* On-link destinations are still reached. */
	assert_has("192.168.1.0/24 dev wan1 table 251 proto 87 scope link src 192.168.1.10");
	assert_has_not("default via 192.168.1.1");
	assert_has("default via 192.168.2.1 dev wan2 table 252 proto 87");
	uplinks[0].gateway.kind = GATEWAY_ADDR;
	make_plan();
	assert_int_equal(plan->uplinks[0].trouble[0], UPLINK_FINE);
}

static void uses_the_lowest_tier(void **state)
{
	(void)state;
	config.balance = BALANCE_TABLE;
	uplinks[0].tier = 2;
	uplinks[1].tier = 1;
	make_plan();
	assert_has("default via 192.168.2.1 dev wan2 table 252 proto 87");
	assert_has("-4 priority 1002 fwmark 0x2/0xff lookup 251 protocol 87");
	decisions.by_slot[uplinks[1].slot] = DECISION_DOWN;
	make_plan();
	assert_has("default via 192.168.1.1 dev wan1 table 252 proto 87");
	/* No new flow may use main's default route either when no uplink may have any. */
	decisions.by_slot[uplinks[0].slot] = DECISION_DRAIN;
	make_plan();
	assert_has_not("table 252");
	add_route(RT_TABLE_MAIN, "0.0.0.0/0", "192.168.1.1", 2, RTPROT_DHCP, 100);
	make_plan();
	assert_has("unreachable default table 252 proto 87 metric 4294967295");
}

/* The packets of a tunnel are sent by the router, and must not enter the tunnel. */
static void keeps_a_tunnel_out_of_itself(void **state)
{
	(void)state;
	config.balance = BALANCE_TABLE;
	net->links[1].is_tunnel = true;
	make_plan();
	assert_has("-4 priority 32765 iif lo lookup 250 protocol 87");
	assert_has("-6 priority 32765 iif lo lookup 250 protocol 87");
	assert_has("default table 252 proto 87 nexthop via 192.168.1.1 dev wan1 weight 1"
		   " nexthop via 192.168.2.1 dev wan2 weight 2");
	uplinks[0].tier = 1;
	uplinks[1].tier = 2;
	make_plan();
	assert_has("-4 priority 32765 iif lo lookup 250 protocol 87");
	net->links[1].is_tunnel = false;
	make_plan();
	assert_has_not("iif lo lookup");
}

/* They share a priority, so the order in which they were added counts. */
static void restores_the_order_of_rules(void **state)
{
	struct rule_state *rules, first, foreign;
	size_t at = 0;

	(void)state;
	config.balance = BALANCE_TABLE;
	make_plan();
	install();
	make_plan();
	assert_true(route_diff_is_empty(diff));
	rules = net->rules;
	while (rules[at].priority != RULE_PRIORITY_BALANCE)
		at++;
	first = rules[at];
	rules[at] = rules[at + 1];
	rules[at + 1] = first;
	make_plan();
	assert_int_equal(diff->add->n_rules, 1);
	assert_int_equal(diff->remove->n_rules, 1);
	assert_int_equal(diff->add->rules[0].table, 252);
	/* Another process's rule of that priority comes before ours. */
	rules[at + 1] = rules[at];
	rules[at] = first;
	foreign = first;
	foreign.protocol = RTPROT_STATIC;
	netstate_add_rule(net, &foreign);
	make_plan();
	assert_int_equal(diff->add->n_rules, 2);
	assert_int_equal(diff->remove->n_rules, 2);
}

static void plans_sixty_uplinks(void **state)
{
	char name[IFNAMSIZ], prefix[32], gateway[32];

	(void)state;
	for (unsigned i = 2; i < UPLINKS_MAX; i++) {
		uplinks[i] = uplinks[0];
		snprintf(name, sizeof(name), "wan%u", i + 1);
		snprintf(prefix, sizeof(prefix), "10.0.%u.2/24", i);
		snprintf(gateway, sizeof(gateway), "10.0.%u.1", i);
		strcpy(uplinks[i].ifname, name);
		uplinks[i].gateway.addr = address(gateway);
		uplinks[i].mark = i + 2;
		uplinks[i].table = 300 + i;
		uplinks[i].weight = 256;
		uplinks[i].slot = (uint8_t)i;
		add_link(100 + i, name);
		add_addr(100 + i, prefix);
	}
	config.n_uplinks = UPLINKS_MAX;
	make_plan();
	assert_int_equal(plan->n_uplinks, UPLINKS_MAX);
	/* A mark and an interface for each, 60 + 2 sources of 3, and 4 others; only wan1 and wan2 have
	 * IPv6 addresses. */
	assert_int_equal(plan->wanted->n_rules, 2 * (2 * UPLINKS_MAX + 4) + 3 * (UPLINKS_MAX + 2));
	assert_has("-6 priority 1061 fwmark 0x3d/0xff lookup 359 protocol 87");
	assert_has("default via 10.0.59.1 dev wan60 table 359 proto 87 src 10.0.59.2");
	for (size_t i = 0; i < plan->wanted->n_routes; i++)
		if (plan->wanted->routes[i].table == RT_TABLE_MAIN &&
		    plan->wanted->routes[i].family == AF_INET && !plan->wanted->routes[i].metric)
			assert_int_equal(plan->wanted->routes[i].n_nexthops, UPLINKS_MAX);
	install();
	make_plan();
	assert_true(route_diff_is_empty(diff));
}

/* Rules are equal only if all fields are. */
static void compares_every_field(void **state)
{
	uint8_t extra[4] = {1, 2, 3, 4};
	struct nexthop n = {.ifindex = 2, .weight = 1};
	struct route_state a = {.family = AF_INET,
				.n_nexthops = 1,
				.nexthops = &n,
				.extra_size = 4,
				.extra = extra};
	struct route_state b;

	(void)state;
	assert_int_equal(route_copy(&b, &a), 0);
	assert_true(route_is_equal(&a, &b));
	b.extra[2]++;
	assert_false(route_is_equal(&a, &b));
	b.extra[2]--;
	b.nexthops[0].weight++;
	assert_false(route_is_equal(&a, &b));
	assert_true(route_is_same_way(&a, &b)); /* of one family */
	b.nexthops[0].gateway = address("10.0.0.1");
	assert_false(route_is_same_way(&a, &b));
	b.nexthops[0] = n;
	b.tos = 4;
	assert_false(route_is_equal(&a, &b) || route_is_same_place(&a, &b));
	b.tos = 0;
	b.nexthop_id = 3;
	assert_false(route_is_equal(&a, &b));
	route_clear(&b);
}

static void prints_commands(void **state)
{
	char text[8192];
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	strcpy(net->links[2].name, "else");
	make_plan();
	route_plan_print(plan, &config, out);
	fclose(out);
	assert_non_null(strstr(text, "ip -6 rule add priority 1003 fwmark 0x3/0xff lookup 250"
				     " protocol 87\n"));
	assert_non_null(strstr(text, "ip -4 route add default via 192.168.1.1 dev wan1 table 251"
				     " proto 87 src 192.168.1.10\n"));
	assert_non_null(strstr(text, "ip -4 route replace default via 192.168.1.1 dev wan1 table"
				     " main proto 87\n"));
	assert_non_null(strstr(text, "# two (wan2), IPv4: no interface with this name"));
	assert_null(strstr(text, "# one"));
	assert_true(strstr(text, " rule add") < strstr(text, " route add"));
}

/* Each character of a name reaches the command unchanged. */
static void prints_for_a_shell(void **state)
{
	char text[8192];
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	strcpy(net->links[1].name, "$(id);'*\\#");
	strcpy(uplinks[0].ifname, net->links[1].name);
	make_plan();
	route_plan_print(plan, &config, out);
	fclose(out);
	assert_non_null(strstr(text, " dev \\$\\(id\\)\\;\\'\\*\\\\\\# table 251"));
	assert_null(strstr(text, " $"));
}

/* In a small buffer the text is cut, and the returned length is the full one. */
static void formats_into_small_buffers(void **state)
{
	char whole[256], part[20];
	int length;

	(void)state;
	make_plan();
	length = route_format(whole, sizeof(whole), &plan->wanted->routes[0], plan->wanted);
	assert_int_equal(length, strlen(whole));
	assert_int_equal(route_format(part, sizeof(part), &plan->wanted->routes[0], plan->wanted),
			 length);
	assert_int_equal(route_format(NULL, 0, &plan->wanted->routes[0], plan->wanted), length);
	assert_int_equal(strlen(part), sizeof(part) - 1);
	assert_memory_equal(part, whole, sizeof(part) - 1);
}

static const struct sysctl_want *sysctl_find(const struct sysctl_want *wants, size_t n,
					     const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(wants[i].name, name))
			return &wants[i];
	return NULL;
}

static void wants_sysctls(void **state)
{
	struct sysctl_want wants[80];
	const struct sysctl_want *w;
	size_t n;

	(void)state;
	strcpy(uplinks[1].ifname, "eth0.100");
	n = sysctl_plan(&config, wants, 80);
	assert_int_equal(n, 3 + 2 + 2);
	assert_null(sysctl_find(wants, n, "net/ipv4/conf/all/src_valid_mark"));
	w = sysctl_find(wants, n, "net/ipv4/conf/eth0.100/rp_filter");
	assert_true(w && w->is_rp_filter && !strcmp(w->value, "2"));
	assert_int_equal(sysctl_plan(&config, wants, 4), 4);
	config.balance = BALANCE_OFF;
	n = sysctl_plan(&config, wants, 80);
	assert_null(sysctl_find(wants, n, "net/ipv6/fib_multipath_hash_policy"));
	config.mode = MODE_AUDIT;
	n = sysctl_plan(&config, wants, 80);
	assert_int_equal(n, 3);
	assert_non_null(sysctl_find(wants, n, "net/netfilter/nf_conntrack_events"));
	config.sysctl = false;
	assert_int_equal(sysctl_plan(&config, wants, 80), 0);
}

#define IN_LAB(f) cmocka_unit_test_setup_teardown(f, lab_start, lab_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_LAB(plans_two_uplinks),
		IN_LAB(plans_nothing_in_audit_mode),
		IN_LAB(obeys_decisions),
		IN_LAB(gives_no_share_to_weight_0),
		IN_LAB(names_each_fault),
		IN_LAB(is_up_without_an_address_of_its_own),
		IN_LAB(needs_a_gateway_for_a_link_local_uplink),
		IN_LAB(plans_refusals_alone_without_uplinks),
		IN_LAB(plans_no_refusal_in_a_family_without_addresses),
		IN_LAB(plans_no_spare_for_one_uplink),
		IN_LAB(balances_only_when_configured),
		IN_LAB(takes_gateways_elsewhere_onlink),
		IN_LAB(accepts_uplinks_with_one_far_end),
		IN_LAB(chooses_a_source_near_the_gateway),
		IN_LAB(looks_up_main_for_local_routes),
		IN_LAB(copies_local_routes),
		IN_LAB(excludes_local_routes),
		IN_LAB(looks_up_other_programs_tables_for_bound_traffic),
		IN_LAB(plans_no_change_of_a_planned_state),
		IN_LAB(finds_each_difference),
		IN_LAB(removes_a_needless_onlink),
		IN_LAB(displaces_foreign_routes_and_uses_them),
		IN_LAB(learns_gateways),
		IN_LAB(learns_from_its_own_tables),
		IN_LAB(takes_a_default_route_whole),
		IN_LAB(uses_an_uplink_without_an_address),
		IN_LAB(keeps_source_prefixes_apart),
		IN_LAB(follows_a_withdrawn_default),
		IN_LAB(uses_the_lowest_tier),
		IN_LAB(keeps_a_tunnel_out_of_itself),
		IN_LAB(restores_the_order_of_rules),
		IN_LAB(plans_sixty_uplinks),
		IN_LAB(compares_every_field),
		IN_LAB(prints_commands),
		IN_LAB(prints_for_a_shell),
		IN_LAB(formats_into_small_buffers),
		IN_LAB(wants_sysctls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
