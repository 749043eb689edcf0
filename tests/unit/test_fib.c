/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_fib.c - proves the path through rules and tables, why it differs from the mark's, and which
 * new flows are led to a drained uplink: a steered router's snapshot with one change at a time.
 */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "waymark/plan/drain.h"
#include "waymark/plan/fib.h"

enum { LAN = 1, IF1, IF2 };

static struct uplink_config uplinks[] = {
	{.name = "one", .ifname = "wan1", .mark = 2, .table = 251},
	{.name = "two", .ifname = "wan2", .mark = 3, .table = 250},
};
static struct config config = {.mark_mask = 0xff, .uplinks = uplinks, .n_uplinks = 2};

static void link_add(struct netstate *s, uint32_t index, const char *name)
{
	struct link_state l = {.index = index, .is_up = true, .has_carrier = true};

	strcpy(l.name, name);
	assert_non_null(netstate_add_link(s, &l));
}

/* dst: "" is the default route; ifindex 0: unreachable. second: 0 or another nexthop. */
static void route_add(struct netstate *s, uint32_t table, const char *dst, uint32_t metric,
		      uint32_t ifindex, uint32_t second)
{
	struct nexthop hops[2] = {{.ifindex = ifindex, .weight = 1},
				  {.ifindex = second, .weight = 1}};
	struct route_state r = {.family = AF_INET,
				.table = table,
				.metric = metric,
				.type = ifindex ? RTN_UNICAST : RTN_UNREACHABLE,
				.n_nexthops = (uint16_t)(!!ifindex + !!second),
				.nexthops = hops};

	if (*dst)
		assert_int_equal(prefix_parse(&r.dst, dst), 0);
	assert_non_null(netstate_add_route(s, &r));
}

static struct rule_state *rule_add(struct netstate *s, uint32_t priority, uint32_t mark,
				   uint32_t table)
{
	struct rule_state r = {.family = AF_INET,
			       .priority = priority,
			       .action = FR_ACT_TO_TBL,
			       .table = table,
			       .fwmark = mark,
			       .fwmask = mark ? 0xff : 0,
			       .suppress_prefixlength = -1};
	struct rule_state *added;

	if (priority >= 1000 && priority < 2000)
		r.protocol = ROUTE_PROTOCOL_WAYMARK;
	added = netstate_add_rule(s, &r);
	assert_non_null(added);
	return added;
}

/* A correctly steered router; without: what to leave out. */
enum thing { ALL, RULE, ROUTE, BOTH_ROUTES };
static struct netstate *router(enum thing without)
{
	struct netstate *s = netstate_new();

	link_add(s, LAN, "lan");
	link_add(s, IF1, "wan1");
	link_add(s, IF2, "wan2");
	route_add(s, RT_TABLE_MAIN, "192.168.10.0/24", 0, LAN, 0);
	route_add(s, RT_TABLE_MAIN, "", 0, IF1, IF2);
	if (without < ROUTE)
		route_add(s, 251, "", 0, IF1, 0);
	if (without != BOTH_ROUTES)
		route_add(s, 251, "", UINT32_MAX, 0, 0);
	route_add(s, 250, "", 0, IF2, 0);
	rule_add(s, 0, 0, RT_TABLE_LOCAL);
	rule_add(s, 1000, 0, RT_TABLE_MAIN)->suppress_prefixlength = 0;
	if (without != RULE)
		rule_add(s, 1001, 2, 251);
	rule_add(s, 1002, 3, 250);
	rule_add(s, 32766, 0, RT_TABLE_MAIN);
	return s;
}

static struct fib_query query(uint32_t mark)
{
	struct fib_query q = {.family = AF_INET, .mark = mark, .iifname = "lan"};

	assert_int_equal(addr_parse(&q.src, "192.168.10.2"), 0);
	assert_int_equal(addr_parse(&q.dst, "203.0.113.10"), 0);
	return q;
}

static void packets_go_by_their_mark(void **state)
{
	struct netstate *s = router(ALL);
	struct fib_query q = query(0x502);
	struct fib_answer a;

	(void)state;
	fib_lookup(s, &q, &a);
	assert_int_equal(a.rule->priority, 1001);
	assert_int_equal(a.route->table, 251);
	assert_true(fib_route_leads_to(a.route, IF1));
	assert_true(a.is_sure);
	q.mark = 9;
	fib_lookup(s, &q, &a);
	assert_int_equal(a.rule->priority, 32766);
	assert_false(fib_route_leads_to(a.route, IF1));
	/* A destination with a specific route in main, marked or not. */
	q.mark = 2;
	assert_int_equal(addr_parse(&q.dst, "192.168.10.7"), 0);
	fib_lookup(s, &q, &a);
	assert_int_equal(a.rule->priority, 1000);
	assert_true(fib_route_leads_to(a.route, LAN));
	netstate_free(s);
}

