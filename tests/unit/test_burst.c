/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_burst.c - proves that the first lines of a burst are shown, the others counted, none lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/commands/burst.h"

static char counted[256];

static void count(void *data, const char *kind, unsigned held)
{
	size_t used = strlen(counted);

	(void)data;
	snprintf(counted + used, sizeof(counted) - used, "%s %u;", kind, held);
}

static void counted_is(struct burst *b, int64_t now_ms, const char *expected)
{
	counted[0] = '\0';
	burst_count(b, now_ms, count, NULL);
	assert_string_equal(counted, expected);
}

static unsigned shown_of(struct burst *b, const char *kind, unsigned lines, int64_t now_ms)
{
	unsigned shown = 0;

	for (unsigned i = 0; i < lines; i++)
		shown += burst_take(b, kind, false, now_ms);
	return shown;
}

static void test_few_lines_are_shown(void **state)
{
	struct burst b = {0};

	(void)state;
	assert_int_equal(shown_of(&b, "a", BURST_SHOWN, 0), BURST_SHOWN);
	assert_int_equal(shown_of(&b, "b", 1, 0), 1);
	counted_is(&b, BURST_MS, "");
	assert_int_equal(shown_of(&b, "a", BURST_SHOWN, BURST_MS), BURST_SHOWN);
}

/* Each line is either shown or counted; during the burst few are shown. */
static void test_bursts_are_counted(void **state)
{
	struct burst b = {0};

	(void)state;
	assert_int_equal(shown_of(&b, "a", 40, 0), BURST_SHOWN);
	counted_is(&b, BURST_MS - 1, "");
	counted_is(&b, BURST_MS, "a 35;");
	assert_int_equal(shown_of(&b, "a", 7, BURST_MS + 1), 0);
	counted_is(&b, 2 * BURST_MS, "");
	counted_is(&b, BURST_MS + BURST_GOING_MS, "a 7;");
	counted_is(&b, BURST_MS + 2 * BURST_GOING_MS, "");
	assert_int_equal(shown_of(&b, "a", 1, BURST_MS + 2 * BURST_GOING_MS), 1);
}

static void test_repeated_lines_are_counted(void **state)
{
	struct burst b = {0};

	(void)state;
	assert_false(burst_take(&b, "a", true, 0));
	assert_true(burst_take(&b, "a", false, 0));
	counted_is(&b, BURST_MS, "a 1;");
}

/* Without room for another kind, lines are shown. */
static void test_many_kinds(void **state)
{
	struct burst b = {0};
	char name[16];

	(void)state;
	for (int i = 0; i < BURST_KINDS_MAX; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_true(burst_take(&b, name, false, 0));
	}
	assert_int_equal(shown_of(&b, "one more", 20, 0), 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_lines_are_shown),
		cmocka_unit_test(test_bursts_are_counted),
		cmocka_unit_test(test_repeated_lines_are_counted),
		cmocka_unit_test(test_many_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
