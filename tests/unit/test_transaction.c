/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_transaction.c - a function in a child replies with its result and texts; one that
 * exits, aborts or hangs ends the child alone, and the reply says how.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "waymark/kernel/transaction.h"

static int reply_fn(void *data, FILE *output, FILE *errors)
{
	int n = *(int *)data;

	for (int i = 0; i < n; i++)
		fputs("0123456789", output);
	fputs("a warning", errors);
	*(int *)data = -1; /* the child's copy */
	return -EBUSY;
}

static void test_reply(void **state)
{
	struct transaction_reply reply;
	int n = 100000;

	(void)state;
	assert_int_equal(transaction_run(reply_fn, &n, &reply), -EBUSY);
	assert_int_equal(strlen(reply.output), 1000000);
	assert_string_equal(reply.errors, "a warning");
	assert_int_equal(n, 100000);
	transaction_clear(&reply);
}

static int exit_fn(void *data, FILE *output, FILE *errors)
{
	(void)data;
	(void)errors;
	fputs("half", output);
	_exit(3);
}

static int abort_fn(void *data, FILE *output, FILE *errors)
{
	(void)data;
	(void)output;
	(void)errors;
	raise(SIGKILL);
	return 0;
}

static void test_death(void **state)
{
	struct transaction_reply reply;

	(void)state;
	assert_int_equal(transaction_run(exit_fn, NULL, &reply), -EOWNERDEAD);
	assert_string_equal(reply.errors, "the child ended with status 3");
	assert_null(reply.output);
	transaction_clear(&reply);
	assert_int_equal(transaction_run(abort_fn, NULL, &reply), -EOWNERDEAD);
	assert_string_equal(reply.errors, "the child ended by signal 9");
	transaction_clear(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_death),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