static void a_rule_is_asked_for_all_its_selectors(void **state)
{
	struct netstate *s = router(ALL);
	struct fib_query q = query(2);
	struct rule_state *r = rule_add(s, 500, 0, 250);
	struct fib_answer a;

	(void)state;
	strcpy(r->iifname, "other");
	fib_lookup(s, &q, &a);
	assert_int_equal(a.rule->priority, 1001);
	r->is_inverted = true;
	fib_lookup(s, &q, &a);
	assert_int_equal(a.rule->priority, 500);
	r->is_inverted = false;
	strcpy(r->iifname, "lan");
	assert_int_equal(prefix_parse(&r->dst, "203.0.114.0/24"), 0);
	fib_lookup(s, &q, &a);
	assert_int_equal(a.rule->priority, 1001);
	assert_int_equal(prefix_parse(&r->dst, "203.0.113.0/24"), 0);
	fib_lookup(s, &q, &a);
	assert_int_equal(a.rule->priority, 500);
	r->has_other = true;
	fib_lookup(s, &q, &a);
	assert_int_equal(a.rule->priority, 1001);
	assert_false(a.is_sure);
	assert_ptr_equal(a.possible_rule, r);
	assert_int_equal(a.possible_route->table, 250);
	r->has_other = false;
	r->action = FR_ACT_BLACKHOLE;
	fib_lookup(s, &q, &a);
	assert_int_equal(a.rule->priority, 500);
	assert_null(a.route);
	netstate_free(s);
}

/* Return the priority of the rule that decides for a TCP packet from port 40000 to port 443. */
static uint32_t decided_by(struct netstate *s, const char *iifname, bool *is_sure)
{
	struct fib_query q = query(2);
	struct fib_answer a;

	q.proto = IPPROTO_TCP;
	q.sport = 40000;
	q.dport = 443;
	q.iifname = iifname;
	fib_lookup(s, &q, &a);
	*is_sure = a.is_sure;
	return a.rule->priority;
}

static void protocols_ports_and_users_are_selectors(void **state)
{
	struct netstate *s = router(ALL);
	struct rule_state *r = rule_add(s, 500, 0, 250);
	bool is_sure;

	(void)state;
	r->has_other = true;
	r->extra.ip_proto = IPPROTO_TCP;
	r->extra.dports[0] = 400;
	r->extra.dports[1] = 500;
	assert_int_equal(decided_by(s, "lan", &is_sure), 500);
	assert_true(is_sure);
	r->is_inverted = true;
	assert_int_equal(decided_by(s, "lan", &is_sure), 1001);
	assert_true(is_sure);
	r->is_inverted = false;
	r->extra.tos = 16;
	assert_int_equal(decided_by(s, "lan", &is_sure), 1001);
	assert_false(is_sure);
	r->extra.tos = 0;
	r->extra.sports[0] = r->extra.sports[1] = 53;
	assert_int_equal(decided_by(s, "lan", &is_sure), 1001);
	assert_true(is_sure);
	r->extra = (struct rule_extra){.ip_proto = IPPROTO_UDP};
	assert_int_equal(decided_by(s, "lan", &is_sure), 1001);
	assert_true(is_sure);
	r->extra = (struct rule_extra){.has_uids = true, .uids = {0, 9}};
	assert_int_equal(decided_by(s, "lan", &is_sure), 500);
	r->extra.uids[0] = 1;
	assert_int_equal(decided_by(s, "lan", &is_sure), 1001);
	assert_true(is_sure);
	assert_int_equal(decided_by(s, "lo", &is_sure), 1001);
	assert_false(is_sure);
	netstate_free(s);
}

static void the_lower_metric_and_the_longer_prefix_count(void **state)
{
	struct netstate *s = router(ALL);
	struct fib_query q = query(2);

	(void)state;
	route_add(s, 251, "", 5, IF2, 0);
	assert_int_equal(fib_table_lookup(s, 251, AF_INET, &q.dst, -1)->metric, 0);
	route_add(s, 251, "203.0.113.0/24", 9, IF2, 0);
	assert_int_equal(fib_table_lookup(s, 251, AF_INET, &q.dst, -1)->metric, 9);
	assert_null(fib_table_lookup(s, 251, AF_INET, &q.dst, 24));
	assert_null(fib_table_lookup(s, 77, AF_INET, &q.dst, -1));
	netstate_free(s);
}

static enum reason why(struct netstate *s)
{
	struct fib_query q = query(2);
	enum reason r = fib_diagnose(s, &config, &uplinks[0], &q, NULL);

	netstate_free(s);
	return r;
}

