/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_steering.c - proves the steering in a network namespace: applied twice, removed without a
 * trace, undone when it fails, and kept while interfaces, addresses, rules and rulesets change.
 */
#define _GNU_SOURCE /* open_memstream, unshare */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "steering/steering_internal.h"
#include "sandbox.h"
#include "steering_lab.h"
#include "waymark/kernel/transaction.h"
#include "waymark/kernel/nft.h"
#include "waymark/kernel/rtnl.h"
#include "waymark/plan/ruleset.h"

static void count_rtnl(void *data, const struct rtnl_notice *n)
{
	(void)n;
	++*(int *)data;
}

static void count_nft(void *data, const struct nft_notice *n)
{
	(void)n;
	++*(int *)data;
}

/* A second apply finds everything as wanted: no change is reported. */
static void applies_twice(void **state)
{
	struct steering *s = steering_lab_steering();
	struct rtnl_monitor *routes;
	struct nft_monitor *rules;
	char *before;
	int n = 0;

	(void)state;
	steering_lab_apply(s);
	assert_true(steering_lab_shows("ip -4 route", "nexthop via 192.168.2.1 dev wan2 weight 2"));
	assert_true(steering_lab_shows("ip -6 route", "nexthop via fe80::1 dev wan2 weight 2"));
	assert_true(
		steering_lab_shows("ip -4 route show table 251",
				   "default via 192.168.1.1 dev wan1 proto 87 src 192.168.1.10"));
	assert_true(steering_lab_shows("ip -4 route show table 251",
				       "192.168.1.0/24 dev wan1 proto 87"));
	assert_true(
		steering_lab_shows("ip -6 route show table 250", "default via fe80::1 dev wan2"));
	assert_true(steering_lab_shows("ip -4 rule",
				       "1001:\tfrom all lookup main suppress_prefixlength 1"));
	assert_true(steering_lab_shows("ip -6 rule", "1003:\tfrom all fwmark 0x3/0xff lookup 250"));
	assert_true(steering_lab_shows("cat /proc/sys/net/ipv4/conf/wan1/rp_filter", "2"));

	before = steering_lab_listing();
	routes = rtnl_monitor_open();
	rules = nft_monitor_open();
	assert_non_null(routes);
	assert_non_null(rules);
	steering_lab_apply(s);
	steering_lab_apply(steering_lab_steering()); /* and by another process */
	assert_true(rtnl_monitor_receive(routes, count_rtnl, &n) >= 0);
	assert_true(nft_monitor_receive(rules, count_nft, &n) >= 0);
	assert_int_equal(n, 0);
	steering_lab_assert_same(before, steering_lab_listing());
	rtnl_monitor_close(routes);
	nft_monitor_close(rules);
}

/* Foreign routes of every kind are in our routes' places; all are restored. */
static void others_start(void)
{
	steering_lab_run("ip -4 route add default via 192.168.1.1 dev wan1 mtu 1400 proto dhcp");
	steering_lab_run("ip -4 route add default via 192.168.2.1 dev wan2 metric 100");
	steering_lab_run("ip -6 route add default via 2001:db8:1::1 dev wan1 metric 1 pref high");
	steering_lab_run("ip -6 route add default via fe80::2 dev wan2 metric 1024 proto ra");
	steering_lab_run("ip -4 route add default via 192.168.10.9 dev lan table 251");
	steering_lab_run("ip -4 route add 10.0.0.0/8 via 192.168.10.2");
	steering_lab_run("ip rule add pref 500 fwmark 0x100/0x100 lookup 9");
	steering_lab_run(
		"nft add table inet others '{ chain c { type filter hook input priority 0; }; }'");
}

static void removes_without_a_trace(void **state)
{
	static const enum config_local_routes modes[] = {LOCAL_SUPPRESS, LOCAL_COPY, LOCAL_EXCLUDE};
	char *before;

	(void)state;
	others_start();
	for (unsigned i = 0; i < 6; i++) {
		before = steering_lab_listing();
		steering_lab_config.local_routes = modes[i % 3];
		steering_lab_config.balance = i < 3;
		steering_lab_apply(steering_lab_steering());
		assert_true(steering_lab_shows("ip -4 route show table 251",
					       "default via 192.168.1.1"));
		assert_true(steering_lab_shows("ip -4 route",
					       "default via 192.168.2.1 dev wan2 metric 100"));
		/* Another process, later. */
		assert_int_equal(steering_lab_reconcile(steering_lab_steering()), 0);
		assert_int_equal(steering_remove(steering_lab_steering(), stderr), 0);
		steering_lab_assert_same(before, steering_lab_listing());
		assert_int_equal(access(steering_lab_state_path(), F_OK), -1);
	}
	assert_int_equal(steering_remove(steering_lab_steering(), stderr), 0);
}

