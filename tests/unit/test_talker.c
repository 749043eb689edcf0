/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_talker.c - proves frames, HTTP requests and the channel between waymarkd and its talker,
 * where either side may send garbage or hang.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "talker/channel.h"
#include "talker/frame.h"
#include "talker/http_request.h"
#include "talker/worker.h"

static struct frame out, in;

/* An encoded frame can be decoded. */
static void pass(void)
{
	assert_int_equal(frame_end(&out), 0);
	memcpy(in.bytes, out.bytes, out.n);
	assert_int_equal(frame_open(&in, out.n), 0);
}

static void test_texts(void **state)
{
	char *rest[4];

	(void)state;
	frame_begin(&out, FRAME_PROGRAM, 7, -3);
	frame_put(&out, "/a b");
	frame_put(&out, "");
	frame_put_number(&out, INT64_MIN);
	frame_put(&out, "x");
	frame_put(&out, "y");
	pass();
	assert_int_equal(in.type, FRAME_PROGRAM);
	assert_int_equal(in.generation, 7);
	assert_int_equal(in.number, -3);
	assert_string_equal(frame_next(&in), "/a b");
	assert_string_equal(frame_next(&in), "");
	assert_true(frame_next_number(&in) == INT64_MIN);
	frame_rest(&in, rest, 4);
	assert_string_equal(rest[0], "x");
	assert_string_equal(rest[1], "y");
	assert_null(rest[2]);
	assert_null(frame_next(&in));
	assert_int_equal(frame_next_number(&in), 0);
}

static void test_overfull(void **state)
{
	char *text = malloc(FRAME_BYTES_MAX);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', FRAME_BYTES_MAX - 1);
	text[FRAME_BYTES_MAX - 1] = '\0';
	frame_begin(&out, FRAME_POST, 1, 1);
	frame_put(&out, text);
	assert_int_equal(frame_end(&out), -EMSGSIZE);
	text[FRAME_BYTES_MAX - 100] = '\0';
	frame_begin(&out, FRAME_POST, 1, 1);
	frame_put(&out, text);
	pass();
	assert_int_equal(strlen(frame_next(&in)), FRAME_BYTES_MAX - 100);
	free(text);
}

static void test_nonsense(void **state)
{
	unsigned seed = 1;

	(void)state;
	frame_begin(&out, FRAME_PONG, 1, 1);
	assert_int_equal(frame_end(&out), 0);
	memcpy(in.bytes, out.bytes, out.n);
	for (size_t n = 0; n < out.n; n++)
		assert_int_equal(frame_open(&in, n), -EBADMSG);
	in.bytes[out.n] = 'x'; /* not ended */
	assert_int_equal(frame_open(&in, out.n + 1), -EBADMSG);
	in.bytes[0] = FRAME_TYPES;
	assert_int_equal(frame_open(&in, out.n), -EBADMSG);
	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)rand_r(&seed) % 80;
		char *rest[3];

		for (size_t i = 0; i < n; i++)
			in.bytes[i] = (char)(rand_r(&seed) % 3 ? 0 : rand_r(&seed));
		if (frame_open(&in, n))
			continue;
		frame_next_number(&in);
		frame_rest(&in, rest, 3);
		while (frame_next(&in))
			assert_true(in.at <= n);
	}
}

static void test_status(void **state)
{
	struct worker_status a = {3, 5, 7, 9, 11, "why\033[2J", ""}, b;

	(void)state;
	frame_begin(&out, FRAME_STATUS, 1, 0);
	worker_status_put(&a, &out);
	pass();
	worker_status_read(&b, &in);
	assert_int_equal(b.programs, 3);
	assert_int_equal(b.programs_failed, 5);
	assert_int_equal(b.delivered, 7);
	assert_int_equal(b.retries, 9);
	assert_int_equal(b.dropped, 11);
	assert_string_equal(b.program_error, "why?[2J");
	assert_string_equal(b.webhook_error, "");
	frame_begin(&out, FRAME_STATUS, 1, 0);
	frame_put(&out, "-4");
	pass();
	worker_status_read(&b, &in);
	assert_int_equal(b.programs, 0);
	assert_string_equal(b.program_error, "");
}

