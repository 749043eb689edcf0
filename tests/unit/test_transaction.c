/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_transaction.c - proves that a function in a child process replies with its result and texts;
 * one that exits, aborts or hangs ends only the child, and the reply has the cause. With a launcher
 * the same, also while a thread allocates memory, and without it once it is dead.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "waymark/kernel/transaction.h"

static int reply_fn(const void *data, FILE *output, FILE *errors)
{
	int n = *(const int *)data;

	for (int i = 0; i < n; i++)
		fputs("0123456789", output);
	fputs("a warning", errors);
	return -EBUSY;
}

static void reply_assert(void)
{
	struct transaction_reply reply;
	int n = 100000;

	assert_int_equal(transaction_run(reply_fn, &n, sizeof(n), &reply), -EBUSY);
	assert_int_equal(strlen(reply.output), 1000000);
	assert_string_equal(reply.errors, "a warning");
	transaction_clear(&reply);
}

static int exit_fn(const void *data, FILE *output, FILE *errors)
{
	(void)data;
	(void)errors;
	fputs("half", output);
	_exit(3);
}

static int kill_fn(const void *data, FILE *output, FILE *errors)
{
	(void)data;
	(void)output;
	(void)errors;
	raise(SIGKILL);
	return 0;
}

static void death_assert(void)
{
	struct transaction_reply reply;

	assert_int_equal(transaction_run(exit_fn, NULL, 0, &reply), -EOWNERDEAD);
	assert_string_equal(reply.errors, "the helper process exited with status 3");
	assert_null(reply.output);
	transaction_clear(&reply);
	assert_int_equal(transaction_run(kill_fn, NULL, 0, &reply), -EOWNERDEAD);
	assert_string_equal(reply.errors, "the helper process was killed by signal 9");
	transaction_clear(&reply);
}

/* Reply with the child's parent, and which of the descriptors it has. */
static int look_fn(const void *data, FILE *output, FILE *errors)
{
	const int *fds = data;

	(void)errors;
	fprintf(output, "%d %d %d", getppid(), fcntl(fds[0], F_GETFD) >= 0,
		fcntl(fds[1], F_GETFD) >= 0);
	return 0;
}

static pid_t look_assert(const int fds[2], bool is_first, bool is_second)
{
	struct transaction_reply reply;
	int parent, first, second;

	assert_int_equal(transaction_run(look_fn, fds, 2 * sizeof(*fds), &reply), 0);
	assert_int_equal(sscanf(reply.output, "%d %d %d", &parent, &first, &second), 3);
	assert_int_equal(first, is_first);
	assert_int_equal(second, is_second);
	transaction_clear(&reply);
	return parent;
}

static void test_direct(void **state)
{
	(void)state;
	reply_assert();
	death_assert();
}

static void test_launcher(void **state)
{
	int fds[2] = {fcntl(STDERR_FILENO, F_DUPFD, 100), fcntl(STDERR_FILENO, F_DUPFD, 100)};
	siginfo_t ended;
	pid_t launcher;

	(void)state;
	assert_false(transaction_launcher_is_running());
	assert_int_equal(transaction_launcher_start(fds[0]), 0);
	assert_true(transaction_launcher_is_running());
	reply_assert();
	death_assert();
	launcher = look_assert(fds, true, false);
	assert_int_not_equal(launcher, getpid());

	/* Without the launcher the process forks itself. */
	kill(launcher, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)launcher, &ended, WEXITED | WNOWAIT), 0);
	assert_int_equal(look_assert(fds, true, true), getpid());
	assert_false(transaction_launcher_is_running());
	reply_assert();
	death_assert();
	close(fds[0]);
	close(fds[1]);
}

/* When a launcher ends in the middle, its child's reply is lost, once. */
static int orphan_fn(const void *data, FILE *output, FILE *errors)
{
	(void)data;
	(void)output;
	(void)errors;
	kill(getppid(), SIGKILL);
	_exit(3);
}

/* Whether the launcher has reported its child by then is chance. */
static void test_launcher_dies(void **state)
{
	struct transaction_reply reply;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(transaction_launcher_start(-1), 0);
		assert_int_equal(transaction_run(orphan_fn, NULL, 0, &reply), -EOWNERDEAD);
		assert_non_null(reply.errors);
		transaction_clear(&reply);
		reply_assert();
		assert_false(transaction_launcher_is_running());
	}
}

static void test_launcher_stops(void **state)
{
	(void)state;
	assert_int_equal(transaction_launcher_start(-1), 0);
	transaction_launcher_stop();
	assert_false(transaction_launcher_is_running());
	/* No child process is left. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static atomic_bool is_over;

static void *allocate(void *unused)
{
	while (!is_over)
		for (size_t i = 1; i < 64; i++)
			free(malloc(i * 37));
	return unused;
}

/* A child of this process could wait for ever for the allocator's lock. */
static void test_threads(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(transaction_launcher_start(-1), 0);
	assert_int_equal(pthread_create(&thread, NULL, allocate, NULL), 0);
	for (int i = 0; i < 100; i++) {
		struct transaction_reply reply;
		int n = 100;

		assert_int_equal(transaction_run(reply_fn, &n, sizeof(n), &reply), -EBUSY);
		transaction_clear(&reply);
	}
	is_over = true;
	pthread_join(thread, NULL);
	transaction_launcher_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_direct),	      cmocka_unit_test(test_launcher),
		cmocka_unit_test(test_launcher_dies), cmocka_unit_test(test_launcher_stops),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