/* Without the state file everything of ours is removed all the same. */
static void removes_without_a_state(void **state)
{
	struct steering *s = steering_lab_steering();
	char *said = NULL;
	size_t size;
	FILE *errors = open_memstream(&said, &size);

	(void)state;
	steering_lab_apply(s);
	steering_lab_run("rm %s", steering_lab_state_path());
	assert_int_equal(steering_remove(steering_lab_steering(), errors), 0);
	fclose(errors);
	assert_non_null(strstr(said, "sysctls keep their values"));
	free(said);
	assert_false(
		steering_lab_shows("ip rule; ip -6 rule; ip route show table all", "proto 87"));
	assert_false(steering_lab_shows("nft list tables", "waymark"));
}

/* --- failures ----------------------------------------------------------------------- */

/* Assert that applying fails with this word in the message, and changes nothing. */
static void assert_refused(int expected, const char *word)
{
	char *before = steering_lab_listing(), *said = NULL;
	size_t size;
	FILE *errors = open_memstream(&said, &size);
	int err = steering_apply(steering_lab_steering(), errors);

	fclose(errors);
	if (err != expected || !strstr(said, word))
		fail_msg("%s: %s", strerror(-err), said);
	free(said);
	steering_lab_assert_same(before, steering_lab_listing());
	assert_int_equal(access(steering_lab_state_path(), F_OK), -1);
}

static void undoes_when_the_table_is_foreign(void **state)
{
	struct nft *owner = nft_open();

	(void)state;
	others_start();
	assert_int_equal(nft_run(owner, "table inet waymark { flags owner; }"), 0);
	assert_refused(-EPERM, "table inet waymark");
	nft_close(owner);
}

static void undoes_when_a_gateway_is_refused(void **state)
{
	(void)state;
	others_start();
	assert_int_equal(addr_parse(&steering_lab_uplinks[1].gateway.addr, "239.1.1.1"), 0);
	assert_refused(-EINVAL, "via 239.1.1.1");
}

/* The last step fails: the steps before it are undone. */
static void restores_the_former_steering(void **state)
{
	struct nft *owner = nft_open();
	char *before, *said = NULL;
	size_t size;
	FILE *errors = open_memstream(&said, &size);

	(void)state;
	others_start();
	steering_lab_apply(steering_lab_steering());
	assert_int_equal(nft_run(owner, "delete table inet waymark;"
					"table inet waymark { flags owner; }"),
			 0);
	before = steering_lab_listing();
	steering_lab_config.local_routes = LOCAL_COPY;
	steering_lab_config.rule_priority = 2000;
	steering_lab_config.balance = false;
	steering_lab_uplinks[1].mark = 7;
	assert_int_equal(steering_apply(steering_lab_steering(), errors), -EPERM);
	fclose(errors);
	free(said);
	steering_lab_assert_same(before, steering_lab_listing());
	nft_close(owner);
}

/* Undo every step of an apply, in main and in the ruleset too, where only chance makes a step fail.
 * From nothing, and from another steering. */
static void undoes_every_step(void **state)
{
	(void)state;
	others_start();
	for (unsigned i = 0; i < 2; i++) {
		struct steering *s = steering_lab_steering();
		struct run run = {.s = s, .is_atomic = true, .errors = stderr};
		struct route_diff *d;
		char *before;

		steering_lab_uplinks[0].mark = 9 + i;
		steering_lab_config.rule_priority = 3000 + i * 100;
		if (i) {
			steering_lab_config.local_routes = LOCAL_COPY;
			steering_lab_uplinks[1].table = 99;
		}
		assert_int_equal(steering_recall(s), 0);
		assert_int_equal(steering_look(s), 0);
		d = route_diff_new(steering_plan(s), steering_netstate(s));
		before = steering_lab_listing();
		sysctls_set(&run, false);
		routes_add(&run, d, false);
		rules_add(&run, d);
		ruleset_load(&run);
		sysctls_set(&run, true);
		routes_add(&run, d, true);
		routes_restore(&run, steering_plan(s)->wanted);
		routes_remove(&run, d, true);
		rules_remove(&run, d);
		routes_remove(&run, d, false);
		assert_int_equal(run.error, 0);
		assert_true(steering_lab_is_as_planned(s));
		run_undo(&run);
		assert_int_equal(run.error, 0);
		steering_lab_assert_same(before, steering_lab_listing());
		route_diff_free(d);
		if (!i)
			steering_lab_apply(steering_lab_steering());
	}
}

static void refuses_a_priority_in_use(void **state)
{
	(void)state;
	steering_lab_run("ip rule add pref 1001 from 10.0.0.0/8 lookup main");
	assert_refused(-EEXIST, "1001");
}

static void refuses_a_state_that_cannot_be_kept(void **state)
{
	(void)state;
	steering_lab_config.control_socket = (char *)"/proc/nowhere/control.sock";
	assert_refused(-ENOENT, "/proc/nowhere");
}

/* --- interfaces, addresses and other changes ---------------------------------------------- */

