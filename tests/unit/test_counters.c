/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_counters.c - proves the counters of the rules, with the real ruleset, and of an interface,
 * against the running kernel: loopback is the uplink.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sandbox.h"
#include "waymark/kernel/link_counters.h"
#include "waymark/kernel/nft_counters.h"
#include "waymark/plan/ruleset.h"

#define IP_UDP_BYTES 28

/* N uplinks, the last by loopback; its mark is N. */
static void rules_load(unsigned n)
{
	struct uplink_config *uplinks = calloc(n, sizeof(*uplinks));
	struct config *c = config_new();
	char *text;

	for (unsigned i = 0; i < n; i++) {
		uplinks[i].mark = i + 1;
		uplinks[i].slot = (uint8_t)i;
		snprintf(uplinks[i].ifname, sizeof(uplinks[i].ifname), i == n - 1 ? "lo" : "none%u",
			 i);
	}
	c->uplinks = uplinks;
	c->n_uplinks = n;
	text = ruleset_render(c, false);
	assert_non_null(text);
	sandbox_nft(text);
	free(text);
	free(uplinks);
	c->uplinks = NULL;
	config_free(c);
}

static struct nft_counters_reading rules_read(struct nft_counters *n)
{
	struct nft_counters_reading r;

	assert_int_equal(nft_counters_read(n, &r), 0);
	return r;
}

/* Each packet is in one counter; a load resets them, which can be detected. */
static void test_rules(void **state)
{
	struct nft_counters *n = nft_counters_open();
	struct nft_counters_reading before, now;
	const struct nft_counters_uplink *u;

	(void)state;
	assert_non_null(n);
	before = rules_read(n);
	assert_int_equal(before.table, 0);
	assert_int_equal(before.n, 0);

	rules_load(2);
	before = rules_read(n);
	assert_int_not_equal(before.table, 0);
	assert_int_equal(before.n, 2);
	for (int i = 0; i < 5; i++)
		sandbox_udp(false, 5000, 9999); /* and the ICMP error: no process listens */
	sandbox_nft("table inet raw { chain c { type filter hook output priority raw;"
		    " udp sport 5001 notrack; }; }");
	for (int i = 0; i < 3; i++)
		sandbox_udp(true, 5001, 9999);
	now = rules_read(n);
	assert_int_equal(now.table, before.table);
	u = nft_counters_find(&now, 2);
	assert_non_null(u);
	assert_true(u->rules[RULE_OUT].packets >= 5);
	assert_true(u->rules[RULE_OUT].bytes > 5 * IP_UDP_BYTES);
	assert_true(u->rules[RULE_UNTRACKED].packets >= 3);
	u = nft_counters_find(&now, 1);
	assert_non_null(u);
	assert_int_equal(u->rules[RULE_OUT].packets + u->rules[RULE_UNTRACKED].packets, 0);
	assert_null(nft_counters_find(&now, 3));

	rules_load(2);
	now = rules_read(n);
	assert_int_not_equal(now.table, before.table);
	assert_int_equal(nft_counters_find(&now, 2)->rules[RULE_OUT].packets, 0);
	nft_counters_close(n);
}

/* Foreign rules are ignored, whatever they count and however they are named; so are ours without
 * a counter. */
static void test_strangers(void **state)
{
	struct nft_counters *n = nft_counters_open();
	struct nft_counters_reading r;

	(void)state;
	sandbox_nft("add table inet waymark; delete table inet waymark;"
		    " table inet waymark { chain c {"
		    " counter comment \"out 0x2\"; counter packets 4 bytes 40 comment \"out 0x2\";"
		    " counter packets 1 bytes 2 comment \"untracked 0xff00\";"
		    " counter packets 7 bytes 7 comment \"out 0x2 \";"
		    " counter packets 8 bytes 8 comment \"outer 0x2\"; counter;"
		    " accept comment \"out 0x3\"; }; };"
		    " table ip waymark { chain c { counter packets 9 bytes 9 comment \"out 0x2\"; "
		    "}; }");
	r = rules_read(n);
	assert_int_equal(r.n, 2);
	assert_int_equal(nft_counters_find(&r, 2)->rules[RULE_OUT].packets, 4);
	assert_int_equal(nft_counters_find(&r, 2)->rules[RULE_OUT].bytes, 40);
	assert_int_equal(nft_counters_find(&r, 0xff00)->rules[RULE_UNTRACKED].packets, 1);
	nft_counters_close(n);
}

/* A ruleset of many messages. */
static void test_many(void **state)
{
	struct nft_counters *n;
	struct nft_counters_reading r;

	(void)state;
	if (!sandbox_is_privileged())
		skip(); /* the socket's buffer cannot be made large enough for the ruleset */
	n = nft_counters_open();
	rules_load(UPLINKS_MAX);
	sandbox_udp(false, 5002, 9999);
	r = rules_read(n);
	assert_int_equal(r.n, UPLINKS_MAX);
	assert_true(nft_counters_find(&r, UPLINKS_MAX)->rules[RULE_OUT].packets >= 1);
	nft_counters_close(n);
}

static void test_link(void **state)
{
	struct link_counters *l = link_counters_open();
	struct tally before, after, received;
	uint32_t index;

	(void)state;
	assert_non_null(l);
	assert_int_equal(link_counters_read(l, "lo", &index, &before, NULL), 0);
	assert_int_equal(index, 1);
	for (int i = 0; i < 4; i++)
		sandbox_udp(false, 5003, 9999);
	assert_int_equal(link_counters_read(l, "lo", &index, &after, &received), 0);
	assert_true(after.packets >= before.packets + 4);
	assert_true(after.bytes >= before.bytes + 4 * IP_UDP_BYTES);
	assert_int_equal(received.packets, after.packets); /* lo receives what it sends */
	assert_int_equal(received.bytes, after.bytes);
	assert_int_equal(link_counters_read(l, "none", &index, &after, NULL), -ENODEV);
	assert_int_equal(link_counters_read(l, "lo", &index, &after, NULL),
			 0); /* no reply is left unread */
	link_counters_close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_link),
	};
	const char *obstacle = sandbox_enter();

	if (obstacle) {
		printf("1..0 # SKIP %s\n", obstacle);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
