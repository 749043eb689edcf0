/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_control.c - proves the control socket for its clients: requests in pieces, garbage, too many
 * clients, slow clients, answers larger than any socket buffer, watchers, and the replacement of
 * a stale socket file.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/control.h"

#define BIG_SIZE (4u * 1024 * 1024)

struct fixture {
	char folder[64];
	char path[96];
	struct control *control;
};

static char *answer_command(void *data, const char *command, const struct control_peer *peer)
{
	char *big;

	(void)data;
	if (!strcmp(command, "peer") && peer->uid == getuid() && peer->pid == getpid())
		return strdup("{\"peer\":\"self\"}");
	if (!strcmp(command, "status"))
		return strdup("{\"ready\":true}");
	if (!strcmp(command, "fail")) {
		errno = ENOMEM;
		return NULL;
	}
	if (strcmp(command, "big")) {
		errno = ENOENT;
		return NULL;
	}
	big = malloc(BIG_SIZE + 1);
	memset(big, 'x', BIG_SIZE);
	big[0] = big[BIG_SIZE - 1] = '"';
	big[BIG_SIZE] = '\0';
	return big;
}

static int fixture_start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->folder, "/tmp/test_control.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/run/control.sock", f->folder);
	f->control = control_open(f->path, answer_command, f);
	assert_non_null(f->control);
	*state = f;
	return 0;
}

static int fixture_stop(void **state)
{
	struct fixture *f = *state;
	char folder[96];

	control_close(f->control);
	unlink(f->path);
	snprintf(folder, sizeof(folder), "%s/run", f->folder);
	rmdir(folder);
	rmdir(f->folder);
	free(f);
	return 0;
}

static int client_connect(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(sun.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static void client_send(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void serve(struct fixture *f)
{
	assert_int_equal(control_process(f->control), 0);
}

/* Serve until the client's connection is closed; return the received bytes, malloc'd. */
static char *client_take_all(struct fixture *f, int fd, size_t *size)
{
	size_t room = BIG_SIZE + 65536, got = 0;
	char *text = malloc(room);
	int turns;

	for (turns = 0; turns < 100000; turns++) {
		ssize_t n;

		serve(f);
		n = recv(fd, text + got, room - got - 1, 0);
		if (!n)
			break;
		if (n < 0)
			assert_int_equal(errno, EAGAIN);
		else
			got += (size_t)n;
	}
	assert_true(turns < 100000);
	text[got] = '\0';
	*size = got;
	close(fd);
	return text;
}

static void assert_answer(struct fixture *f, int fd, const char *want)
{
	size_t size;
	char *text = client_take_all(f, fd, &size);

	assert_non_null(strstr(text, want));
	assert_int_equal(text[size - 1], '\n');
	assert_ptr_equal(strchr(text, '\n'), text + size - 1);
	free(text);
}

static struct control_stats stats_of(struct fixture *f)
{
	struct control_stats s;

	control_stats(f->control, &s);
	return s;
}

static void test_answers_one_line_and_closes(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->path);

	client_send(fd, "{\"command\":\"status\"}\n");
	assert_answer(f, fd, "{\"ready\":true}");
	assert_int_equal(stats_of(f).accepted, 1);
	assert_int_equal(stats_of(f).clients, 0);
}

static void test_knows_its_peer(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->path);

	client_send(fd, "{\"command\":\"peer\"}\n");
	assert_answer(f, fd, "{\"peer\":\"self\"}");
}

static void test_takes_a_request_byte_by_byte(void **state)
{
	const char *request = "{\"command\":\"status\"}\n";
	struct fixture *f = *state;
	int fd = client_connect(f->path);
	char byte[2] = "";

	for (; *request; request++) {
		byte[0] = *request;
		client_send(fd, byte);
		serve(f);
	}
	assert_answer(f, fd, "{\"ready\":true}");
}

static void test_takes_the_end_of_input_for_a_newline(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->path);

	client_send(fd, "{\"command\":\"status\"}");
	shutdown(fd, SHUT_WR);
	assert_answer(f, fd, "{\"ready\":true}");
}

static void test_refuses_garbage(void **state)
{
	static const char *const bad[] = {
		"\n",
		"status\n",
		"{\n",
		"[]\n",
		"{\"command\":7}\n",
		"{\"Command\":\"status\"}\n",
		"{\"command\":\"status\"} trailing\n",
		"\xff\xfe\n",
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int fd = client_connect(f->path);

		client_send(fd, bad[i]);
		assert_answer(f, fd, "{\"error\":\"invalid request: expected one line");
		assert_int_equal(stats_of(f).bad_requests, i + 1);
	}
}