static void follows_a_link_that_goes_down_and_up(void **state)
{
	struct steering *s = steering_lab_steering();

	(void)state;
	steering_lab_apply(s);
	steering_lab_run("ip link set wan1 down");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_int_equal(steering_plan(s)->uplinks[0].trouble[0], UPLINK_LINK_DOWN);
	assert_false(steering_lab_shows("ip -4 route; ip -6 route", "via 192.168.1.1"));
	assert_true(steering_lab_shows("ip -4 route", "default via 192.168.2.1 dev wan2 proto 87"));
	steering_lab_run("ip link set wan1 up && ip -6 addr add 2001:db8:1::10/64 dev wan1 nodad");
	assert_true(steering_lab_reconcile(s) > 0);
	steering_lab_run("ip link set isp2 down && sleep 0.1"); /* the carrier */
	assert_true(steering_lab_reconcile(s) > 0);
	assert_true(steering_lab_shows("ip -6 route", "default via 2001:db8:1::1 dev wan1"));
	steering_lab_run("ip link set isp2 up && sleep 0.1");
	assert_true(steering_lab_reconcile(s) > 0);
}

static void follows_an_interface_made_again(void **state)
{
	struct steering *s = steering_lab_steering();

	(void)state;
	steering_lab_apply(s);
	steering_lab_run("ip link del wan1");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_int_equal(steering_plan(s)->uplinks[0].trouble[0], UPLINK_NO_LINK);
	steering_lab_run("ip link add wan1 type veth peer name isp1");
	steering_lab_run("ip link set wan1 up && ip link set isp1 up");
	steering_lab_run("ip addr add 192.168.1.77/24 dev wan1");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_true(steering_lab_shows("ip -4 route show table 251", "src 192.168.1.77"));
	assert_true(steering_lab_shows("cat /proc/sys/net/ipv4/conf/wan1/rp_filter", "2"));
	/* A delegated prefix is on the LAN, and the uplink has only a link-local address. */
	assert_int_equal(steering_plan(s)->uplinks[0].trouble[1], UPLINK_FINE);
	steering_lab_run("ip -6 addr flush dev wan1");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_int_equal(steering_plan(s)->uplinks[0].trouble[1], UPLINK_NO_ADDRESS);
}

static void takes_an_uplink_that_appears(void **state)
{
	struct steering *s;

	(void)state;
	steering_lab_run("ip link set wan1 down && ip link set wan1 name other1");
	s = steering_lab_steering();
	steering_lab_apply(s);
	assert_int_equal(steering_plan(s)->uplinks[0].trouble[0], UPLINK_NO_LINK);
	steering_lab_run("ip link set other1 name wan1 && ip link set wan1 up");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_true(steering_lab_shows("ip -4 route", "nexthop via 192.168.1.1 dev wan1 weight 1"));
}

static void follows_an_address(void **state)
{
	struct steering *s = steering_lab_steering();

	(void)state;
	steering_lab_apply(s);
	steering_lab_run(
		"ip addr add 192.168.1.20/24 dev wan1 && ip addr del 192.168.1.10/24 dev wan1");
	steering_lab_run("ip addr add 192.168.1.20/24 dev wan1 2>/dev/null || true");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_true(steering_lab_shows("ip -4 route show table 251",
				       "192.168.1.0/24 dev wan1 proto 87 "
				       "scope link src 192.168.1.20"));
	/* An address whose network main does not have. */
	steering_lab_run(
		"ip addr flush dev wan1 && ip addr add 192.168.1.30/24 dev wan1 noprefixroute");
	steering_lab_run("ip route del default");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_true(steering_lab_shows("ip -4 route",
				       "nexthop via 192.168.1.1 dev wan1 weight 1 onlink"));
	/* A gateway outside of every network of the interface. */
	steering_lab_run("ip addr flush dev wan1 && ip addr add 10.1.1.1/32 dev wan1");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_true(steering_lab_shows("ip -4 route show table 251", "onlink"));
}

/* Remove wan2's IPv4 address and reconcile before its flows stop being refused: a busy machine may
 * need several tries. */
static void lose_a_family(struct steering *s)
{
	for (unsigned i = 0; i < 20; i++) {
		steering_lab_run("ip -4 addr flush dev wan2");
		steering_lab_reconcile(s);
		if (steering_release_delay_ms(s) >= 0)
			return;
		steering_lab_run("ip addr add 192.168.2.10/24 dev wan2");
		steering_lab_reconcile(s);
	}
}

