/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * webhook.c - the queue of alerts for an HTTP server, and the thread that sends them. If a request
 * fails, the thread repeats it, after a longer pause each time. Until the server acknowledges or
 * refuses the request, later alerts wait: they go to the same server and would fail, too.
 *
 * Must not know HTTP, nor where alerts are kept across a restart.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alert/strings.h"
#include "waymark/alert/webhook.h"
#include "waymark/base/clock.h"
#include "waymark/base/thread.h"
#include "alert/webhook_post.h"

struct item {
	struct item *next;
	int64_t id;
	char *line;
};

struct list {
	struct item *first, *last;
};

struct webhook {
	pthread_t thread;
	bool is_running;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	_Atomic int64_t stop_by_ms; /* CLOCK_MONOTONIC time by which the thread must end; 0: no stop
				     * was requested */

	/* The lock protects the fields below. */
	char *url; /* NULL: off */
	char **headers;
	uint32_t timeout_s;
	/* pending: alerts to send, without the one that is being sent. settled: alerts that were
	 * delivered or dropped, and that webhook_settled() has not returned yet. */
	struct list pending, settled;
	unsigned failures; /* number of consecutive failures */
	int64_t due_ms;	   /* time of the next attempt */
	struct webhook_stats stats;
};

int64_t webhook_pause_ms(unsigned failures, uint32_t retry_after_s)
{
	int64_t pause = WEBHOOK_PAUSE_MS, asked = (int64_t)retry_after_s * 1000;

	for (unsigned i = 1; i < failures && pause < WEBHOOK_PAUSE_MAX_MS; i++)
		pause *= 2;
	if (pause < asked)
		pause = asked;
	return pause < WEBHOOK_PAUSE_MAX_MS ? pause : WEBHOOK_PAUSE_MAX_MS;
}

/* --- lists ----------------------------------------------------------------------- */

static void item_free(struct item *item)
{
	free(item->line);
	free(item);
}

static void list_append(struct list *l, struct item *item)
{
	item->next = NULL;
	if (l->last)
		l->last->next = item;
	else
		l->first = item;
	l->last = item;
}

static void list_prepend(struct list *l, struct item *item)
{
	item->next = l->first;
	l->first = item;
	if (!l->last)
		l->last = item;
}

static struct item *list_take(struct list *l)
{
	struct item *item = l->first;

	if (!item)
		return NULL;
	l->first = item->next;
	if (!l->first)
		l->last = NULL;
	return item;
}

static void list_clear(struct list *l)
{
	struct item *item;

	while ((item = list_take(l)))
		item_free(item);
}

/* --- under the lock ------------------------------------------------------------------ */

static void item_settle(struct webhook *w, struct item *item)
{
	w->stats.pending--;
	list_append(&w->settled, item);
}

static void oldest_drop(struct webhook *w)
{
	struct item *item = list_take(&w->pending);

	if (!item)
		return;
	w->stats.dropped++;
	item_settle(w, item);
}

/* If the webhook is off, drop all waiting alerts. Otherwise drop the oldest ones until at most
 * WEBHOOK_QUEUE_MAX alerts are pending. The alert that is being sent counts as pending, but is not
 * in the list, so it is never dropped here. */
static void queue_limit(struct webhook *w)
{
	while (w->pending.first && (!w->url || w->stats.pending > WEBHOOK_QUEUE_MAX))
		oldest_drop(w);
}

static void error_note(struct webhook *w, const char *error)
{
	snprintf(w->stats.last_error, sizeof(w->stats.last_error), "%s", error);
}

static void failure_note(struct webhook *w, struct item *item, const struct post *post)
{
	w->failures++;
	w->stats.retries++;
	w->due_ms = clock_steady_ms() + webhook_pause_ms(w->failures, post->retry_after_s);
	error_note(w, post->error);
	list_prepend(&w->pending, item);
	queue_limit(w);
}

static void result_note(struct webhook *w, struct item *item, enum post_result result,
			const struct post *post)
{
	if (result == POST_FAILED) {
		failure_note(w, item, post);
		return;
	}
	w->failures = 0;
	error_note(w, post->error);
	if (result == POST_DELIVERED)
		w->stats.delivered++;
	else
		w->stats.dropped++;
	item_settle(w, item);
}

/* --- the thread ---------------------------------------------------------------------- */

/* Return whether the thread must end: a stop was requested, and no alert is left to send, or the
 * last attempt failed, or it is stop_by_ms. */
static bool is_over(struct webhook *w)
{
	int64_t stop_by_ms = atomic_load(&w->stop_by_ms);

	return stop_by_ms && (!w->pending.first || w->failures || clock_steady_ms() >= stop_by_ms);
}

