/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_hostcheck.c - proves what the host's check finds in rulesets, ip rules, tables, sockets and
 * files, which this host need not have: each collision by name, and no finding where nothing is
 * harmed.
 */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hostcheck/hostcheck_internal.h"

static struct uplink_config uplinks[] = {
	{.name = "wan1", .ifname = "eth1", .mark = 2, .table = 251, .weight = 1, .slot = 2},
	{.name = "wan2", .ifname = "eth2", .mark = 3, .table = 250, .weight = 2, .slot = 3},
};

static struct config config;
static struct findings findings;

static int check_start(void **state)
{
	(void)state;
	config = (struct config){
		.mode = MODE_STEER,
		.mark_mask = 0xff,
		.label_base = 64,
		.nflog_group = 77,
		.rule_priority = 1000,
		.events = EVENTS_AUTO,
		.uplinks = uplinks,
		.n_uplinks = 2,
	};
	return 0;
}

static int check_stop(void **state)
{
	(void)state;
	findings_clear(&findings);
	return 0;
}

/* Return the only finding. */
static void assert_finding(enum finding_level level, const char *what, const char *fix)
{
	assert_int_equal(findings.n, 1);
	if (findings.list[0].level != level || !strstr(findings.list[0].what, what))
		fail_msg("found: %s: %s", finding_level_name(findings.list[0].level),
			 findings.list[0].what);
	if (fix)
		assert_non_null(strstr(findings.list[0].fix, fix));
	findings_clear(&findings);
}

/* --- rulesets --------------------------------------------------------------- */

static void check_statement_of(const char *table, const char *statement)
{
	char json[1024];

	snprintf(json, sizeof(json),
		 "{\"nftables\":[{\"metainfo\":{\"version\":\"1.0.6\"}},"
		 "{\"rule\":{\"family\":\"inet\",\"table\":\"%s\",\"chain\":\"c\",\"handle\":9,"
		 "\"expr\":[{\"match\":{\"op\":\"==\",\"left\":{\"ct\":{\"key\":\"mark\"}},"
		 "\"right\":2}},%s]}}]}",
		 table, statement);
	hostcheck_rulesets(&findings, &config, json);
}

static void check_statement(const char *statement)
{
	check_statement_of("other", statement);
}

#define SET_META(value) "{\"mangle\":{\"key\":{\"meta\":{\"key\":\"mark\"}},\"value\":" value "}}"
#define SET_CT(value)	"{\"mangle\":{\"key\":{\"ct\":{\"key\":\"mark\"}},\"value\":" value "}}"
#define META_MARK	"{\"meta\":{\"key\":\"mark\"}}"
#define CT_MARK		"{\"ct\":{\"key\":\"mark\"}}"