/* Its flows are not deleted, because it is not down; they are not refused for ever. */
static void withdraws_a_lost_family(void **state)
{
	struct steering *s = steering_lab_steering();

	(void)state;
	steering_lab_config.on_uplink_down = ON_DOWN_FLUSH;
	steering_lab_apply(s);
	lose_a_family(s);
	assert_true(steering_lab_shows("ip -4 route show table 250", "unreachable"));
	assert_true(steering_release_delay_ms(s) >= 0);
	usleep(1000 * (unsigned)steering_release_delay_ms(s) + 1000);
	steering_lab_reconcile(s);
	assert_false(steering_lab_shows("ip -4 route show table 250", "unreachable"));
	steering_lab_run("ip link set wan2 down");
	steering_lab_reconcile(s);
	assert_true(steering_lab_shows("ip -4 route show table 250", "unreachable"));
	assert_int_equal(steering_release_delay_ms(s), -1);
}

static void repairs_what_others_break(void **state)
{
	static const char *const tampering[] = {
		"ip rule del pref 1002",
		"ip rule del pref 1001",
		"ip rule del pref 1000",
		"ip rule del pref 1004",
		"ip -6 rule del pref 1003",
		"ip -6 rule del pref 1008",
		"ip link set wan1 group 0",
		("ip rule flush && ip rule add pref 32766 lookup main protocol kernel"
		 " && ip rule add pref 32767 lookup default protocol kernel"),
		"ip route flush table 251",
		"ip -6 route flush table 250",
		"ip route del default",
		"ip route replace default via 192.168.2.1 dev wan2",
		"ip route replace default via 192.168.2.1 dev wan2 table 251 2>/dev/null",
		"ip route add 1.2.3.4 via 192.168.2.1 proto 87",
		"ip rule add pref 1500 lookup 9 protocol 87",
		"nft flush ruleset",
		"nft flush chain inet waymark prerouting",
		"nft add rule inet waymark postrouting counter",
		"nft delete table inet waymark",
		"sysctl -qw net.ipv4.fib_multipath_hash_policy=0",
		"sysctl -qw net.ipv4.conf.wan2.rp_filter=1",
	};
	struct steering *s = steering_lab_steering();
	char *before;

	(void)state;
	steering_lab_apply(s);
	steering_lab_apply(s); /* with the final sysctls */
	before = steering_lab_listing();
	for (size_t i = 0; i < sizeof(tampering) / sizeof(*tampering); i++) {
		char *now;

		steering_lab_run("%s", tampering[i]);
		if (steering_lab_reconcile(s) <= 0)
			fail_msg("not seen: %s", tampering[i]);
		now = steering_lab_listing();
		if (strcmp(before, now))
			fail_msg("after %s:\n%s\nbefore:\n%s", tampering[i], now, before);
		free(now);
	}
	free(before);
}

/* With each method for local destinations a LAN route that is added later is followed. */
static void follows_local_routes(void **state)
{
	struct steering *s;

	(void)state;
	steering_lab_config.local_routes = LOCAL_COPY;
	s = steering_lab_steering();
	steering_lab_apply(s);
	steering_lab_run("ip route add 10.5.0.0/16 via 192.168.10.2 mtu 1300");
	steering_lab_run("ip -6 route add 2001:db8:55::/48 via 2001:db8:10::2");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_true(steering_lab_shows("ip route show table 1252",
				       "10.5.0.0/16 via 192.168.10.2 dev lan proto 87 mtu 1300"));
	assert_true(steering_lab_shows("ip -6 route show table 1252",
				       "2001:db8:55::/48 via 2001:db8:10::2"));
	assert_true(steering_lab_shows("ip route show table 1252", "192.168.10.0/24 dev lan"));
	assert_false(steering_lab_shows("ip route show table 1252", "192.168.1.0/24"));
	assert_true(steering_lab_shows("ip rule", "1001:\tfrom all lookup 1252"));
	steering_lab_run("ip route del 10.5.0.0/16");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_false(steering_lab_shows("ip route show table 1252", "10.5.0.0/16"));

	steering_lab_config.local_routes = LOCAL_EXCLUDE;
	steering_lab_run("ip route add 10.6.0.0/16 via 192.168.10.2");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_true(
		steering_lab_shows("ip rule", "1001:\tfrom all to 10.6.0.0/16 goto 1008 proto 87"));
	assert_true(steering_lab_shows("ip rule", "1001:\tfrom all to 192.168.10.0/24 goto 1008"));
	assert_true(
		steering_lab_shows("ip -6 rule", "1005:\tfrom all to 2001:db8:55::/48 goto 1008"));
	assert_false(steering_lab_shows("ip rule", "to 192.168.1.0/24"));
	assert_false(steering_lab_shows("ip route show table all", "table 1252"));
	for (unsigned i = 0; i < 2; i++) {
		assert_true(steering_lab_shows(i ? "ip route get 10.6.1.1 mark 3"
						 : "ip route get 192.168.10.5 mark 2",
					       "dev lan"));
		assert_true(steering_lab_shows(i ? "ip -6 route get 2001:db8:99::1 mark 3"
						 : "ip route get 198.51.100.1 mark 3",
					       "dev wan2"));
	}
}