/* Return whether the current request must be cancelled, because it is stop_by_ms. */
static bool is_abandoned(void *data)
{
	struct webhook *w = data;
	int64_t stop_by_ms = atomic_load(&w->stop_by_ms);

	return stop_by_ms && clock_steady_ms() >= stop_by_ms;
}

static void due_wait(struct webhook *w)
{
	struct timespec until = thread_deadline(w->due_ms);

	if (w->pending.first)
		pthread_cond_timedwait(&w->wake, &w->lock, &until);
	else
		pthread_cond_wait(&w->wake, &w->lock);
}

/* Send the oldest alert. The lock is released during the request. */
static void oldest_post(struct webhook *w, struct poster *poster)
{
	struct item *item = list_take(&w->pending);
	char *url = strdup(w->url);
	char **headers = strings_copy(w->headers);
	struct post post = {
		.url = url,
		.headers = headers,
		.body = item->line,
		.timeout_ms = w->timeout_s * 1000,
		.is_abandoned = is_abandoned,
		.data = w,
		.error = "cannot send the request: out of memory",
	};
	enum post_result result = POST_FAILED;

	pthread_mutex_unlock(&w->lock);
	if (url && poster && !headers == !w->headers)
		result = poster_run(poster, &post);
	free(url);
	strings_free(headers);
	pthread_mutex_lock(&w->lock);
	result_note(w, item, result, &post);
}

static void *thread_main(void *data)
{
	struct webhook *w = data;
	struct poster *poster = poster_new();

	pthread_mutex_lock(&w->lock);
	while (!is_over(w)) {
		if (w->pending.first && clock_steady_ms() >= w->due_ms)
			oldest_post(w, poster);
		else
			due_wait(w);
	}
	pthread_mutex_unlock(&w->lock);
	poster_free(poster);
	return NULL;
}

static int run_start(struct webhook *w)
{
	int err = w->is_running ? 0 : thread_start(&w->thread, thread_main, w);

	w->is_running = !err;
	return err;
}

/* --- called by other threads ------------------------------------------------------------ */

struct webhook *webhook_new(void)
{
	struct webhook *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	thread_cond_init(&w->wake);
	return w;
}

static void run_stop(struct webhook *w)
{
	if (!w->is_running)
		return;
	pthread_mutex_lock(&w->lock);
	atomic_store(&w->stop_by_ms, clock_steady_ms() + WEBHOOK_STOP_MS);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
}

void webhook_stop(struct webhook *w)
{
	run_stop(w);
	w->is_running = false;
}

void webhook_free(struct webhook *w)
{
	if (!w)
		return;
	webhook_stop(w);
	list_clear(&w->settled);
	list_clear(&w->pending);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w->url);
	strings_free(w->headers);
	free(w);
}

static void target_replace(struct webhook *w, char *url, char **headers, uint32_t timeout_s)
{
	if (!url || !w->url || strcmp(url, w->url)) {
		w->failures = 0;
		w->due_ms = 0;
	}
	free(w->url);
	strings_free(w->headers);
	w->url = url;
	w->headers = headers;
	w->timeout_s = timeout_s;
	queue_limit(w);
	pthread_cond_signal(&w->wake);
}

int webhook_set(struct webhook *w, const struct alert_config *c)
{
	char *url = c->webhook ? strdup(c->webhook) : NULL;
	char **headers = strings_copy(c->webhook_headers);
	int err = url ? run_start(w) : 0;

	if (err || (c->webhook && !url) || (c->webhook_headers && !headers)) {
		free(url);
		strings_free(headers);
		return err ? err : -ENOMEM;
	}
	pthread_mutex_lock(&w->lock);
	target_replace(w, url, headers, c->webhook_timeout_s);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

int webhook_push(struct webhook *w, int64_t id, const char *line)
{
	struct item *item = calloc(1, sizeof(*item));

	if (!item)
		return -ENOMEM;
	item->id = id;
	item->line = strdup(line);
	if (!item->line) {
		free(item);
		return -ENOMEM;
	}
	pthread_mutex_lock(&w->lock);
	list_append(&w->pending, item);
	w->stats.pending++;
	queue_limit(w);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

int64_t webhook_settled(struct webhook *w)
{
	struct item *item;
	int64_t id = 0;

	pthread_mutex_lock(&w->lock);
	item = list_take(&w->settled);
	pthread_mutex_unlock(&w->lock);
	if (item) {
		id = item->id;
		item_free(item);
	}
	return id;
}

void webhook_stats(struct webhook *w, struct webhook_stats *out)
{
	pthread_mutex_lock(&w->lock);
	*out = w->stats;
	pthread_mutex_unlock(&w->lock);
}
