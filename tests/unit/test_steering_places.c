/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_steering_places.c - proves the steering where IPv4 has several routes with the same key, as
 * "route add default" of net-tools and busybox adds them, of which only the first is in force; and
 * where rules share a priority, so that their order matters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "steering_lab.h"

static void assert_first_default(const char *text)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "ip -4 route show default | tr -d '\\n' | grep -c '^default %s'", text);
	assert_true(steering_lab_shows(command, "1"));
}

/* The route in force is restored before those behind it. */
static void removes_among_several(void **state)
{
	char *before;

	(void)state;
	steering_lab_run("ip -4 route add default via 192.168.1.1 dev wan1 proto dhcp");
	steering_lab_run("ip -4 route append default via 192.168.2.1 dev wan2 proto dhcp");
	steering_lab_run("ip -4 route append default via 192.168.10.9 dev lan");
	before = steering_lab_listing();
	steering_lab_apply(steering_lab_steering());
	assert_first_default("proto 87");
	assert_int_equal(steering_lab_reconcile(steering_lab_steering()), 0);
	assert_int_equal(steering_remove(steering_lab_steering(), stderr), 0);
	steering_lab_assert_same(before, steering_lab_listing());
}

/* All routes before ours are removed at once, and restored at the end. */
static void comes_to_the_front(void **state)
{
	struct steering *s;

	(void)state;
	s = steering_lab_steering();
	steering_lab_apply(s);
	steering_lab_run("ip -4 route prepend default via 192.168.1.1 dev wan1 proto dhcp");
	assert_first_default("via 192.168.1.1 dev wan1 proto dhcp");
	assert_int_equal(steering_lab_reconcile(s), 1);
	assert_first_default("proto 87");
	steering_lab_run("ip -4 route prepend default via 192.168.10.8 dev lan");
	steering_lab_run("ip -4 route prepend default via 192.168.10.9 dev lan");
	steering_lab_apply(steering_lab_steering());
	assert_first_default("proto 87");
	assert_false(steering_lab_shows("ip -4 route show default", "dev lan"));
	assert_int_equal(steering_remove(steering_lab_steering(), stderr), 0);
	assert_first_default("via 192.168.10.9 dev lan *$");
}

/* Another plan does the same: our route behind is replaced, and no old one is left. */
static void changes_behind_another(void **state)
{
	struct steering *s;

	(void)state;
	s = steering_lab_steering();
	steering_lab_apply(s);
	steering_lab_run("ip -4 route prepend default via 192.168.1.1 dev wan1 proto dhcp");
	steering_lab_run("ip -4 route prepend default via 192.168.10.9 dev lan table 250");
	steering_lab_uplinks[1].weight = 9;
	steering_lab_apply(steering_lab_steering());
	assert_first_default("proto 87");
	assert_true(steering_lab_shows("ip -4 route show default", "dev wan2 weight 9"));
	assert_false(steering_lab_shows("ip -4 route show default", "dev wan2 weight 2"));
	assert_false(steering_lab_shows("ip -4 route show table 250", "dev lan"));
}

/* --- rules of one priority --------------------------------------------------------------- */

struct judgement {
	bool is_allowed;
	unsigned undone, others;
};

static bool judge_count(void *data, const struct steering_change *c)
{
	struct judgement *j = data;

	if (c->is_undone)
		j->undone++;
	else
		j->others++;
	return j->is_allowed || !c->is_undone;
}

/* The rule behind the deleted one is added again, but no process has undone it; it is not removed
 * while the deleted one may not be reinstalled. */
static void blames_no_one_for_what_follows(void **state)
{
	struct judgement j = {.is_allowed = false};
	struct steering *s;
	char *before;

	(void)state;
	steering_lab_config.balance = BALANCE_TABLE;
	steering_lab_config.balance_table = 252;
	s = steering_lab_steering();
	steering_lab_apply(s);
	before = steering_lab_output("ip -4 rule");
	steering_set_judge(s, judge_count, &j);
	steering_lab_run("ip -4 rule del pref 32765 lookup main");
	assert_int_equal(steering_reconcile(s, NULL, NULL, stderr), 0);
	assert_int_equal(j.undone, 1);
	assert_int_equal(j.others, 0);
	j = (struct judgement){.is_allowed = true};
	assert_int_equal(steering_reconcile(s, NULL, NULL, stderr), 2);
	assert_int_equal(j.undone, 1);
	assert_int_equal(j.others, 1);
	steering_lab_assert_same(before, steering_lab_output("ip -4 rule"));
	assert_int_equal(steering_reconcile(s, NULL, NULL, stderr), 0);
}

#define IN_LAB(f) cmocka_unit_test_setup_teardown(f, steering_lab_start, steering_lab_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_LAB(removes_among_several),
		IN_LAB(comes_to_the_front),
		IN_LAB(changes_behind_another),
		IN_LAB(blames_no_one_for_what_follows),
	};

	return cmocka_run_group_tests(tests, steering_lab_group_start, NULL);
}