static void learns_gateways_and_keeps_them(void **state)
{
	struct steering *s;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		steering_lab_uplinks[i].gateway.kind = steering_lab_uplinks[i].gateway6.kind =
			GATEWAY_LEARN;
	s = steering_lab_steering();
	steering_lab_apply(s);
	assert_int_equal(steering_plan(s)->uplinks[0].trouble[0], UPLINK_NO_GATEWAY);
	steering_lab_run("ip route add default via 192.168.1.254 dev wan1 proto dhcp metric 100");
	steering_lab_run("ip route add default via 192.168.2.254 dev wan2");
	steering_lab_run("ip -6 route add default via fe80::99 dev wan2 proto ra metric 1024");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_true(steering_lab_shows("ip route", "nexthop via 192.168.2.254 dev wan2 weight 2"));
	assert_true(
		steering_lab_shows("ip -6 route show table 250", "default via fe80::99 dev wan2"));
	steering_lab_run("ip route del default metric 100");
	steering_lab_run(
		"ip route flush table 251 && ip route del default && ip link set wan1 down");
	s = steering_lab_steering(); /* another process, which does not know that route */
	assert_true(steering_lab_reconcile(s) > 0);
	steering_lab_run("ip link set wan1 up");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_true(steering_lab_shows("ip route show table 251", "default via 192.168.1.254"));
	/* The interface moves to another network, where the old gateway is unusable. */
	steering_lab_run("ip addr flush dev wan1 && ip addr add 172.16.1.2/24 dev wan1");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_int_equal(steering_plan(s)->uplinks[0].trouble[0], UPLINK_NO_GATEWAY);
}

static void accepts_uplinks_without_a_gateway(void **state)
{
	struct steering *s;

	(void)state;
	steering_lab_uplinks[0].gateway.kind = steering_lab_uplinks[0].gateway6.kind = GATEWAY_NONE;
	s = steering_lab_steering();
	steering_lab_apply(s);
	assert_true(steering_lab_shows("ip route show table 251",
				       "default dev wan1 proto 87 scope link"));
	assert_true(steering_lab_shows("ip route", "nexthop dev wan1 weight 1"));
	assert_true(steering_lab_shows("ip -6 route show table 251", "default dev wan1"));
	steering_lab_run("ip link set wan2 down");
	assert_true(steering_lab_reconcile(s) > 0);
	assert_true(steering_lab_shows("ip route", "default dev wan1 proto 87 scope link"));
	assert_true(steering_lab_shows("ip -6 route", "default dev wan1 proto 87 metric 1"));
}

/* The same route added by another process is used, and stays foreign. */
static void leaves_an_identical_default(void **state)
{
	struct steering *s = steering_lab_steering();
	char *before;

	(void)state;
	steering_lab_run("ip route add default nexthop via 192.168.2.1 dev wan2 weight 2"
			 " nexthop via 192.168.1.1 dev wan1 weight 1");
	before = steering_lab_output("ip -4 route show default metric 0");
	steering_lab_apply(s);
	steering_lab_assert_same(before, steering_lab_output("ip -4 route show default metric 0"));
}

/* --- the rest --------------------------------------------------------------------------------- */

static void audits_without_steering(void **state)
{
	char *before = steering_lab_output(
		"ip rule; ip -6 rule; ip route show table all;"
		"ip -6 route show table all; cat /proc/sys/net/ipv4/conf/*/*mark");

	(void)state;
	steering_lab_config.mode = MODE_AUDIT;
	steering_lab_apply(steering_lab_steering());
	steering_lab_assert_same(before,
				 steering_lab_output("ip rule; ip -6 rule; ip route show table all;"
						     "ip -6 route show table all;"
						     "cat /proc/sys/net/ipv4/conf/*/*mark"));
	assert_true(steering_lab_shows("nft list tables", "inet waymark"));
	assert_true(steering_lab_shows("cat /proc/sys/net/netfilter/nf_conntrack_acct", "1"));
}

/* The kernel turns accounting on for a ruleset that reads flows' counters. */
static void sets_no_sysctl_when_configured_so(void **state)
{
	char *before = steering_lab_output(
		"grep . /proc/sys/net/ipv4/conf/*/* /proc/sys/net/netfilter/*_timestamp");

	(void)state;
	steering_lab_config.sysctl = false;
	steering_lab_apply(steering_lab_steering());
	steering_lab_assert_same(before,
				 steering_lab_output("grep . /proc/sys/net/ipv4/conf/*/*"
						     " /proc/sys/net/netfilter/*_timestamp"));
}

/* The printed commands, run by a shell, do the same as applying. */
static void prints_what_it_applies(void **state)
{
	struct steering *s = steering_lab_steering();
	char path[] = "/tmp/waymark-script.XXXXXX", *applied;
	int fd = mkstemp(path);
	FILE *out = fdopen(fd, "w");

	(void)state;
	assert_non_null(out);
	assert_int_equal(steering_print(s, out), 0);
	fclose(out);
	steering_lab_apply(s);
	applied = steering_lab_listing();
	assert_int_equal(steering_remove(s, stderr), 0);
	steering_lab_run("sh -e %s >/dev/null", path);
	unlink(path);
	steering_lab_assert_same(applied, steering_lab_listing());
}

