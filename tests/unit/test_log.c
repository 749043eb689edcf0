/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_log.c - proves that a flood of equal lines is summarized without losing a count, and that a
 * few equal lines are each written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/log.h"

static FILE *written;
static int standard_error;

/* Redirect standard error to a file until log_end. */
static int log_begin(void **state)
{
	(void)state;
	written = tmpfile();
	standard_error = dup(STDERR_FILENO);
	return !written || standard_error < 0 || dup2(fileno(written), STDERR_FILENO) < 0;
}

static int log_end(void **state)
{
	(void)state;
	dup2(standard_error, STDERR_FILENO);
	close(standard_error);
	return fclose(written);
}

/* Return how many of the lines written so far end with this text. */
static unsigned count(const char *end)
{
	char line[256];
	unsigned n = 0;

	rewind(written);
	while (fgets(line, sizeof(line), written)) {
		const char *at = strstr(line, end);

		if (at && strcmp(at + strlen(end), "\n") == 0)
			n++;
	}
	fseek(written, 0, SEEK_END);
	return n;
}

static void test_two_reloads_in_a_row(void **state)
{
	(void)state;
	log_notice("configuration reloaded: 2 uplinks");
	log_notice("configuration reloaded: 2 uplinks");
	assert_int_equal(count(" configuration reloaded: 2 uplinks"), 2);
}

static void test_flood(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		log_warning("the table is full");
	assert_int_equal(count(" warning: the table is full"), 3);
	log_warning("the table has room");
	assert_int_equal(count(" warning: last message repeated 997 times"), 1);
	assert_int_equal(count(" warning: the table has room"), 1);
}

static void test_level_tells_lines_apart(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++)
		log_line(i & 1 ? LOG_LEVEL_WARNING : LOG_LEVEL_ERR, "no answer");
	assert_int_equal(count(" warning: no answer"), 4);
	assert_int_equal(count(" error: no answer"), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_two_reloads_in_a_row, log_begin, log_end),
		cmocka_unit_test_setup_teardown(test_flood, log_begin, log_end),
		cmocka_unit_test_setup_teardown(test_level_tells_lines_apart, log_begin, log_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