static void test_marks_that_collide(void **state)
{
	static const struct {
		const char *statement, *what;
	} cases[] = {
		{SET_META("2"), "bits 0xff of the packet mark"},
		{SET_CT("256"), "bits 0xff of the ct mark"},
		{SET_META("{\"|\":[{\"&\":[" META_MARK ",4294967042]},2]}"),
		 "bits 0xff of the packet mark"},
		{SET_META("{\"|\":[" META_MARK ",1]}"), "bits 0x1 of the packet mark"},
		{SET_CT("{\"^\":[" CT_MARK ",144]}"), "bits 0x90 of the ct mark"},
		{SET_CT("{\"&\":[" CT_MARK ",4294967280]}"), "bits 0xf of the ct mark"},
		{SET_CT(META_MARK), "bits 0xff of the ct mark"},
		{SET_META("{\"&\":[" CT_MARK ",255]}"), "bits 0xff of the packet mark"},
		{SET_CT("{\"map\":{\"key\":1,\"data\":\"@m\"}}"), "bits 0xff of the ct mark"},
		{SET_META("{\"numgen\":{\"mode\":\"inc\",\"mod\":2,\"offset\":0}}"),
		 "bits 0xff of the packet mark"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		check_statement(cases[i].statement);
		assert_finding(FINDING_ERROR, cases[i].what,
			       "nft delete rule inet other c handle 9");
	}
}

static void test_marks_that_do_not_collide(void **state)
{
	static const char *const statements[] = {
		SET_META("{\"|\":[{\"&\":[" META_MARK ",4294902015]},16128]}"), /* & ~0xff00 */
		SET_CT("{\"|\":[" CT_MARK ",65536]}"),
		SET_CT("{\"^\":[" CT_MARK ",256]}"),
		"{\"mangle\":{\"key\":{\"ct\":{\"key\":\"label\"}},\"value\":63}}",
		"{\"mangle\":{\"key\":{\"ct\":{\"key\":\"label\"}},\"value\":128}}",
		"{\"mangle\":{\"key\":{\"meta\":{\"key\":\"priority\"}},\"value\":2}}",
		"{\"log\":{\"group\":78}}",
		"{\"log\":{\"prefix\":\"x\"}}",
		"{\"accept\":null}",
		"{\"xt\":{\"type\":\"target\",\"name\":\"TCPMSS\"}}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(statements) / sizeof(*statements); i++) {
		check_statement(statements[i]);
		assert_finding(FINDING_OK, "no nftables rule of another program", NULL);
	}
	check_statement_of("waymark", SET_CT("2"));
	assert_finding(FINDING_OK, "no nftables rule of another program", NULL);
}

static void test_marks_are_expected_in_audit_mode(void **state)
{
	(void)state;
	config.mode = MODE_AUDIT;
	check_statement(SET_CT("2"));
	assert_finding(FINDING_OK, "as mode audit expects", NULL);
}

static void test_other_statements_that_matter(void **state)
{
	(void)state;
	check_statement("{\"mangle\":{\"key\":{\"ct\":{\"key\":\"label\"}},\"value\":66}}");
	assert_finding(FINDING_ERROR, "connlabels", "nft delete rule inet other c handle 9");
	check_statement("{\"mangle\":{\"key\":{\"ct\":{\"key\":\"label\"}},\"value\":\"voip\"}}");
	assert_finding(FINDING_WARNING, "connlabels", "nft delete rule inet other c handle 9");
	check_statement("{\"mangle\":{\"key\":{\"ct\":{\"key\":\"event\"}},\"value\":[\"new\"]}}");
	assert_finding(FINDING_WARNING, "limits conntrack events", "nft delete rule");
	check_statement("{\"log\":{\"group\":77}}");
	assert_finding(FINDING_WARNING, "NFLOG group 77", "nflog-group");
	check_statement("{\"xt\":{\"type\":\"target\",\"name\":\"CONNMARK\"}}");
	assert_finding(FINDING_WARNING, "with target CONNMARK",
		       "run 'iptables -t other -S c' to see");
	check_statement("{\"xt\":null}");
	assert_finding(FINDING_WARNING, "an iptables rule that may write marks", "iptables");
	check_statement("{\"notrack\":null}");
	assert_finding(FINDING_WARNING, "out of connection tracking", NULL);
	hostcheck_rulesets(&findings, &config,
			   "{\"nftables\":[{\"flowtable\":{\"family\":\"ip\",\"name\":\"fast\","
			   "\"table\":\"t\"}}]}");
	assert_finding(FINDING_WARNING, "flowtable fast in table ip t", "flow add @fast");
	hostcheck_rulesets(&findings, &config, "{\"nftables\":[");
	assert_finding(FINDING_WARNING, "cannot read the rulesets", NULL);
}

static void check_filter(const char *flags, const char *right, const char *verdict)
{
	char json[1024];

	snprintf(json, sizeof(json),
		 "{\"nftables\":[{\"rule\":{\"family\":\"inet\",\"table\":\"firewalld\","
		 "\"chain\":\"c\",\"handle\":9,\"expr\":[{\"match\":{\"op\":\"==\",\"left\":"
		 "{\"fib\":{\"result\":\"oif\",\"flags\":[%s]}},\"right\":%s}},{\"%s\":null}]}}]}",
		 flags, right, verdict);
	hostcheck_rulesets(&findings, &config, json);
}

static void test_strict_reverse_path_filters(void **state)
{
	(void)state;
	config.balance = 1;
	check_filter("\"saddr\",\"mark\",\"iif\"", "false", "drop");
	assert_finding(FINDING_WARNING, "strict reverse path check", "IPv6_rpfilter=loose");
	check_filter("\"saddr\",\"iif\"", "\"0\"", "drop");
	assert_finding(FINDING_WARNING, "strict reverse path check", NULL);
	check_filter("\"saddr\"", "false", "drop");
	assert_finding(FINDING_OK, "no nftables rule", NULL);
	check_filter("\"saddr\",\"iif\"", "false", "accept");
	assert_finding(FINDING_OK, "no nftables rule", NULL);
	config.balance = 0;
	check_filter("\"saddr\",\"iif\"", "false", "drop");
	assert_finding(FINDING_OK, "no nftables rule", NULL);
}

/* --- ip rules and routes ---------------------------------------------------- */

/* A router with both uplinks up and a VPN whose table 77 has a default. */
static struct netstate *router_new(int family)
{
	static const struct link_state links[] = {
		{.index = 1, .name = "eth1", .is_up = true, .has_carrier = true},
		{.index = 2, .name = "eth2", .is_up = true, .has_carrier = true},
		{.index = 3, .name = "$(id)", .is_up = true, .has_carrier = true},
		{.index = 4, .name = "lan", .is_up = true, .has_carrier = true},
	};
	static const char *const lan[2] = {"192.168.10.1/24", "fd00:10::1/64"};
	static const char *const addrs[2][2] = {{"192.0.2.10/24", "198.51.100.10/24"},
						{"2001:db8:1::10/64", "2001:db8:2::10/64"}};
	struct addr_state inside = {.ifindex = 4};
	struct netstate *s = netstate_new();

	for (size_t i = 0; i < 4; i++)
		assert_non_null(netstate_add_link(s, &links[i]));
	assert_int_equal(prefix_parse(&inside.prefix, lan[family == AF_INET6]), 0);
	assert_non_null(netstate_add_addr(s, &inside));
	for (unsigned i = 0; i < 2; i++) {
		struct addr_state a = {.ifindex = i + 1};
		struct nexthop hop = {.ifindex = i + 1, .weight = 1};
		struct route_state r = {
			.family = (uint8_t)family,
			.table = RT_TABLE_MAIN,
			.type = RTN_UNICAST,
			.protocol = RTPROT_DHCP,
			.metric = 100 + i,
			.n_nexthops = 1,
			.nexthops = &hop,
		};

		assert_int_equal(prefix_parse(&a.prefix, addrs[family == AF_INET6][i]), 0);
		assert_non_null(netstate_add_addr(s, &a));
		r.dst.addr.family = (uint8_t)family;
		hop.gateway = a.prefix.addr;
		hop.gateway.bytes[addr_size(family) - 1] = 1;
		assert_non_null(netstate_add_route(s, &r));
	}
	return s;
}

static void route_add(struct netstate *s, int family, uint32_t table, uint32_t ifindex, uint8_t len)
{
	struct nexthop hop = {.ifindex = ifindex, .weight = 1};
	struct route_state r = {
		.family = (uint8_t)family,
		.table = table,
		.type = RTN_UNICAST,
		.protocol = RTPROT_STATIC,
		.n_nexthops = 1,
		.nexthops = &hop,
		.dst.len = len,
	};

	r.dst.addr.family = (uint8_t)family;
	assert_non_null(netstate_add_route(s, &r));
}

static void check_router(struct netstate *s)
{
	struct learnt_gateways learnt = {0};
	struct route_plan *plan;

	learnt_gateways_update(&learnt, &config, s);
	plan = route_plan_new(&config, s, &learnt, NULL);
	assert_non_null(plan);
	hostcheck_rules(&findings, &config, s, plan);
	route_plan_free(plan);
	netstate_free(s);
}

static struct rule_state rule_of(uint32_t priority, uint32_t mark, uint32_t mask, uint32_t table)
{
	return (struct rule_state){
		.family = AF_INET,
		.priority = priority,
		.action = FR_ACT_TO_TBL,
		.table = table,
		.fwmark = mark,
		.fwmask = mask,
		.suppress_prefixlength = -1,
	};
}

/* Beside the kernel's rule for table main. */
static void check_rule(const struct rule_state *rule)
{
	struct netstate *s = router_new(rule->family);
	struct rule_state last = rule_of(32766, 0, 0, RT_TABLE_MAIN);

	last.family = rule->family;
	route_add(s, rule->family, 77, 3, 0);
	assert_non_null(netstate_add_rule(s, rule));
	assert_non_null(netstate_add_rule(s, &last));
	check_router(s);
}

static void test_rules_that_take_all_pinned_flows(void **state)
{
	struct rule_state rule = rule_of(1, 0, 0, 77);

	(void)state;
	check_rule(&rule);
	assert_finding(FINDING_ERROR,
		       "all flows pinned to "
		       "uplink wan1 and other uplinks leave by interface $(id) (table 77)",
		       "ip -4 rule del priority 1 lookup 77");
	rule.family = AF_INET6;
	check_rule(&rule);
	assert_finding(FINDING_ERROR, "\"priority 1 lookup 77\" (IPv6)", "ip -6 rule add priority");
	/* Inverted rules, with a bit that pinned packets do not have, and with the whole mark. */
	rule = rule_of(1, 0x10000, 0x10000, 77);
	rule.is_inverted = true;
	check_rule(&rule);
	assert_finding(FINDING_ERROR, "not fwmark 0x10000/0x10000",
		       "rule del priority 1 not fwmark");
	rule = rule_of(1, 51820, UINT32_MAX, 77);
	rule.is_inverted = true;
	check_rule(&rule);
	assert_finding(FINDING_ERROR, "all flows", "rule add");
	/* Rules for one uplink's mark, a rule that drops, and one that jumps over ours. */
	rule = rule_of(1, 0x2, 0xff, 77);
	check_rule(&rule);
	assert_finding(FINDING_ERROR, "all flows pinned to uplink wan1", "rule add");
	rule = rule_of(1, 0, 0, 0);
	rule.action = FR_ACT_BLACKHOLE;
	check_rule(&rule);
	assert_finding(FINDING_ERROR, "and other uplinks are dropped",
		       "rule del priority 1 blackhole");
	rule.action = FR_ACT_GOTO;
	rule.extra.target = 32766;
	check_rule(&rule);
	assert_finding(FINDING_ERROR, "skip Waymark's rules", "rule del priority 1 goto 32766");
}

static void test_rules_that_take_some_pinned_flows(void **state)
{
	struct rule_state rule = rule_of(1, 0, 0, 77);

	(void)state;
	strcpy(rule.iifname, "$(id)");
	check_rule(&rule);
	assert_finding(FINDING_WARNING, "matching flows pinned to",
		       "rule del priority 1 iif '$(id)' lookup 77");
	rule = rule_of(1, 0, 0, 77);
	rule.has_other = rule.extra.has_uids = true;
	rule.extra.uids[0] = rule.extra.uids[1] = 1000;
	check_rule(&rule);
	assert_finding(FINDING_WARNING, "uidrange 1000-1000",
		       "rule del priority 1 uidrange 1000-1000");
	rule = rule_of(1, 0, 0, 77);
	prefix_parse(&rule.src, "10.0.0.0/8");
	check_rule(&rule);
	assert_finding(FINDING_WARNING, "from 10.0.0.0/8", "rule add");
	/* The LAN's own network, also together with an uplink's: the router has an address in it. */
	prefix_parse(&rule.src, "192.168.10.0/24");
	check_rule(&rule);
	assert_finding(FINDING_WARNING, "from 192.168.10.0/24", "rule add");
	prefix_parse(&rule.src, "192.0.0.0/8");
	check_rule(&rule);
	assert_finding(FINDING_WARNING, "pinned to uplink wan1 and other uplinks", "rule add");
	rule.family = AF_INET6;
	prefix_parse(&rule.src, "fd00:10::/64");
	check_rule(&rule);
	assert_finding(FINDING_WARNING, "from fd00:10::/64", "rule add");
	/* A rule for sockets bound to an uplink leads to another interface. */
	rule = rule_of(1, 0, 0, 77);
	strcpy(rule.oifname, "eth2");
	check_rule(&rule);
	assert_finding(FINDING_WARNING, "matching flows pinned to uplink wan2", "rule add");
	/* A rule for one uplink's address leads to the other one's interface. */
	rule = rule_of(1, 0, 0, 77);
	prefix_parse(&rule.src, "198.51.100.10/32");
	check_rule(&rule);
	assert_finding(FINDING_WARNING, "pinned to uplink wan2", "rule add");
}

/* Add a specific route to the table of a rule before ours. */
static void check_specific(const char *dst)
{
	struct netstate *s = router_new(AF_INET);
	struct rule_state rule = rule_of(1, 0, 0, 78), last = rule_of(32766, 0, 0, RT_TABLE_MAIN);
	struct route_state *r;

	route_add(s, AF_INET, 78, 3, 0);
	r = &s->routes[s->n_routes - 1];
	assert_int_equal(prefix_parse(&r->dst, dst), 0);
	assert_non_null(netstate_add_rule(s, &rule));
	assert_non_null(netstate_add_rule(s, &last));
	check_router(s);
}

static void test_rules_that_take_some_destinations(void **state)
{
	(void)state;
	check_specific("203.0.113.0/24");
	assert_finding(FINDING_WARNING,
		       "matching flows pinned to uplink wan1 and other uplinks leave by interface "
		       "$(id) (table 78)",
		       "ip -4 rule del priority 1 lookup 78");
	/* A mesh VPN's network: no pinned flow goes there. */
	check_specific("100.64.0.0/10");
	assert_finding(FINDING_OK, "no ip rule of another program", NULL);
}

static void test_rules_that_harm_nothing(void **state)
{
	struct rule_state rules[] = {
		rule_of(0, 0, 0, RT_TABLE_LOCAL),
		rule_of(32766, 0, 0, RT_TABLE_MAIN),
		rule_of(32000, 0, 0, 77),	       /* behind ours */
		rule_of(1, 0x100, 0xff00, 77),	       /* for a mark that pinned packets lack */
		rule_of(1, 0, 0, 78),		       /* a table without routes */
		rule_of(1, 0x2, 0xff, 251),	       /* the same as ours */
		rule_of(1001, 0x2, 0xff, 251),	       /* ours */
		rule_of(32765, 51820, UINT32_MAX, 77), /* wg-quick's, behind ours */
		rule_of(1, 0, 0, 77),		       /* only routes longer than /0 */
		rule_of(1, 0, 0, 0),
		rule_of(1, 0, 0, 77), /* for sockets that are bound to another interface */
		rule_of(1, 0, 0, 0),  /* jumps to itself: to a rule before ours */
		rule_of(1, 0, 0, 0),  /* jumps to a rule that is missing */
		rule_of(1, 0, 0, 77), /* ignores routes to the interfaces of their group */
	};
	size_t n = sizeof(rules) / sizeof(*rules);

	(void)state;
	rules[6].protocol = ROUTE_PROTOCOL_WAYMARK;
	rules[7].is_inverted = true;
	rules[8].suppress_prefixlength = 0;
	rules[9].action = FR_ACT_NOP;
	strcpy(rules[10].oifname, "$(id)");
	rules[11].action = rules[12].action = FR_ACT_GOTO;
	rules[11].extra.target = 1;
	rules[12].extra.target = 32000;
	rules[13].extra.has_suppress_ifgroup = true;
	for (size_t i = 0; i < n; i++) {
		check_rule(&rules[i]);
		assert_finding(FINDING_OK, "no ip rule of another program", NULL);
	}
}

/* The kernel's rule for VRFs is reported as such, and is no fault. */
static void test_rule_of_vrfs(void **state)
{
	struct rule_state rule = rule_of(1000, 0, 0, 0);

	(void)state;
	rule.extra.is_l3mdev = rule.has_other = true;
	check_rule(&rule);
	assert_int_equal(findings.n, 2);
	assert_int_equal(findings_count(&findings, FINDING_OK), 2);
	assert_non_null(strstr(findings.list[0].what, "priority 1000"));
	assert_non_null(strstr(findings.list[0].what, "matches only packets of VRFs"));
	assert_non_null(strstr(findings.list[1].what, "no ip rule of another program"));
	findings_clear(&findings);
}

static void test_rules_with_marks_under_our_mask(void **state)
{
	struct rule_state rule = rule_of(30000, 0x7, UINT32_MAX, 77);

	(void)state;
	check_rule(&rule);
	assert_finding(FINDING_WARNING, "mark bits 0x7 (under mark-mask 0xff), which no uplink has",
		       "set mark-mask = 0x7f8");
	rule = rule_of(30000, 0x3, 0xff, 77);
	check_rule(&rule);
	assert_finding(FINDING_WARNING, "the mark of uplink wan2", "set mark-mask = 0xff00");
}

static void main_rule_add(struct netstate *s, uint8_t family)
{
	struct rule_state rule = rule_of(32766, 0, 0, RT_TABLE_MAIN);

	rule.family = family;
	assert_non_null(netstate_add_rule(s, &rule));
}

/* OpenVPN's redirect-gateway: pinned flows skip the halves, new ones follow them. */
static void test_halves_of_a_default_route(void **state)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	static const char *const names[] = {"0.0.0.0/1", "::/1"};
	struct netstate *s;
	char text[96];

	(void)state;
	for (unsigned f = 0; f < 2; f++) {
		s = router_new(families[f]);
		main_rule_add(s, families[f]);
		route_add(s, families[f], RT_TABLE_MAIN, 3, 1);
		snprintf(text, sizeof(text),
			 "route \"%s dev $(id) table main proto static\" comes before", names[f]);
		check_router(s);
		assert_int_equal(findings.n, 1);
		assert_non_null(strstr(findings.list[0].what,
				       "new flows leave by interface $(id); pinned"));
		assert_finding(FINDING_WARNING, text, f ? "ip -6 route del" : "ip -4 route del");
	}
	/* Halves of 2000::/3 are skipped as well. */
	s = router_new(AF_INET6);
	main_rule_add(s, AF_INET6);
	route_add(s, AF_INET6, RT_TABLE_MAIN, 3, 4);
	s->routes[s->n_routes - 1].dst.addr.bytes[0] = 0x20;
	check_router(s);
	assert_finding(FINDING_WARNING, "pinned flows stay on their uplinks",
		       "ip -6 route del 2000::/4");
	/* A half that leads to an uplink does not affect that uplink's flows. */
	s = router_new(AF_INET);
	main_rule_add(s, AF_INET);
	config.n_uplinks = 1;
	route_add(s, AF_INET, RT_TABLE_MAIN, 1, 1);
	check_router(s);
	assert_finding(FINDING_OK, "no ip rule of another program", NULL);
}