static void test_names_an_unknown_command(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->path);

	client_send(fd, "{\"command\":\"frob\\u001bnicate\"}\n");
	assert_answer(f, fd, "{\"error\":\"unknown command: frob\\u001Bnicate\"}");
	fd = client_connect(f->path);
	client_send(fd, "{\"command\":\"fail\"}\n");
	assert_answer(f, fd, "{\"error\":\"Cannot allocate memory\"}");
	assert_int_equal(stats_of(f).bad_requests, 1);
}

static void test_refuses_a_request_without_end(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->path), i;
	char line[1025];

	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (i = 0; i < 8; i++)
		client_send(fd, line);
	assert_answer(f, fd, "too long");
}

static void test_sends_an_answer_larger_than_the_socket(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->path), other;
	size_t size;
	char *text;

	client_send(fd, "{\"command\":\"big\"}\n");
	serve(f);
	assert_int_equal(stats_of(f).clients, 1); /* it waits for the client ... */
	other = client_connect(f->path);
	client_send(other, "{\"command\":\"status\"}\n");
	assert_answer(f, other, "{\"ready\":true}"); /* ... and serves others */
	text = client_take_all(f, fd, &size);
	assert_int_equal(size, BIG_SIZE + 1);
	assert_int_equal(text[BIG_SIZE - 1], '"');
	assert_int_equal(strspn(text + 1, "x"), BIG_SIZE - 2);
	free(text);
}

static void test_survives_clients_that_vanish(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 100; i++) {
		int fd = client_connect(f->path);

		if (i % 3 == 1)
			client_send(fd, "{\"comm");
		if (i % 3 == 2)
			client_send(fd, "{\"command\":\"big\"}\n");
		if (i % 2)
			serve(f);
		close(fd);
		serve(f);
	}
	serve(f);
	assert_int_equal(stats_of(f).clients, 0);
}

static void test_bounds_its_clients(void **state)
{
	struct fixture *f = *state;
	int fds[CONTROL_CLIENTS_MAX], extra, i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		fds[i] = client_connect(f->path);
		serve(f);
	}
	extra = client_connect(f->path);
	assert_answer(f, extra, "too many clients");
	assert_int_equal(stats_of(f).refused, 1);
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		client_send(fds[i], "{\"command\":\"status\"}\n");
		assert_answer(f, fds[i], "{\"ready\":true}");
	}
}

static int watcher_connect(struct fixture *f)
{
	int fd = client_connect(f->path);

	client_send(fd, "{\"command\":\"watch\"}\n");
	serve(f);
	return fd;
}

static void assert_line(int fd, const char *want)
{
	char text[256];
	ssize_t n = recv(fd, text, sizeof(text), 0);

	assert_int_equal(n, strlen(want));
	assert_memory_equal(text, want, strlen(want));
}