/* A side that does not read causes -EAGAIN without waiting; a descriptor can be passed. */
static void test_channel(void **state)
{
	int ends[2], passed, err = 0;
	unsigned sent = 0;

	(void)state;
	assert_int_equal(channel_open(ends, 65536), 0);
	assert_int_equal(channel_receive(ends[1], &in, &passed), -EAGAIN);
	frame_begin(&out, FRAME_LISTEN, 1, 0);
	assert_int_equal(channel_send(ends[0], &out, STDIN_FILENO), 0);
	assert_int_equal(channel_receive(ends[1], &in, &passed), 0);
	assert_int_equal(in.type, FRAME_LISTEN);
	assert_true(passed > STDERR_FILENO);
	close(passed);
	for (; !err && sent < 1000000; sent++) {
		frame_begin(&out, FRAME_PING, 1, sent);
		err = channel_send(ends[0], &out, -1);
	}
	assert_int_equal(err, -EAGAIN);
	assert_true(sent > 10);
	for (unsigned i = 0; i + 1 < sent; i++) {
		assert_int_equal(channel_receive(ends[1], &in, &passed), 0);
		assert_int_equal(in.number, i);
		assert_int_equal(passed, -1);
	}
	assert_int_equal(send(ends[0], "nonsense", 8, 0), 8);
	assert_int_equal(channel_receive(ends[1], &in, &passed), -EBADMSG);
	close(ends[0]);
	assert_int_equal(channel_receive(ends[1], &in, &passed), -EPIPE);
	frame_begin(&out, FRAME_PONG, 1, 1);
	assert_int_equal(channel_send(ends[1], &out, -1), -EPIPE);
	close(ends[1]);
}

static void test_request(void **state)
{
	static const struct {
		const char *text;
		int result;
		bool is_head;
		const char *path;
	} cases[] = {
		{"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 1, false, "/metrics"},
		{"GET /metrics?a=b HTTP/1.0\n\n", 1, false, "/metrics"},
		{"HEAD /metrics HTTP/1.1\r\n\r\n", 1, true, "/metrics"},
		{"POST /metrics HTTP/1.1\r\n\r\nx=y", 1, false, ""},
		{"GET /../metrics HTTP/1.1\r\n\r\n", 1, false, "/../metrics"},
		{"", 0, false, ""},
		{"GET /met", 0, false, ""},
		{"GET /metrics HTTP/1.1\r\n", 0, false, ""},
		{"GET /metrics HTTP/1.1\r\n\r", 0, false, ""},
		{"GET /metrics\r\n\r\n", -EBADMSG, false, ""},
		{"GET  HTTP/1.1\r\n\r\n", -EBADMSG, false, ""},
		{"GET / HTTP/2.0\r\n\r\n", -EBADMSG, false, ""},
		{"\x16\x03\x01", -EBADMSG, false, ""},
	};
	char text[HTTP_HEAD_BYTES];
	struct http_request r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(http_request_parse(cases[i].text, strlen(cases[i].text), &r),
				 cases[i].result);
		if (cases[i].result != 1)
			continue;
		assert_int_equal(r.is_head, cases[i].is_head);
		assert_string_equal(r.path, cases[i].path);
	}
	memset(text, 'G', sizeof(text));
	assert_int_equal(http_request_parse(text, sizeof(text) - 1, &r), 0);
	assert_int_equal(http_request_parse(text, sizeof(text), &r), -EBADMSG);
	memcpy(text, "GET /", 5);
	memcpy(text + 200, " HTTP/1.1\n\n", 11);
	assert_int_equal(http_request_parse(text, sizeof(text), &r), 1);
	assert_string_equal(r.path, ""); /* longer than our paths */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),	 cmocka_unit_test(test_overfull),
		cmocka_unit_test(test_nonsense), cmocka_unit_test(test_status),
		cmocka_unit_test(test_channel),	 cmocka_unit_test(test_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