static void the_reason_is_what_was_changed(void **state)
{
	struct netstate *s;

	(void)state;
	assert_int_equal(why(router(ALL)), REASON_UNEXPLAINED);
	assert_int_equal(why(router(RULE)), REASON_RULE_MISSING);
	assert_int_equal(why(router(ROUTE)), REASON_ROUTE_MISSING);
	assert_int_equal(why(router(BOTH_ROUTES)), REASON_ROUTE_MISSING);
	s = router(ALL);
	s->links[1].has_carrier = false;
	assert_int_equal(why(s), REASON_UPLINK_DOWN);
	s = router(BOTH_ROUTES);
	s->links[1].is_up = false;
	assert_int_equal(why(s), REASON_UPLINK_DOWN);
	/* Another rule before ours. */
	s = router(ALL);
	rule_add(s, 900, 2, 250);
	assert_int_equal(why(s), REASON_RULE_BEFORE);
	s = router(ALL);
	rule_add(s, 900, 0, RT_TABLE_MAIN);
	assert_int_equal(why(s), REASON_RULE_BEFORE);
	/* ... by a property that the query does not have, or that skips ours. */
	s = router(ALL);
	rule_add(s, 900, 2, 250)->has_other = true;
	assert_int_equal(why(s), REASON_RULE_BEFORE);
	s = router(ALL);
	rule_add(s, 900, 2, 251)->has_other = true;
	assert_int_equal(why(s), REASON_UNEXPLAINED);
	s = router(ALL);
	rule_add(s, 900, 2, 0)->action = FR_ACT_GOTO;
	s->rules[s->n_rules - 1].extra.target = 32766;
	assert_int_equal(why(s), REASON_RULE_BEFORE);
	/* ... with the same path does no harm. */
	s = router(ALL);
	rule_add(s, 900, 2, 251);
	assert_int_equal(why(s), REASON_UNEXPLAINED);
	/* The table's route is the other uplink's. */
	s = router(ROUTE);
	route_add(s, 251, "", 0, IF2, 0);
	assert_int_equal(why(s), REASON_ROUTE_MISSING);
	s = router(ROUTE);
	route_add(s, 251, "", 0, IF1, IF2);
	assert_int_equal(why(s), REASON_ROUTE_MISSING);
	/* A specific route of main, which is looked up first. */
	s = router(ALL);
	route_add(s, RT_TABLE_MAIN, "203.0.113.0/24", 0, IF2, 0);
	assert_int_equal(why(s), REASON_ROUTE_SPECIFIC);
}

static void jumps_and_groups_are_followed(void **state)
{
	struct fib_query q = query(2);
	struct fib_answer a;
	struct netstate *s = router(ALL);

	(void)state;
	/* The lookup in main skips interfaces of the group, as in the kernel. */
	for (size_t i = 0; i < s->n_rules; i++)
		if (s->rules[i].suppress_prefixlength >= 0)
			s->rules[i].extra.has_suppress_ifgroup = true,
			s->rules[i].extra.suppress_ifgroup = 87;
	route_add(s, RT_TABLE_MAIN, "203.0.113.0/24", 0, IF2, 0);
	for (size_t i = 0; i < s->n_links; i++)
		if (s->links[i].index == IF2)
			s->links[i].group = 87;
	fib_lookup(s, &q, &a);
	assert_int_equal(a.rule->table, 251);
	/* A jump skips the mark's rule; one without a target does not. */
	rule_add(s, 1, 2, 0);
	s->rules[s->n_rules - 1].action = FR_ACT_GOTO;
	s->rules[s->n_rules - 1].extra.target = 32766;
	fib_lookup(s, &q, &a);
	assert_int_not_equal(a.rule->table, 251);
	s->rules[s->n_rules - 1].extra.target = 20000;
	fib_lookup(s, &q, &a);
	assert_int_equal(a.rule->table, 251);
	netstate_free(s);
}

