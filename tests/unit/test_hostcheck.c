/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_hostcheck.c - what the host's check finds in rulesets, ip rules, tables
 * and sockets that this host need not have: each collision by name, and silence
 * where the two do not meet.
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

/* The one finding there is. */
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
		assert_finding(FINDING_OK, "no nftables rule of others", NULL);
	}
	check_statement_of("waymark", SET_CT("2"));
	assert_finding(FINDING_OK, "no nftables rule of others", NULL);
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
	assert_finding(FINDING_ERROR, "connlabels", "label-base");
	check_statement("{\"mangle\":{\"key\":{\"ct\":{\"key\":\"label\"}},\"value\":\"voip\"}}");
	assert_finding(FINDING_WARNING, "connlabels", "label-base");
	check_statement("{\"mangle\":{\"key\":{\"ct\":{\"key\":\"event\"}},\"value\":[\"new\"]}}");
	assert_finding(FINDING_WARNING, "limits conntrack events", "nft delete rule");
	check_statement("{\"log\":{\"group\":77}}");
	assert_finding(FINDING_WARNING, "NFLOG group 77", "nflog-group");
	check_statement("{\"xt\":{\"type\":\"target\",\"name\":\"CONNMARK\"}}");
	assert_finding(FINDING_WARNING, "with target CONNMARK", "iptables -t other -S c");
	check_statement("{\"xt\":null}");
	assert_finding(FINDING_WARNING, "an iptables rule that may write marks", "iptables");
	check_statement("{\"notrack\":null}");
	assert_finding(FINDING_WARNING, "out of connection tracking", NULL);
	hostcheck_rulesets(&findings, &config,
			   "{\"nftables\":[{\"flowtable\":{\"family\":\"ip\",\"name\":\"fast\","
			   "\"table\":\"t\"}}]}");
	assert_finding(FINDING_WARNING, "flowtable fast in table ip t", "flow add @fast");
	hostcheck_rulesets(&findings, &config, "{\"nftables\":[");
	assert_finding(FINDING_WARNING, "cannot be read", NULL);
}

/* --- ip rules and routes ---------------------------------------------------- */

static void check_rule(const struct rule_state *rule)
{
	struct netstate *s = netstate_new();

	assert_non_null(netstate_add_rule(s, rule));
	hostcheck_rules(&findings, &config, s);
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

static void test_rules_that_collide(void **state)
{
	struct rule_state rule = rule_of(30000, 0x1, UINT32_MAX, 100);

	(void)state;
	check_rule(&rule);
	assert_finding(FINDING_ERROR, "selects by bits 0xff", "ip -4 rule del priority 30000");
	rule = rule_of(30000, 0x2, UINT32_MAX, 251);
	check_rule(&rule);
	assert_finding(FINDING_WARNING, "says the same as Waymark's own", "rule del");
	rule = rule_of(1002, 0, 0, 100);
	rule.family = AF_INET6;
	check_rule(&rule);
	assert_finding(FINDING_ERROR, "priority of those that Waymark uses (1000 to 1002)",
		       "ip -6 rule del priority 1002");
	rule = rule_of(500, 0, 0, 100);
	check_rule(&rule);
	assert_finding(FINDING_WARNING, "comes before Waymark's", "rule-priority below 500");
}

static void test_rules_that_do_not_collide(void **state)
{
	struct rule_state rules[] = {
		rule_of(0, 0, 0, RT_TABLE_LOCAL), rule_of(32766, 0, 0, RT_TABLE_MAIN),
		rule_of(1003, 0, 0, 100),	  rule_of(500, 0x100, 0xff00, 100),
		rule_of(1001, 0x2, 0xff, 251),
	};
	size_t i;

	(void)state;
	rules[4].protocol = ROUTE_PROTOCOL_WAYMARK;
	for (i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		check_rule(&rules[i]);
		assert_finding(FINDING_OK, "no ip rule of others", NULL);
	}
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
	assert_finding(FINDING_WARNING, "table 250 of uplink wan2", "another table");
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
	assert_finding(FINDING_WARNING, "uplink wan2: there is no interface eth2", "ip link");
	link = netstate_add_link(s, &eth2);
	hostcheck_uplinks(&findings, &config, s, NULL);
	assert_finding(FINDING_WARNING, "interface eth2 is down", "ip link set eth2 up");
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
	assert_non_null(strstr(findings.list[1].what, "IPv6, though gateway6 is configured"));
	netstate_free(s);
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
	assert_finding(FINDING_ERROR, "NFLOG group 77 is taken by a process that cannot be seen",
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
	assert_finding(FINDING_OK, "listens to conntrack events: events = auto leaves", NULL);
	config.events = EVENTS_MINIMAL;
	rewind(sockets);
	hostcheck_listeners(&findings, &config, sockets);
	assert_finding(FINDING_ERROR, "would miss those that events = minimal",
		       "events = \"auto\"");
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
		TEST(test_rules_that_collide),
		TEST(test_rules_that_do_not_collide),
		TEST(test_tables_of_uplinks),
		TEST(test_uplinks_in_trouble),
		TEST(test_uplink_families),
		TEST(test_nflog_group_taken),
		TEST(test_event_listeners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