/* Return the route of a packet from the LAN to the outside. */
static enum reason why(struct steering *s, const struct uplink_config *u, int family)
{
	struct fib_query q = {.family = (uint8_t)family, .mark = u->mark, .iifname = "lan"};
	char object[OBJECT_MAX];

	addr_parse(&q.src, family == AF_INET ? "192.168.10.2" : "fd00:10::2");
	addr_parse(&q.dst, family == AF_INET ? "203.0.113.10" : "2001:db8:113::10");
	return steering_diagnose(s, u, &q, object);
}

static void reports_why(void **state)
{
	struct steering *s = steering_lab_steering();
	const struct uplink_config *u = &steering_lab_uplinks[0];

	(void)state;
	steering_lab_apply(s);
	assert_int_equal(why(s, u, AF_INET), REASON_UNEXPLAINED);
	steering_lab_run("ip rule del pref 1002");
	assert_int_equal(why(s, u, AF_INET), REASON_RULE_MISSING);
	assert_int_equal(why(s, u, AF_INET6), REASON_UNEXPLAINED);
	assert_true(steering_lab_reconcile(s) > 0);
	steering_lab_run("ip rule add pref 900 fwmark 2/0xff lookup 250");
	assert_int_equal(why(s, u, AF_INET), REASON_RULE_BEFORE);
	steering_lab_run("ip rule del pref 900");
	steering_lab_run("ip route replace default via 192.168.2.1 dev wan2 table 251");
	assert_int_equal(why(s, u, AF_INET), REASON_ROUTE_MISSING);
	steering_lab_run("ip -6 route flush table 251");
	assert_int_equal(why(s, u, AF_INET6), REASON_ROUTE_MISSING);
	assert_true(steering_lab_reconcile(s) > 0);
	assert_int_equal(why(s, u, AF_INET), REASON_UNEXPLAINED);
	steering_lab_run("ip link set wan1 down");
	assert_int_equal(why(s, u, AF_INET), REASON_UPLINK_DOWN);
}

static void knows_whether_the_ruleset_is_whole(void **state)
{
	struct steering *s = steering_lab_steering();

	(void)state;
	steering_lab_apply(s);
	assert_true(steering_is_restoring(s));
	steering_lab_run("nft flush chain inet waymark output");
	assert_false(steering_is_restoring(s));
	assert_true(steering_lab_reconcile(s) > 0);
	assert_true(steering_is_restoring(s));
	steering_lab_run("nft flush ruleset");
	assert_false(steering_is_restoring(s));
}

static void keep_nft(void *data, const struct nft_notice *n)
{
	*(struct nft_notice *)data = *n;
}

/* Return whether the kernel's notices have the pids that this process knows: the kernel reports
 * those of the initial PID namespace, and a package may be built in another one. */
static bool has_kernel_pids(void)
{
	char name[64];
	ssize_t n = readlink("/proc/self/ns/pid", name, sizeof(name) - 1);

	name[n > 0 ? n : 0] = '\0';
	return !strcmp(name, "pid:[4026531836]");
}