/* An unreachable default route of main precedes the marks, whatever its metric, when it is the only
 * or the best one. */
static void test_refusing_defaults(void **state)
{
	(void)state;
	for (int best = 0; best < 2; best++) {
		struct netstate *s = router_new(AF_INET);
		struct route_state r = {.family = AF_INET,
					.table = RT_TABLE_MAIN,
					.type = RTN_PROHIBIT,
					.protocol = RTPROT_BOOT,
					.metric = best ? 0 : 9999,
					.dst.addr.family = AF_INET};

		main_rule_add(s, AF_INET);
		assert_non_null(netstate_add_route(s, &r));
		check_router(s);
		if (best)
			assert_finding(FINDING_ERROR, "refuses flows pinned to uplink wan1",
				       "ip -4 route del prohibit default");
		else
			assert_finding(FINDING_OK, "no ip rule of another program", NULL);
	}
}

/* In mode audit the rules of the marking tool are checked too. */
static void test_takeover_in_audit_mode(void **state)
{
	struct netstate *s = router_new(AF_INET);
	struct rule_state look = rule_of(1500, 0, 0, RT_TABLE_MAIN);
	struct rule_state mark = rule_of(2000, 0x2, 0xff, 251);

	(void)state;
	config.mode = MODE_AUDIT;
	look.suppress_prefixlength = 0;
	assert_non_null(netstate_add_rule(s, &look));
	assert_non_null(netstate_add_rule(s, &mark));
	main_rule_add(s, AF_INET);
	route_add(s, AF_INET, 251, 1, 0);
	route_add(s, AF_INET, RT_TABLE_MAIN, 3, 1);
	check_router(s);
	assert_finding(FINDING_ERROR, "takes over flows pinned to uplink wan1",
		       "ip -4 route del 0.0.0.0/1");
}