static void test_broadcasts_to_watchers_only(void **state)
{
	struct fixture *f = *state;
	int first, second, other;
	char byte;

	assert_false(control_has_watchers(f->control));
	control_broadcast(f->control, "nobody");
	first = watcher_connect(f);
	second = watcher_connect(f);
	shutdown(second, SHUT_WR); /* as nc does at the end of its input */
	other = client_connect(f->path);
	serve(f);
	assert_true(control_has_watchers(f->control));
	control_broadcast(f->control, "{\"n\":1}");
	assert_line(first, "{\"n\":1}\n");
	assert_line(second, "{\"n\":1}\n");
	assert_int_equal(recv(other, &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
	close(first);
	serve(f);
	assert_int_equal(stats_of(f).watchers, 1);
	control_broadcast(f->control, "{\"n\":2}");
	assert_line(second, "{\"n\":2}\n");
	close(second);
	close(other);
	serve(f);
	assert_false(control_has_watchers(f->control));
}

static void test_keeps_room_beside_watchers(void **state)
{
	struct fixture *f = *state;
	int fds[CONTROL_WATCHERS_MAX], extra, i;

	for (i = 0; i < CONTROL_WATCHERS_MAX; i++)
		fds[i] = watcher_connect(f);
	extra = watcher_connect(f);
	assert_answer(f, extra, "too many watchers");
	extra = client_connect(f->path);
	client_send(extra, "{\"command\":\"status\"}\n");
	assert_answer(f, extra, "{\"ready\":true}");
	for (i = 0; i < CONTROL_WATCHERS_MAX; i++)
		close(fds[i]);
}

static void test_drops_a_watcher_that_does_not_read(void **state)
{
	struct fixture *f = *state;
	int idle = watcher_connect(f), awake = watcher_connect(f), i;
	char line[1001];

	memset(line, 'l', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (i = 0; i < 4000 && stats_of(f).watchers == 2; i++) {
		char text[2048];

		control_broadcast(f->control, line);
		serve(f);
		assert_int_equal(recv(awake, text, sizeof(text), 0), sizeof(line));
	}
	assert_int_equal(stats_of(f).dropped_slow, 1);
	assert_int_equal(stats_of(f).watchers, 1);
	close(idle);
	close(awake);
}

/* Serve like an epoll loop for this long. */
static void serve_for(struct fixture *f, int ms)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		struct pollfd p = {.fd = control_fd(f->control), .events = POLLIN};

		poll(&p, 1, 100);
		serve(f);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
}

static void test_loses_patience(void **state)
{
	struct fixture *f = *state;
	int mute = client_connect(f->path), deaf = client_connect(f->path);
	int watcher = watcher_connect(f), i;

	client_send(deaf, "{\"command\":\"big\"}\n");
	client_send(mute, "{");
	for (i = 0; i < CONTROL_PATIENCE_S + 1; i++) {
		serve_for(f, 1000);
		if (i < CONTROL_PATIENCE_S - 2)
			client_send(mute, " "); /* slow pieces extend no time limit */
	}
	assert_int_equal(stats_of(f).dropped_slow, 2);
	assert_int_equal(stats_of(f).clients, 1); /* a quiet watcher stays */
	close(mute);
	close(deaf);
	close(watcher);
}

static void test_idles_without_waking(void **state)
{
	struct fixture *f = *state;
	struct pollfd p = {.fd = control_fd(f->control), .events = POLLIN};
	int fd = client_connect(f->path);

	client_send(fd, "{\"command\":\"status\"}\n");
	assert_answer(f, fd, "ready");
	assert_int_equal(poll(&p, 1, 1200), 0);
}

/* Without a descriptor for a waiting client, the listener is paused, and polled again later. */
static void test_idles_without_descriptors(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->path), wakes = 0;
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)fd + 1; /* no lower descriptor is free: it was the last */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (int i = 0; i < 20; i++) {
		struct pollfd p = {.fd = control_fd(f->control), .events = POLLIN};

		wakes += poll(&p, 1, 50);
		serve(f);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_in_range(wakes, 1, 5);
	client_send(fd, "{\"command\":\"status\"}\n");
	serve_for(f, 1500);
	assert_answer(f, fd, "ready");
}

static void test_owns_its_file(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
	errno = 0;
	assert_null(control_open(f->path, answer_command, f));
	assert_int_equal(errno, EADDRINUSE);
	control_close(f->control);
	assert_int_equal(stat(f->path, &st), -1);
	f->control = control_open(f->path, answer_command, f);
	assert_non_null(f->control);
}

static void test_takes_over_a_dead_socket_only(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), file;
	struct stat st;

	control_close(f->control);
	strcpy(sun.sun_path, f->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd); /* bound, not listening: the socket file of a killed daemon */
	f->control = control_open(f->path, answer_command, f);
	assert_non_null(f->control);
	control_close(f->control);

	file = open(f->path, O_CREAT | O_WRONLY, 0600);
	assert_true(file >= 0);
	close(file);
	errno = 0;
	f->control = control_open(f->path, answer_command, f);
	assert_null(f->control);
	assert_int_equal(errno, ENOTSOCK);
	assert_int_equal(stat(f->path, &st), 0);
}

static void test_leaves_a_successor_alone(void **state)
{
	struct fixture *f = *state;
	struct control *successor;
	struct stat st;

	assert_int_equal(unlink(f->path), 0);
	successor = control_open(f->path, answer_command, f);
	assert_non_null(successor);
	control_close(f->control);
	assert_int_equal(stat(f->path, &st), 0);
	f->control = successor;
}

static void test_says_why_it_cannot_open(void **state)
{
	char path[300];

	(void)state;
	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	errno = 0;
	assert_null(control_open(path, answer_command, NULL));
	assert_int_equal(errno, ENAMETOOLONG);
	assert_null(control_open("/dev/null/control.sock", answer_command, NULL));
	assert_int_equal(errno, ENOTDIR);
	assert_null(control_open("", answer_command, NULL));
	assert_int_equal(errno, EINVAL);
	control_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_start, fixture_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers_one_line_and_closes),
		TEST(test_knows_its_peer),
		TEST(test_takes_a_request_byte_by_byte),
		TEST(test_takes_the_end_of_input_for_a_newline),
		TEST(test_refuses_garbage),
		TEST(test_names_an_unknown_command),
		TEST(test_refuses_a_request_without_end),
		TEST(test_sends_an_answer_larger_than_the_socket),
		TEST(test_survives_clients_that_vanish),
		TEST(test_bounds_its_clients),
		TEST(test_broadcasts_to_watchers_only),
		TEST(test_keeps_room_beside_watchers),
		TEST(test_drops_a_watcher_that_does_not_read),
		TEST(test_loses_patience),
		TEST(test_idles_without_waking),
		TEST(test_idles_without_descriptors),
		TEST(test_owns_its_file),
		TEST(test_takes_over_a_dead_socket_only),
		TEST(test_leaves_a_successor_alone),
		cmocka_unit_test(test_says_why_it_cannot_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