/* In audit mode the tables belong to another tool. */
static void another_tools_rules_are_judged_by_where_they_lead(void **state)
{
	struct netstate *s;

	(void)state;
	config.mode = MODE_AUDIT;
	uplinks[0].table = 0;
	assert_int_equal(why(router(ALL)), REASON_UNEXPLAINED);
	assert_int_equal(why(router(RULE)), REASON_RULE_MISSING);
	assert_int_equal(why(router(ROUTE)), REASON_ROUTE_MISSING);
	s = router(RULE);
	rule_add(s, 2001, 2, 250);
	assert_int_equal(why(s), REASON_ROUTE_MISSING);
	/* The tool's own look at main is no obstacle, but a route in main is. */
	s = router(ALL);
	rule_add(s, 900, 0, RT_TABLE_MAIN)->suppress_prefixlength = 0;
	route_add(s, RT_TABLE_MAIN, "128.0.0.0/1", 0, IF2, 0);
	assert_int_equal(why(s), REASON_ROUTE_SPECIFIC);
	s = router(ALL);
	rule_add(s, 900, 0, RT_TABLE_MAIN);
	route_add(s, RT_TABLE_MAIN, "128.0.0.0/1", 0, IF2, 0);
	assert_int_equal(why(s), REASON_RULE_BEFORE);
	config.mode = MODE_STEER;
	uplinks[0].table = 251;
	s = router(ALL);
	rule_add(s, 900, 0, RT_TABLE_MAIN)->suppress_prefixlength = 0;
	route_add(s, RT_TABLE_MAIN, "128.0.0.0/1", 0, IF2, 0);
	assert_int_equal(why(s), REASON_RULE_BEFORE);
}

/* The router with wan1 drained: the balanced route has wan2 alone. */
static struct netstate *drained(bool has_backup)
{
	struct netstate *s = router(ALL);
	struct addr_state own = {.ifindex = LAN};

	assert_int_equal(prefix_parse(&own.prefix, "192.168.10.1/24"), 0);
	assert_non_null(netstate_add_addr(s, &own));
	rule_add(s, 32765, 0, RT_TABLE_MAIN)->suppress_prefixlength = 0;
	rule_add(s, 32765, 0, 253);
	if (has_backup)
		route_add(s, 253, "", 0, IF2, 0);
	else
		route_add(s, 253, "", 0, IF1, 0);
	s->routes[s->n_routes - 1].protocol = ROUTE_PROTOCOL_WAYMARK;
	return s;
}

/* Return whether a flow of src is led to wan1 although that is drained. */
static bool is_led(struct netstate *s, const char *src, char object[OBJECT_MAX])
{
	struct fib_query q = query(0);
	bool is_ignored;

	assert_int_equal(addr_parse(&q.src, src), 0);
	is_ignored = drain_is_ignored(s, &config, &uplinks[0], &q.src, &q.dst, object);
	netstate_free(s);
	return is_ignored;
}

static void new_flows_avoid_a_drained_uplink_unless_misled(void **state)
{
	static const char pc[] = "192.168.10.2", host[] = "192.168.10.1";
	char object[OBJECT_MAX];
	struct netstate *s;

	(void)state;
	config.balance = BALANCE_TABLE;
	config.balance_table = 253;
	assert_false(is_led(drained(true), pc, object));
	assert_string_equal(object, "");
	/* Another process's rule leads there. */
	s = drained(true);
	rule_add(s, 900, 0, 251);
	assert_true(is_led(s, pc, object));
	assert_string_equal(object, "priority 900 lookup 251");
	/* The rule is for packets of the LAN. */
	s = drained(true);
	strcpy(rule_add(s, 900, 0, 251)->iifname, "lan");
	assert_true(is_led(s, pc, object));
	s = drained(true);
	strcpy(rule_add(s, 900, 0, 251)->iifname, "other");
	assert_false(is_led(s, pc, object));
	/* A VPN's half of the default route is one; a specific route is not. */
	s = drained(true);
	route_add(s, RT_TABLE_MAIN, "128.0.0.0/1", 0, IF1, 0);
	assert_true(is_led(s, pc, object));
	assert_string_equal(object, "128.0.0.0/1 dev wan1 table main proto 0");
	s = drained(true);
	route_add(s, RT_TABLE_MAIN, "203.0.113.0/24", 0, IF1, 0);
	assert_false(is_led(s, pc, object));
	/* This host's own packets may be bound to the uplink. */
	s = drained(true);
	rule_add(s, 900, 0, 251);
	assert_false(is_led(s, host, object));
	s = drained(true);
	rule_add(s, 900, 0, 251);
	assert_false(is_led(s, "0.0.0.0", object));
	/* No other uplink takes new flows, or none is balanced. */
	assert_false(is_led(drained(false), pc, object));
	config.balance = BALANCE_OFF;
	s = drained(true);
	rule_add(s, 900, 0, 251);
	assert_false(is_led(s, pc, object));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_go_by_their_mark),
		cmocka_unit_test(a_rule_is_asked_for_all_its_selectors),
		cmocka_unit_test(protocols_ports_and_users_are_selectors),
		cmocka_unit_test(the_lower_metric_and_the_longer_prefix_count),
		cmocka_unit_test(the_reason_is_what_was_changed),
		cmocka_unit_test(jumps_and_groups_are_followed),
		cmocka_unit_test(another_tools_rules_are_judged_by_where_they_lead),
		cmocka_unit_test(new_flows_avoid_a_drained_uplink_unless_misled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