static void names_who_changed_the_ruleset(void **state)
{
	struct nft_monitor *m = nft_monitor_open();
	struct nft_notice last = {0};
	struct steering *s = steering_lab_steering();
	pid_t child;
	int status;

	(void)state;
	assert_non_null(m);
	steering_lab_apply(s);
	assert_true(nft_monitor_receive(m, keep_nft, &last) > 0);
	assert_true(last.touches_waymark);
	/* Our child process ran the transaction. */
	assert_true(transaction_is_child((pid_t)last.pid) || !has_kernel_pids());
	child = fork();
	if (!child) {
		execlp("nft", "nft", "flush", "ruleset", (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(nft_monitor_receive(m, keep_nft, &last) > 0);
	assert_true(last.pid == child || !has_kernel_pids());
	assert_string_equal(last.process, "nft");
	assert_true(last.touches_waymark && last.deletes_waymark);
	steering_lab_run("nft add table inet others");
	assert_true(nft_monitor_receive(m, keep_nft, &last) > 0);
	assert_false(last.touches_waymark);
	assert_int_equal(nft_monitor_receive(m, keep_nft, &last), 0);
	nft_monitor_close(m);
}

/* A listing has the loaded objects, not what packets change. */
static void listings_assert(struct nft *nft)
{
	char *before, *raw;

	assert_non_null(nft);
	assert_null(nft_list_table(nft, "inet", "waymark"));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(nft_check(nft, "add table inet t"), 0);
	assert_null(nft_list_table(nft, "inet", "t"));
	assert_int_equal(nft_run(nft, "table inet t { counter n { };"
				      " set fixed { type inet_service; elements = { 22 }; };"
				      " set seen { type ipv4_addr; size 9; flags dynamic; };"
				      " set last { type inet_service; elements = { 23 }; };"
				      " chain c { type filter hook output priority 0;"
				      "  counter; counter name n; update @seen { ip daddr }; }; }"),
			 0);
	before = nft_list_table(nft, "inet", "t");
	raw = steering_lab_output("nft list table inet t");
	sandbox_udp(false, 4000, 4001);
	assert_false(steering_lab_shows("nft list table inet t", raw));
	assert_non_null(strstr(before, "elements = { 22 }"));
	assert_non_null(strstr(before, "elements = { 23 }"));
	steering_lab_assert_same(before, nft_list_table(nft, "inet", "t"));
	free(raw);
	assert_int_equal(nft_run(nft, "add rule inet t nowhere counter"), -ENOENT);
	assert_non_null(strstr(nft_error(nft), "Error:"));
	assert_int_equal(nft_run(nft, "add rules"), -EINVAL);
	raw = nft_list_ruleset_json(nft);
	assert_int_equal(strncmp(raw, "{\"nftables\":", 12), 0);
	free(raw);
	assert_int_equal(nft_run(nft, "delete table inet t"), 0);
	nft_close(nft);
}

static void lists_tables_without_what_packets_change(void **state)
{
	(void)state;
	listings_assert(nft_open());
}

static void a_launcher_serves_what_was_opened_before_and_after_it(void **state)
{
	struct nft *before = nft_open(), *after;

	(void)state;
	assert_int_equal(transaction_launcher_start(nft_fd(before)), 0);
	after = nft_open();
	assert_int_equal(nft_fd(after), -1);
	listings_assert(after);
	listings_assert(before);
	assert_true(transaction_launcher_is_running());
	transaction_launcher_stop();
}

struct seen {
	uint32_t own_port;
	int n_links, n_own, n_foreign_rules, n_routes;
};

static void keep_rtnl(void *data, const struct rtnl_notice *n)
{
	struct seen *seen = data;

	seen->n_links += n->what == RTNL_LINK && !strcmp(n->link.name, "wan1") && !n->link.is_up;
	seen->n_own += n->pid == seen->own_port;
	seen->n_routes += n->what == RTNL_ROUTE && n->route.protocol == ROUTE_PROTOCOL_WAYMARK;
	seen->n_foreign_rules += n->what == RTNL_RULE && n->is_delete && n->pid != 0 &&
				 n->pid != seen->own_port && n->rule.priority == 1001;
}

static void names_who_changed_routing(void **state)
{
	struct rtnl_monitor *m = rtnl_monitor_open();
	struct steering *s = steering_lab_steering();
	struct seen seen = {.own_port = steering_port(s)};

	(void)state;
	assert_non_null(m);
	steering_lab_apply(s);
	assert_true(rtnl_monitor_receive(m, keep_rtnl, &seen) > 0);
	assert_true(seen.n_own >= 6 + 2 + 4); /* rules, defaults of main, tables */
	assert_true(seen.n_routes > 0);
	steering_lab_run("ip rule del pref 1001");
	steering_lab_run("ip link set wan1 down");
	assert_true(rtnl_monitor_receive(m, keep_rtnl, &seen) > 0);
	assert_int_equal(seen.n_foreign_rules, 1);
	assert_true(seen.n_links > 0);
	assert_int_equal(rtnl_monitor_receive(m, keep_rtnl, &seen), 0);
	rtnl_monitor_close(m);
}

/* A state file of another namespace is ignored. */
static void ignores_a_state_from_elsewhere(void **state)
{
	char *before;

	(void)state;
	others_start();
	steering_lab_apply(steering_lab_steering());
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	steering_lab_run("ip link set lo up");
	before = steering_lab_listing();
	assert_int_equal(steering_remove(steering_lab_steering(), stderr), 0);
	steering_lab_apply(steering_lab_steering()); /* no uplink is in this one */
	assert_true(steering_lab_shows("ip rule", "1002:"));
	assert_int_equal(steering_remove(steering_lab_steering(), stderr), 0);
	steering_lab_assert_same(before, steering_lab_listing());
}

/* A link to a file of another user makes remove install nothing. */
static void ignores_a_planted_state(void **state)
{
	char *before;

	(void)state;
	others_start();
	steering_lab_apply(steering_lab_steering());
	steering_lab_run("cp %s %s.planted", steering_lab_state_path(), steering_lab_state_path());
	assert_int_equal(steering_remove(steering_lab_steering(), stderr), 0);
	steering_lab_run("ip route flush table main proto boot; ip route flush table main proto "
			 "static; true");
	steering_lab_run("ln -s steering.json.planted %s", steering_lab_state_path());
	before = steering_lab_listing();
	assert_int_equal(steering_remove(steering_lab_steering(), stderr), 0);
	steering_lab_assert_same(before, steering_lab_listing());
}

static void takes_sixty_uplinks(void **state)
{
	static struct uplink_config many[UPLINKS_MAX];
	char *before;

	(void)state;
	if (!sandbox_is_privileged())
		skip(); /* the socket's buffer cannot be made large enough for the ruleset */
	before = steering_lab_listing();
	for (unsigned i = 0; i < UPLINKS_MAX; i++) {
		many[i] = steering_lab_uplinks[i % 2];
		snprintf(many[i].name, sizeof(many[i].name), "u%u", i);
		snprintf(many[i].ifname, sizeof(many[i].ifname), i < 2 ? "wan%u" : "far%u", i + 1);
		many[i].mark = i + 2;
		many[i].table = 1000 + i;
	}
	steering_lab_config.uplinks = many;
	steering_lab_config.n_uplinks = UPLINKS_MAX;
	config_assign_slots(&steering_lab_config);
	steering_lab_apply(steering_lab_steering());
	assert_true(steering_lab_shows("ip rule", "1061:\tfrom all fwmark 0x3d/0xff lookup 1059"));
	assert_int_equal(steering_lab_reconcile(steering_lab_steering()), 0);
	assert_int_equal(steering_remove(steering_lab_steering(), stderr), 0);
	steering_lab_assert_same(before, steering_lab_listing());
}

/* Values to restore belong to interfaces that may have any bytes in their names. */
static void state_keeps_names_that_are_not_utf8(void **state)
{
	static const char *const names[] = {"wan1", "w\xc3\xa9", "w\xe9\xff"};
	struct saved_gateway g = {.uplink = "odd", .family = AF_INET};
	struct steering_state *st = steering_state_new(), *again;
	char sysctl[64], *text;

	(void)state;
	for (int i = 0; i < 3; i++) {
		snprintf(g.uplink, sizeof(g.uplink), "uplink%d", i);
		snprintf(g.ifname, sizeof(g.ifname), "%s", names[i]);
		snprintf(sysctl, sizeof(sysctl), "net/ipv4/conf/%s/rp_filter", names[i]);
		assert_int_equal(steering_state_keep_gateway(st, &g), 0);
		assert_int_equal(steering_state_keep_sysctl(st, sysctl, "1", "2"), 0);
	}
	text = steering_state_write(st);
	assert_non_null(text);
	again = steering_state_read(text);
	assert_non_null(again);
	assert_int_equal(again->n_gateways, 3);
	assert_int_equal(again->n_sysctls, 3);
	for (int i = 0; i < 3; i++) {
		snprintf(sysctl, sizeof(sysctl), "net/ipv4/conf/%s/rp_filter", names[i]);
		assert_string_equal(again->gateways[i].ifname, names[i]);
		assert_string_equal(again->sysctls[i].name, sysctl);
		assert_string_equal(again->sysctls[i].former, "1");
	}
	free(text);
	steering_state_free(again);
	steering_state_free(st);
}

#define IN_LAB(f) cmocka_unit_test_setup_teardown(f, steering_lab_start, steering_lab_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_keeps_names_that_are_not_utf8),
		IN_LAB(applies_twice),
		IN_LAB(removes_without_a_trace),
		IN_LAB(removes_without_a_state),
		IN_LAB(undoes_when_the_table_is_foreign),
		IN_LAB(undoes_when_a_gateway_is_refused),
		IN_LAB(restores_the_former_steering),
		IN_LAB(undoes_every_step),
		IN_LAB(refuses_a_priority_in_use),
		IN_LAB(refuses_a_state_that_cannot_be_kept),
		IN_LAB(follows_a_link_that_goes_down_and_up),
		IN_LAB(follows_an_interface_made_again),
		IN_LAB(takes_an_uplink_that_appears),
		IN_LAB(follows_an_address),
		IN_LAB(withdraws_a_lost_family),
		IN_LAB(repairs_what_others_break),
		IN_LAB(follows_local_routes),
		IN_LAB(learns_gateways_and_keeps_them),
		IN_LAB(accepts_uplinks_without_a_gateway),
		IN_LAB(leaves_an_identical_default),
		IN_LAB(audits_without_steering),
		IN_LAB(sets_no_sysctl_when_configured_so),
		IN_LAB(prints_what_it_applies),
		IN_LAB(reports_why),
		IN_LAB(knows_whether_the_ruleset_is_whole),
		IN_LAB(names_who_changed_the_ruleset),
		IN_LAB(lists_tables_without_what_packets_change),
		IN_LAB(a_launcher_serves_what_was_opened_before_and_after_it),
		IN_LAB(names_who_changed_routing),
		IN_LAB(ignores_a_state_from_elsewhere),
		IN_LAB(ignores_a_planted_state),
		IN_LAB(takes_sixty_uplinks),
	};

	return cmocka_run_group_tests(tests, steering_lab_group_start, NULL);
}