static void test_general_prefixes(void **state)
{
	static const char *const general[] = {"0.0.0.0/0", "128.0.0.0/1", "::/0",
					      "8000::/1",  "2000::/3",	  "3000::/4"};
	static const char *const special[] = {"32.0.0.0/3", "64.0.0.0/2", "::/3", "fc00::/7",
					      "2000::/5"};
	struct prefix p;

	(void)state;
	for (size_t i = 0; i < sizeof(general) / sizeof(*general); i++) {
		assert_int_equal(prefix_parse(&p, general[i]), 0);
		assert_true(hostcheck_prefix_is_general(&p));
	}
	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++) {
		assert_int_equal(prefix_parse(&p, special[i]), 0);
		assert_false(hostcheck_prefix_is_general(&p));
	}
}

static void test_tproxy_beside_valid_marks(void **state)
{
	struct netstate *s = router_new(AF_INET);
	struct rule_state rule = rule_of(999, 0x100, 0x100, 100);
	struct route_state local = {
		.family = AF_INET,
		.table = 100,
		.type = RTN_LOCAL,
		.dst.addr.family = AF_INET,
	};

	(void)state;
	netstate_add_rule(s, &rule);
	hostcheck_tproxy(&findings, s, true);
	assert_int_equal(findings.n, 0);
	netstate_add_route(s, &local);
	hostcheck_tproxy(&findings, s, false);
	assert_int_equal(findings.n, 0);
	hostcheck_tproxy(&findings, s, true);
	assert_finding(FINDING_WARNING, "fwmark 0x100/0x100", "src_valid_mark=0");
	netstate_free(s);
}

