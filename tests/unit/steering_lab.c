/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_lab.c - a router with two uplinks and a LAN in a network namespace.
 */
#define _GNU_SOURCE /* unshare, open_memstream */
#include "steering_lab.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandbox.h"
#include "waymark/kernel/rtnl.h"

struct config steering_lab_config;
struct uplink_config steering_lab_uplinks[2];

static char folder[64];
static char socket_path[96];
static struct steering *steering;

static void gateway_set(struct gateway *g, const char *text)
{
	g->kind = GATEWAY_ADDR;
	assert_int_equal(addr_parse(&g->addr, text), 0);
}

static void config_start(void)
{
	steering_lab_uplinks[0] = (struct uplink_config){
		.name = "one",
		.ifname = "wan1",
		.mark = 2,
		.table = 251,
		.weight = 1,
	};
	steering_lab_uplinks[1] = (struct uplink_config){
		.name = "two",
		.ifname = "wan2",
		.mark = 3,
		.table = 250,
		.weight = 2,
	};
	gateway_set(&steering_lab_uplinks[0].gateway, "192.168.1.1");
	gateway_set(&steering_lab_uplinks[1].gateway, "192.168.2.1");
	gateway_set(&steering_lab_uplinks[0].gateway6, "2001:db8:1::1");
	gateway_set(&steering_lab_uplinks[1].gateway6, "fe80::1");
	steering_lab_config = (struct config){
		.mode = MODE_STEER,
		.control_socket = socket_path,
		.mark_mask = 0xff,
		.label_base = 64,
		.nflog_group = 77,
		.rule_priority = 1000,
		.balance = BALANCE_MAIN,
		.balance_table = 252,
		.sysctl = true,
		.uplinks = steering_lab_uplinks,
		.n_uplinks = 2,
	};
	config_assign_slots(&steering_lab_config);
}

int steering_lab_group_start(void **state)
{
	const char *reason = sandbox_enter();

	(void)state;
	if (reason)
		printf("# skipped: %s\n", reason);
	return reason ? -1 : 0;
}

/* Without duplicate address detection, whose end a second later would be a difference between two
 * listings. */
static void links_start(void)
{
	steering_lab_run(
		"sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0");
	steering_lab_run("ip link set lo up");
	for (int i = 1; i <= 2; i++) {
		steering_lab_run("ip link add wan%d type veth peer name isp%d", i, i);
		steering_lab_run("ip link set wan%d up && ip link set isp%d up", i, i);
		steering_lab_run("ip addr add 192.168.%d.10/24 dev wan%d", i, i);
		steering_lab_run("ip -6 addr add 2001:db8:%d::10/64 dev wan%d nodad", i, i);
	}
	steering_lab_run("ip link add lan type veth peer name pc");
	steering_lab_run("ip link set lan up && ip link set pc up");
	steering_lab_run("ip addr add 192.168.10.1/24 dev lan");
	steering_lab_run("ip -6 addr add 2001:db8:10::1/64 dev lan nodad");
	/* Each interface comes up, and gets its link-local address, asynchronously. */
	steering_lab_run(
		"for i in $(seq 500); do"
		" [ $(ip -6 route show table local type local | grep -c fe80:) = 6 ] && exit;"
		" sleep 0.01; done; exit 1");
	steering_lab_run("sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.wan1.rp_filter=0");
}

int steering_lab_start(void **state)
{
	(void)state;
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	snprintf(folder, sizeof(folder), "/tmp/waymark-test.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(socket_path, sizeof(socket_path), "%s/run/control.sock", folder);
	config_start();
	links_start();
	return 0;
}

const char *steering_lab_state_path(void)
{
	static char path[sizeof(folder) + sizeof("/run/steering.json")];

	snprintf(path, sizeof(path), "%s/run/steering.json", folder);
	return path;
}

int steering_lab_stop(void **state)
{
	(void)state;
	steering_close(steering);
	steering = NULL;
	steering_lab_run("rm -rf %s", folder);
	return 0;
}

static char *command_text(const char *format, va_list args)
{
	char *text;

	assert_true(vasprintf(&text, format, args) >= 0);
	return text;
}

void steering_lab_run(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = command_text(format, args);
	va_end(args);
	if (system(text))
		fail_msg("failed: %s", text);
	free(text);
}

static char *text_of_command(const char *command)
{
	FILE *in = popen(command, "r");
	char *text = NULL;
	size_t size = 0, n;
	FILE *out = open_memstream(&text, &size);
	char buf[4096];

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
		fwrite(buf, 1, n, out);
	fclose(out);
	pclose(in);
	return text;
}

char *steering_lab_output(const char *format, ...)
{
	va_list args;
	char *text, *output;

	va_start(args, format);
	text = command_text(format, args);
	va_end(args);
	output = text_of_command(text);
	free(text);
	return output;
}

bool steering_lab_shows(const char *command, const char *text)
{
	char *output = steering_lab_output("%s", command);
	bool has = strstr(output, text);

	free(output);
	return has;
}

char *steering_lab_listing(void)
{
	return steering_lab_output(
		"exec 2>&1; ip -4 rule; ip -6 rule;"
		"ip -d -4 route show table all; ip -d -6 route show table all;"
		"nft -s list ruleset; cd /proc/sys/net;"
		"grep . ipv[46]/conf/*/rp_filter ipv[46]/fib_multipath_hash_policy"
		" ipv4/conf/*/src_valid_mark netfilter/nf_conntrack_acct"
		" netfilter/nf_conntrack_events netfilter/nf_conntrack_timestamp");
}

void steering_lab_assert_same(char *before, char *after)
{
	if (strcmp(before, after)) {
		/* Too long for cmocka's messages. */
		fprintf(stderr, "before:\n%s\nafter:\n%s\n", before, after);
		fail();
	}
	free(before);
	free(after);
}

struct steering *steering_lab_steering(void)
{
	steering_close(steering);
	steering = steering_open(&steering_lab_config);
	assert_non_null(steering);
	return steering;
}

void steering_lab_apply(struct steering *s)
{
	int err = steering_apply(s, stderr);

	if (err)
		fail_msg("apply: %s", strerror(-err));
	assert_true(steering_lab_is_as_planned(s));
}

static void change_show(void *data, const struct steering_change *change)
{
	(void)data;
	if (getenv("WAYMARK_TEST_VERBOSE"))
		printf("#   %s %s\n", change->is_missing ? "+" : "-", change->what);
}

/* An interface that has just come up gets its IPv6 addresses a moment later: further changes may
 * be due then, but not for long. */
int steering_lab_reconcile(struct steering *s)
{
	int first = steering_reconcile(s, change_show, NULL, stderr), rest = 1;

	if (first < 0)
		fail_msg("reconcile: %s", strerror(-first));
	for (int tries = 0; rest && tries < 40; tries++) {
		if (tries)
			usleep(50000);
		rest = steering_reconcile(s, change_show, NULL, stderr);
	}
	assert_int_equal(rest, 0);
	assert_true(steering_lab_is_as_planned(s));
	return first;
}

bool steering_lab_is_as_planned(struct steering *s)
{
	struct rtnl *r = rtnl_open();
	struct netstate *now = r ? rtnl_snapshot(r) : NULL;
	struct route_diff *d = now ? route_diff_new(steering_plan(s), now) : NULL;
	bool is_empty = d && route_diff_is_empty(d);

	route_diff_free(d);
	netstate_free(now);
	rtnl_close(r);
	return is_empty;
}
