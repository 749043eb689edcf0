/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_watchdog.c - proves that while a step of the event loop hangs, the log names that step; and
 * that WATCHDOG=1 reaches the service manager's socket.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/loop.h"
#include "daemon/watchdog.h"

/* A report is due after a second. */
#define PATIENCE_MS 20000

struct stall {
	struct loop *loop;
	int log_fd; /* the text written to standard error */
	char line[256];
};

/* Hang until something is logged. */
static void stand_still(void *data)
{
	struct stall *s = data;
	struct pollfd p = {.fd = s->log_fd, .events = POLLIN};

	if (poll(&p, 1, PATIENCE_MS) == 1)
		(void)!read(s->log_fd, s->line, sizeof(s->line) - 1);
	loop_stop(s->loop);
}

/* Run a loop whose step of this rank hangs; line: the text logged meanwhile. */
static void stall_run(enum loop_rank rank, struct stall *s)
{
	int standard_error = dup(STDERR_FILENO), fd = eventfd(1, EFD_CLOEXEC), ends[2];

	assert_int_equal(pipe(ends), 0);
	s->log_fd = ends[0];
	s->loop = loop_new();
	assert_non_null(s->loop);
	assert_int_equal(loop_add(s->loop, rank, fd, stand_still, s), 0);
	dup2(ends[1], STDERR_FILENO);
	watchdog_start(s->loop);
	loop_run(s->loop);
	watchdog_stop();
	dup2(standard_error, STDERR_FILENO);
	loop_free(s->loop);
	close(standard_error);
	close(fd);
	close(ends[0]);
	close(ends[1]);
}

static void test_step_is_named(void **state)
{
	struct stall timer = {0}, ruleset = {0};

	(void)state;
	stall_run(LOOP_TIMER, &timer);
	assert_non_null(strstr(timer.line, "is stalled: busy with the timer for"));
	stall_run(LOOP_RULESET, &ruleset);
	assert_non_null(strstr(ruleset.line, "busy with ruleset notices for"));
}

static void test_manager_is_fed(void **state)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t length = sizeof(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char path[sizeof(name.sun_path) + 1] = "@", text[64] = "";

	(void)state;
	/* The kernel chooses an abstract name. */
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name.sun_family)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	memcpy(path + 1, name.sun_path + 1, length - offsetof(struct sockaddr_un, sun_path) - 1);
	setenv("NOTIFY_SOCKET", path, 1);
	watchdog_feed();
	unsetenv("NOTIFY_SOCKET");
	assert_true(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT) > 0);
	assert_string_equal(text, "WATCHDOG=1");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_step_is_named),
		cmocka_unit_test(test_manager_is_fed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
