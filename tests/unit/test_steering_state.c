/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_steering_state.c - proves the steering while its state file cannot be written, is broken or
 * is deleted: packets are steered all the same, and the state found at the start is not lost.
 */
#define _GNU_SOURCE /* open_memstream */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "steering/steering_internal.h"
#include "steering_lab.h"

/* Even root cannot write a file whose name is a folder's. */
static void writing_ends(void)
{
	steering_lab_run("mkdir %s.new", steering_lab_state_path());
}

static void writing_begins(void)
{
	steering_lab_run("rmdir %s.new", steering_lab_state_path());
}

static unsigned reconcile_lines(struct steering *s)
{
	char *said = NULL;
	size_t size;
	FILE *errors = open_memstream(&said, &size);
	unsigned n = 0;

	assert_non_null(errors);
	assert_true(steering_reconcile(s, NULL, NULL, errors) >= 0);
	fclose(errors);
	for (const char *at = said; (at = strstr(at, "cannot save the steering's state file"));
	     at++)
		n++;
	free(said);
	return n;
}

/* An uplink that stays down loses its unreachable routes after a moment (steering_release.c). */
static void wait_for_release(struct steering *s, const char *routes)
{
	for (int i = 0; i < 200 && steering_lab_shows(routes, "unreachable"); i++) {
		assert_int_equal(reconcile_lines(s), 0);
		usleep(50000);
	}
	assert_false(steering_lab_shows(routes, "unreachable"));
}

/* The failure is reported once, and gateways learnt meanwhile are saved later. */
static void steers_without_saving(void **state)
{
	struct steering *s;

	(void)state;
	steering_lab_uplinks[0].gateway.kind = GATEWAY_LEARN;
	steering_lab_run("ip route add default via 192.168.1.1 dev wan1 metric 100");
	s = steering_lab_steering();
	steering_lab_apply(s);
	writing_ends();
	steering_lab_run("ip route replace default via 192.168.1.77 dev wan1 metric 100");
	assert_int_equal(reconcile_lines(s), 1);
	assert_true(steering_lab_shows("ip route show table 251", "default via 192.168.1.77"));
	steering_lab_run("nft delete table inet waymark && ip link set wan2 down");
	assert_int_equal(reconcile_lines(s), 0);
	assert_true(steering_lab_shows("nft list tables", "waymark"));
	assert_false(steering_lab_shows("ip route show default", "wan2"));
	assert_true(steering_lab_is_as_planned(s));
	wait_for_release(s, "ip route show table 250");
	wait_for_release(s, "ip -6 route show table 250");
	assert_int_equal(reconcile_lines(s), 0);
	writing_begins();
	assert_int_equal(steering_reconcile(s, NULL, NULL, stderr), 0);
	steering_lab_run("grep -q 192.168.1.77 %s", steering_lab_state_path());
}

/* State that must be restored later is not changed until it can be recorded. */
static void displaces_nothing_unnoted(void **state)
{
	struct steering *s;

	(void)state;
	s = steering_lab_steering();
	steering_lab_apply(s);
	writing_ends();
	steering_lab_run("ip route replace default via 192.168.10.9 dev lan");
	assert_int_equal(steering_reconcile(s, NULL, NULL, NULL), -EISDIR);
	assert_true(steering_lab_shows("ip route show default", "via 192.168.10.9 dev lan"));
	writing_begins();
	steering_lab_reconcile(s);
	assert_false(steering_lab_shows("ip route show default", "dev lan"));
	assert_int_equal(steering_remove(s, stderr), 0);
	assert_true(steering_lab_shows("ip route show default", "via 192.168.10.9 dev lan"));
}

static void remembers_what_the_file_forgets(void **state)
{
	static const char *const breaks[] = {"echo garbage >%s", "rm %s"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct steering *s = steering_lab_steering();
		char *before;

		steering_lab_run("ip route replace default via 192.168.10.9 dev lan");
		before = steering_lab_listing();
		steering_lab_apply(s);
		steering_lab_run(breaks[i], steering_lab_state_path());
		assert_int_equal(steering_reconcile(s, NULL, NULL, stderr), 0);
		assert_int_equal(steering_remove(steering_lab_steering(), stderr), 0);
		steering_lab_assert_same(before, steering_lab_listing());
	}
}

/* Once it is removed, nothing is remembered. */
static void forgets_what_is_removed(void **state)
{
	struct steering *s;
	char *before;

	(void)state;
	steering_lab_run("ip route add default via 192.168.10.9 dev lan");
	s = steering_lab_steering();
	steering_lab_apply(s);
	assert_int_equal(steering_remove(s, stderr), 0);
	steering_lab_run("ip route del default");
	steering_lab_run("sysctl -qw net.ipv4.fib_multipath_hash_policy=2");
	before = steering_lab_listing();
	steering_lab_apply(s);
	assert_int_equal(steering_remove(s, stderr), 0);
	steering_lab_assert_same(before, steering_lab_listing());
}

static void keep_detail(void *data, const struct steering_change *change)
{
	if (change->thing == STEERING_RULESET)
		snprintf(data, sizeof(change->detail), "%s", change->detail);
}

/* Remove the uplink that main's default route is about to use. */
static void line_take(void *data, bool is_new)
{
	unsigned *n = data;

	(void)is_new;
	steering_lab_run((*n)++ % 2 ? "ip link set wan2 up && ip link set wan1 down"
				    : "ip link set wan2 down");
}

/* An apply that failed after loading its ruleset leaves nothing to compare with. */
static void compares_with_what_is_there(void **state)
{
	char detail[sizeof(((struct steering_change *)0)->detail)] = "";
	struct steering *s;
	unsigned n = 0;

	(void)state;
	s = steering_lab_steering();
	steering_lab_apply(s);
	steering_lab_uplinks[1].mark = 7;
	steering_lab_uplinks[1].weight = 5;
	steering_set_midway(s, line_take, &n);
	assert_int_not_equal(steering_apply(s, NULL), 0);
	assert_int_equal(n, 3);
	steering_set_midway(s, NULL, NULL);
	steering_lab_run("ip link set wan1 up && ip link set wan2 up");
	steering_lab_uplinks[1].mark = 3;
	steering_lab_uplinks[1].weight = 2;
	assert_int_equal(steering_apply(s, stderr), 0);
	steering_lab_run("nft add chain inet waymark another");
	assert_true(steering_reconcile(s, keep_detail, detail, stderr) > 0);
	assert_string_equal(detail, "chain another added");
}

#define IN_LAB(f) cmocka_unit_test_setup_teardown(f, steering_lab_start, steering_lab_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_LAB(steers_without_saving),		 IN_LAB(displaces_nothing_unnoted),
		IN_LAB(remembers_what_the_file_forgets), IN_LAB(forgets_what_is_removed),
		IN_LAB(compares_with_what_is_there),
	};

	return cmocka_run_group_tests(tests, steering_lab_group_start, NULL);
}
