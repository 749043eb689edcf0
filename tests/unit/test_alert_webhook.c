/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_alert_webhook.c - proves the queue of a webhook without a server: its bound, which alerts
 * are settled, which are kept, and the pauses between attempts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "waymark/alert/webhook.h"
#include "alert_lab.h"

/* Port 1 of this machine refuses connections at once. */
#define REFUSED "http://127.0.0.1:1/"

static int url_set(struct webhook *w, const char *url)
{
	struct alert_config c = {.webhook = url ? strdup(url) : NULL, .webhook_timeout_s = 1};
	int err = webhook_set(w, &c);

	free(c.webhook);
	return err;
}

static void test_pauses(void **state)
{
	static const struct {
		unsigned failures;
		uint32_t retry_after_s;
		int64_t pause_ms;
	} cases[] = {
		{1, 0, 1000},	  {2, 0, 2000},
		{3, 0, 4000},	  {9, 0, 256000},
		{10, 0, 300000},  {1000000, 0, 300000},
		{1, 30, 30000},	  {9, 30, 256000},
		{1, 301, 300000}, {1, UINT32_MAX, 300000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(webhook_pause_ms(cases[i].failures, cases[i].retry_after_s),
				 cases[i].pause_ms);
}

static struct webhook_stats stats_now(struct webhook *w)
{
	struct webhook_stats s;

	webhook_stats(w, &s);
	return s;
}

static void attempt_wait(struct webhook *w)
{
	for (int i = 0; i < PATIENCE && !stats_now(w).retries; i++)
		nap();
	assert_true(stats_now(w).retries > 0);
}

struct settled {
	unsigned n;
	int64_t first, last;
};

static void settled_note(struct settled *s, int64_t id)
{
	if (!s->n++)
		s->first = id;
	s->last = id;
}

static void settled_add(struct webhook *w, struct settled *s)
{
	int64_t id;

	while ((id = webhook_settled(w)))
		settled_note(s, id);
}

static void settled_take(struct webhook *w, struct settled *s)
{
	*s = (struct settled){0};
	settled_add(w, s);
}

/* Beyond the bound the oldest alerts are dropped, each once, and counted. */
static void test_bound(void **state)
{
	struct webhook *w = webhook_new();
	struct settled s;

	(void)state;
	assert_int_equal(url_set(w, REFUSED), 0);
	webhook_push(w, 1, "{}\n");
	attempt_wait(w);
	for (int id = 2; id <= WEBHOOK_QUEUE_MAX; id++)
		webhook_push(w, id, "{}\n");
	assert_int_equal(stats_now(w).pending, WEBHOOK_QUEUE_MAX);
	assert_int_equal(webhook_settled(w), 0);
	for (int id = 1; id <= 7; id++)
		webhook_push(w, WEBHOOK_QUEUE_MAX + id, "{}\n");
	assert_int_equal(stats_now(w).pending, WEBHOOK_QUEUE_MAX);
	assert_int_equal(stats_now(w).dropped, 7);
	settled_take(w, &s);
	assert_int_equal(s.n, 7);
	assert_int_equal(s.last - s.first, 6);
	webhook_stop(w);
	settled_add(w, &s);
	webhook_free(w);
	assert_int_equal(s.n, 7); /* waiting alerts are kept for the next daemon */
}

static void test_off(void **state)
{
	struct webhook *w = webhook_new();
	struct settled s;

	(void)state;
	assert_int_equal(url_set(w, REFUSED), 0);
	for (int id = 1; id <= 3; id++)
		webhook_push(w, id, "{}\n");
	attempt_wait(w);
	assert_int_equal(url_set(w, NULL), 0);
	for (int i = 0; i < PATIENCE && stats_now(w).pending; i++)
		nap();
	settled_take(w, &s);
	assert_int_equal(s.n, 3);
	assert_int_equal(stats_now(w).dropped, 3);
	webhook_stop(w);
	settled_add(w, &s);
	webhook_free(w);
	assert_int_equal(s.n, 3);
}

/* An unknown host and a closed port: the error has no secret of the URL. */
static void test_error(void **state)
{
	struct webhook *w = webhook_new();
	struct settled s = {0};

	(void)state;
	assert_int_equal(url_set(w, "http://name:word@127.0.0.1:1/token"), 0);
	webhook_push(w, 1, "{}\n");
	attempt_wait(w);
	assert_true(stats_now(w).last_error[0] != '\0');
	assert_null(strstr(stats_now(w).last_error, "word"));
	assert_null(strstr(stats_now(w).last_error, "token"));
	webhook_stop(w);
	settled_add(w, &s);
	webhook_free(w);
	assert_int_equal(s.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