static void check_route(uint32_t table, uint8_t protocol)
{
	struct netstate *s = netstate_new();
	struct route_state route = {
		.family = AF_INET,
		.table = table,
		.type = RTN_UNICAST,
		.protocol = protocol,
		.scope = RT_SCOPE_UNIVERSE,
		.dst.addr.family = AF_INET,
	};

	assert_non_null(netstate_add_route(s, &route));
	hostcheck_tables(&findings, &config, s);
	netstate_free(s);
}

static void test_tables_of_uplinks(void **state)
{
	(void)state;
	check_route(250, RTPROT_STATIC);
	assert_finding(FINDING_WARNING, "in the table of uplink wan2", "ip -4 route del default");
	check_route(250, ROUTE_PROTOCOL_WAYMARK);
	check_route(252, RTPROT_STATIC);
	check_route(RT_TABLE_MAIN, RTPROT_STATIC);
	assert_int_equal(findings.n, 0);
}

static void test_uplinks_in_trouble(void **state)
{
	struct netstate *s = netstate_new();
	struct link_state eth2 = {.index = 7, .name = "eth2"};
	struct addr_state address = {.ifindex = 7};
	struct addr_state link_local = {.ifindex = 7, .is_link_local = true};
	struct link_state *link;

	(void)state;
	config.uplinks = &uplinks[1];
	config.n_uplinks = 1;
	hostcheck_uplinks(&findings, &config, s, NULL);
	assert_finding(FINDING_WARNING, "uplink wan2: interface eth2 does not exist", NULL);
	link = netstate_add_link(s, &eth2);
	hostcheck_uplinks(&findings, &config, s, NULL);
	assert_finding(FINDING_WARNING, "interface eth2 is down", "ip link set dev eth2 up");
	link->is_up = link->has_carrier = true;
	prefix_parse(&link_local.prefix, "fe80::1/64");
	netstate_add_addr(s, &link_local);
	hostcheck_uplinks(&findings, &config, s, NULL);
	assert_finding(FINDING_WARNING, "interface eth2 has no address", "ip addr add");
	prefix_parse(&address.prefix, "192.0.2.1/24");
	netstate_add_addr(s, &address);
	hostcheck_uplinks(&findings, &config, s, NULL);
	assert_finding(FINDING_OK, "uplink wan2: interface eth2 is up", NULL);
	netstate_free(s);
}

