/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_conntrack_idle.c - proves that an entry's idle time is never overestimated.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "kernel/conntrack_idle.h"

static const struct conntrack_timeouts timeouts = {
	.list = {{IPPROTO_TCP, 432000}, {IPPROTO_TCP, 300}, {IPPROTO_UDP, 30}, {IPPROTO_UDP, 120}},
	.n = 4,
};

static void the_timeout_that_says_least_counts(void **state)
{
	(void)state;
	assert_int_equal(conntrack_idle_ms(&timeouts, IPPROTO_TCP, 431990), 9000);
	assert_int_equal(conntrack_idle_ms(&timeouts, IPPROTO_TCP, 432000), 0);
	/* Established and idle for long, or just not acknowledged. */
	assert_int_equal(conntrack_idle_ms(&timeouts, IPPROTO_TCP, 299), 0);
	assert_int_equal(conntrack_idle_ms(&timeouts, IPPROTO_UDP, 20), 9000);
	assert_int_equal(conntrack_idle_ms(&timeouts, IPPROTO_UDP, 100), 19000);
}

static void what_no_timeout_explains_is_not_known(void **state)
{
	(void)state;
	assert_int_equal(conntrack_idle_ms(&timeouts, IPPROTO_UDP, 121), -1);
	assert_int_equal(conntrack_idle_ms(&timeouts, IPPROTO_SCTP, 10), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_timeout_that_says_least_counts),
		cmocka_unit_test(what_no_timeout_explains_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