static void test_uplink_families(void **state)
{
	struct netstate *s = netstate_new();
	struct link_state eth1 = {
		.index = 6,
		.name = "eth1",
		.is_up = true,
		.has_carrier = true,
	};
	struct addr_state address = {.ifindex = 6};
	struct route_plan plan = {.n_uplinks = 1};

	(void)state;
	config.n_uplinks = 1;
	netstate_add_link(s, &eth1);
	prefix_parse(&address.prefix, "192.0.2.1/24");
	netstate_add_addr(s, &address);
	plan.uplinks[0] = (struct uplink_plan){
		.slot = 2,
		.trouble = {UPLINK_NO_GATEWAY, UPLINK_NO_ADDRESS},
	};
	hostcheck_uplinks(&findings, &config, s, &plan);
	assert_finding(FINDING_WARNING, "no gateway is known for interface eth1", "set gateway");
	plan.uplinks[0].trouble[0] = UPLINK_FINE;
	hostcheck_uplinks(&findings, &config, s, &plan);
	assert_finding(FINDING_OK, "eth1 is up, IPv4", NULL);
	uplinks[0].gateway6.kind = GATEWAY_ADDR;
	hostcheck_uplinks(&findings, &config, s, &plan);
	uplinks[0].gateway6.kind = GATEWAY_LEARN;
	assert_int_equal(findings.n, 2);
	assert_int_equal(findings.list[1].level, FINDING_WARNING);
	assert_non_null(strstr(findings.list[1].what,
			       "gateway6 is configured, but IPv6 cannot be used: no address"));
	netstate_free(s);
}

static void test_gateways_that_cannot_work(void **state)
{
	struct netstate *s = router_new(AF_INET);

	(void)state;
	config.n_uplinks = 1;
	uplinks[0].gateway.kind = GATEWAY_ADDR;
	addr_parse(&uplinks[0].gateway.addr, "192.0.2.10");
	hostcheck_uplinks(&findings, &config, s, NULL);
	assert_int_equal(findings.n, 2);
	assert_non_null(strstr(findings.list[0].what, "gateway 192.0.2.10 is this router's own"));
	assert_non_null(strstr(findings.list[0].fix, "set gateway = \"192.0.2.1\" in uplink wan1"));
	assert_int_equal(findings.list[0].level, FINDING_ERROR);
	findings_clear(&findings);
	addr_parse(&uplinks[0].gateway.addr, "203.0.113.1");
	hostcheck_uplinks(&findings, &config, s, NULL);
	assert_int_equal(findings.n, 2);
	assert_non_null(
		strstr(findings.list[0].what, "203.0.113.1 is not in a network of interface"));
	findings_clear(&findings);
	addr_parse(&uplinks[0].gateway.addr, "192.0.2.255");
	hostcheck_uplinks(&findings, &config, s, NULL);
	assert_int_equal(findings.n, 2);
	assert_non_null(strstr(findings.list[0].what,
			       "192.0.2.255 is the network or broadcast address of its subnet"));
	findings_clear(&findings);
	addr_parse(&uplinks[0].gateway.addr, "192.0.2.99");
	hostcheck_uplinks(&findings, &config, s, NULL);
	assert_finding(FINDING_OK, "is up", NULL);
	uplinks[0].gateway.kind = GATEWAY_LEARN;
	netstate_free(s);
}

/* The same link-local address on the LAN is a different one; on the uplink it is the same. */
static void test_link_local_gateways(void **state)
{
	static const struct addr_state at_link[2] = {{.ifindex = 4, .is_link_local = true},
						     {.ifindex = 1, .is_link_local = true}};

	(void)state;
	config.n_uplinks = 1;
	uplinks[0].gateway6.kind = GATEWAY_ADDR;
	addr_parse(&uplinks[0].gateway6.addr, "fe80::1");
	for (int i = 0; i < 2; i++) {
		struct netstate *s = router_new(AF_INET6);
		struct addr_state a = at_link[i];

		prefix_parse(&a.prefix, "fe80::1/64");
		assert_non_null(netstate_add_addr(s, &a));
		hostcheck_uplinks(&findings, &config, s, NULL);
		assert_int_equal(findings.n, 1 + (size_t)i);
		if (i)
			assert_non_null(
				strstr(findings.list[0].what, "fe80::1 is this router's own"));
		findings_clear(&findings);
		netstate_free(s);
	}
	uplinks[0].gateway6.kind = GATEWAY_LEARN;
}

static void check_uplinks(struct netstate *s)
{
	struct learnt_gateways learnt = {0};
	struct route_plan *plan;

	learnt_gateways_update(&learnt, &config, s);
	plan = route_plan_new(&config, s, &learnt, NULL);
	assert_non_null(plan);
	hostcheck_uplinks(&findings, &config, s, plan);
	route_plan_free(plan);
	netstate_free(s);
}

static void assert_second(enum finding_level level, const char *what)
{
	assert_int_equal(findings.n, 2);
	assert_int_equal(findings.list[1].level, level);
	if (!strstr(findings.list[1].what, what))
		fail_msg("found: %s", findings.list[1].what);
	findings_clear(&findings);
}

/* The public address is on the loopback interface, and main's default route has it as source. */
static struct netstate *source_router_new(int family, const char *source, const char *on_lo)
{
	struct netstate *s = router_new(family);
	struct addr_state lo = {.ifindex = 9};
	struct prefix named;

	assert_int_equal(prefix_parse(&lo.prefix, on_lo), 0);
	assert_int_equal(prefix_parse(&named, source), 0);
	assert_non_null(netstate_add_addr(s, &lo));
	s->routes[0].prefsrc = named.addr;
	return s;
}

static void test_sources_of_default_routes(void **state)
{
	(void)state;
	config.n_uplinks = 1;
	check_uplinks(source_router_new(AF_INET, "203.0.113.1/32", "203.0.113.1/32"));
	assert_second(FINDING_OK, "have the source 203.0.113.1, as in the IPv4 route \"default via "
				  "192.0.2.1 dev eth1");
	check_uplinks(source_router_new(AF_INET6, "2001:db8:9::1/128", "2001:db8:9::1/128"));
	assert_second(FINDING_OK, "have the source 2001:db8:9::1, as in the IPv6 route");
	/* Its own address is as expected. */
	check_uplinks(source_router_new(AF_INET, "192.0.2.10/32", "203.0.113.1/32"));
	assert_int_equal(findings.n, 1);
	findings_clear(&findings);
	/* With another gateway in the configuration, main's route is not this uplink's. */
	uplinks[0].gateway.kind = GATEWAY_ADDR;
	addr_parse(&uplinks[0].gateway.addr, "192.0.2.99");
	check_uplinks(source_router_new(AF_INET, "203.0.113.1/32", "203.0.113.1/32"));
	uplinks[0].gateway.kind = GATEWAY_LEARN;
	assert_second(FINDING_WARNING,
		      "packets that this router sends by table 251 have the source "
		      "192.0.2.10, not the source of the IPv4 route \"");
}

static void test_names_that_ip_prints(void **state)
{
	struct uplink_config u = uplinks[0];
	struct netstate *s = router_new(AF_INET);

	(void)state;
	strcpy(u.ifname, "eth1@bond0");
	config.uplinks = &u;
	config.n_uplinks = 1;
	hostcheck_uplinks(&findings, &config, s, NULL);
	assert_finding(FINDING_ERROR,
		       "\"eth1@bond0\" is the NAME@PARENT notation of interface eth1",
		       "set interface = \"eth1\" in uplink wan1");
	netstate_free(s);
}

static void test_differences_are_no_errors(void **state)
{
	struct netstate *s = router_new(AF_INET);
	struct learnt_gateways learnt = {0};
	struct rule_state ours = rule_of(1001, 0x7, 0xff, 247);
	struct route_plan *plan;

	(void)state;
	learnt_gateways_update(&learnt, &config, s);
	plan = route_plan_new(&config, s, &learnt, NULL);
	hostcheck_installed(&findings, &config, s, plan);
	assert_finding(FINDING_OK, "not installed yet", NULL);
	ours.protocol = ROUTE_PROTOCOL_WAYMARK;
	netstate_add_rule(s, &ours);
	hostcheck_installed(&findings, &config, s, plan);
	assert_finding(FINDING_WARNING, "differ from the configuration", "waymark apply");
	route_plan_free(plan);
	netstate_free(s);
}

/* --- programs and files ----------------------------------------------------- */

static void file_write(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_networkd(void **state)
{
	char root[] = "/tmp/waymark-hostcheck.XXXXXX", command[256];

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(command, sizeof(command),
		 "mkdir -p %s/etc/systemd/networkd.conf.d "
		 "%s/run/systemd/networkd.conf.d",
		 root, root);
	assert_int_equal(system(command), 0);
	hostcheck_networkd(&findings, &config, root);
	assert_finding(FINDING_WARNING,
		       "ManageForeignRoutingPolicyRules=yes, ManageForeignRoutes=yes",
		       "systemctl restart systemd-networkd");
	file_write(root, "etc/systemd/networkd.conf",
		   "[Network]\n#ManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n");
	hostcheck_networkd(&findings, &config, root);
	assert_finding(FINDING_WARNING, "event: ManageForeignRoutes=yes", "networkd.conf.d");
	file_write(root, "etc/systemd/networkd.conf.d/10-a.conf",
		   "[Network]\nManageForeignRoutes = no\n");
	hostcheck_networkd(&findings, &config, root);
	assert_finding(FINDING_OK, "keeps the rules", NULL);
	file_write(root, "run/systemd/networkd.conf.d/20-b.conf",
		   "[Network]\nManageForeignRoutes=yes\n");
	hostcheck_networkd(&findings, &config, root);
	assert_finding(FINDING_WARNING, "ManageForeignRoutes=yes", NULL);
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

static void test_saved_rulesets(void **state)
{
	char folder[] = "/tmp/waymark hostcheck.XXXXXX", path[64], command[512];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/nftables.conf", folder);
	hostcheck_saved_ruleset(&findings, path);
	file_write(folder, "nftables.conf", "#table inet waymark {\ntable inet waymark2 {\n}\n");
	hostcheck_saved_ruleset(&findings, path);
	assert_int_equal(findings.n, 0);
	file_write(folder, "nftables.conf",
		   "table inet a {\n}\ntable inet waymark {\n\tmap m {\n\t}\n"
		   "}\ntable inet b {\n}\n");
	hostcheck_saved_ruleset(&findings, path);
	assert_int_equal(findings.n, 1);
	/* The fix removes this table and leaves the others. */
	assert_int_equal(system(findings.list[0].fix), 0);
	assert_finding(FINDING_ERROR, "holds a saved table inet waymark", "sed -i");
	hostcheck_saved_ruleset(&findings, path);
	assert_int_equal(findings.n, 0);
	snprintf(command, sizeof(command), "[ \"$(grep -c '^table inet [ab] {' '%s')\" = 2 ]",
		 path);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	assert_int_equal(system(command), 0);
}

static void test_folders_and_addresses(void **state)
{
	struct netstate *s = router_new(AF_INET);

	(void)state;
	hostcheck_folder(&findings, "alert json", NULL);
	hostcheck_folder(&findings, "alert json", "/tmp/alerts.jsonl");
	assert_int_equal(findings.n, 0);
	hostcheck_folder(&findings, "alert json", "/no/such folder/alerts.jsonl");
	assert_finding(FINDING_ERROR, "alert json: the folder /no/such folder is missing",
		       "mkdir -p '/no/such folder'");
	config.prometheus.port = 9000;
	addr_parse(&config.prometheus.addr, "127.0.0.1");
	hostcheck_listen(&findings, &config, s);
	addr_parse(&config.prometheus.addr, "192.0.2.10");
	hostcheck_listen(&findings, &config, s);
	addr_parse(&config.prometheus.addr, "::");
	hostcheck_listen(&findings, &config, s);
	assert_int_equal(findings.n, 0);
	addr_parse(&config.prometheus.addr, "192.0.2.11");
	hostcheck_listen(&findings, &config, s);
	assert_finding(FINDING_ERROR, "no address 192.0.2.11", "ip addr");
	netstate_free(s);
}

static void test_findings_hold_no_control_characters(void **state)
{
	(void)state;
	findings_add(&findings, FINDING_WARNING, "interface %s", "a\033[31m");
	assert_string_equal(findings.list[0].what, "interface a\\x1b[31m");
}

/* --- sockets ---------------------------------------------------------------- */

static FILE *file_of(const char *text)
{
	return fmemopen((char *)(uintptr_t)text, strlen(text), "r");
}

#define NETLINK_HEAD                                                                               \
	"sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    "      \
	"Inode\n"

static void test_nflog_group_taken(void **state)
{
	FILE *groups = file_of("   78  11111     0 2 65531    100  1\n"
			       "   77  13565     0 2 65531    100  1\n");
	FILE *sockets = file_of(NETLINK_HEAD "00000000560fee38 12  13565      00000000 0        0  "
					     "      0     2        0        1\n");

	(void)state;
	assert_true(hostcheck_nflog_group(&findings, &config, groups, sockets));
	assert_finding(FINDING_ERROR, "NFLOG group 77 is used by a process not visible here",
		       "nflog-group");
	rewind(groups);
	config.nflog_group = 79;
	assert_false(hostcheck_nflog_group(&findings, &config, groups, NULL));
	assert_int_equal(findings.n, 0);
	fclose(groups);
	fclose(sockets);
}

static void test_event_listeners(void **state)
{
	FILE *sockets = file_of(NETLINK_HEAD "00000000560fee38 12  13565      00000040 0        0  "
					     "      0     2        0        1\n"
					     "00000000560fee39 0   13566      00000007 0        0  "
					     "      0     2        0        2\n"
					     "00000000187436af 12  3279155233 00000004 0        0  "
					     "      0     2        0        3\n");

	(void)state;
	hostcheck_listeners(&findings, &config, sockets);
	assert_finding(FINDING_OK, "listens to conntrack events, so that events = auto keeps",
		       NULL);
	config.events = EVENTS_MINIMAL;
	rewind(sockets);
	hostcheck_listeners(&findings, &config, sockets);
	assert_finding(FINDING_ERROR, "events = minimal leaves out events", "events = \"auto\"");
	fclose(sockets);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, check_start, check_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_marks_that_collide),
		TEST(test_marks_that_do_not_collide),
		TEST(test_marks_are_expected_in_audit_mode),
		TEST(test_other_statements_that_matter),
		TEST(test_strict_reverse_path_filters),
		TEST(test_rules_that_take_all_pinned_flows),
		TEST(test_rules_that_take_some_pinned_flows),
		TEST(test_rules_that_take_some_destinations),
		TEST(test_rules_that_harm_nothing),
		TEST(test_rule_of_vrfs),
		TEST(test_rules_with_marks_under_our_mask),
		TEST(test_halves_of_a_default_route),
		TEST(test_refusing_defaults),
		TEST(test_takeover_in_audit_mode),
		TEST(test_general_prefixes),
		TEST(test_tproxy_beside_valid_marks),
		TEST(test_gateways_that_cannot_work),
		TEST(test_link_local_gateways),
		TEST(test_sources_of_default_routes),
		TEST(test_names_that_ip_prints),
		TEST(test_differences_are_no_errors),
		TEST(test_networkd),
		TEST(test_saved_rulesets),
		TEST(test_folders_and_addresses),
		TEST(test_findings_hold_no_control_characters),
		TEST(test_tables_of_uplinks),
		TEST(test_uplinks_in_trouble),
		TEST(test_uplink_families),
		TEST(test_nflog_group_taken),
		TEST(test_event_listeners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
