/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * webhook_sink.c - queues the alerts that the talker delivers to the webhook. An alert is kept here
 * until the worker has delivered or dropped it, so that it can be sent again if the worker dies.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "talker/talker_internal.h"
#include "waymark/alert/webhook.h"
#include "waymark/alert/webhook_body.h"

struct item {
	struct item *next;
	int64_t id;
	bool is_sent;
	char *body;
};

struct webhook_state {
	struct talker *talker;
	struct sink_status *status;
	struct webhook_body body;
	char *url, **headers; /* url NULL: the webhook is off */
	uint32_t timeout_s;
	bool is_config_unsent;
	struct item *pending, **pending_end;
	/* alerts that were delivered or dropped and that sink_settled() has not returned yet; in no
	 * order */
	struct item *settled;
	unsigned n_pending;
	uint64_t delivered, retries, dropped;
};

/* --- the list --------------------------------------------------------------------------- */

static void list_free(struct item *item)
{
	while (item) {
		struct item *next = item->next;

		free(item->body);
		free(item);
		item = next;
	}
}

static void item_settle(struct webhook_state *s, struct item **link)
{
	struct item *item = *link;

	*link = item->next;
	if (s->pending_end == &item->next)
		s->pending_end = link;
	item->next = s->settled;
	s->settled = item;
	s->n_pending--;
}

static void on_settled(void *data, int64_t id)
{
	struct webhook_state *s = data;

	for (struct item **link = &s->pending; *link; link = &(*link)->next) {
		if ((*link)->id != id)
			continue;
		item_settle(s, link);
		return;
	}
}

static void oldest_drop(struct webhook_state *s)
{
	item_settle(s, &s->pending);
	s->dropped++;
}

/* --- sending ------------------------------------------------------------------------------ */

static void config_send(struct webhook_state *s)
{
	struct frame *f;

	if (!s->is_config_unsent || !talker_generation(s->talker))
		return;
	f = talker_frame(s->talker, FRAME_WEBHOOK, s->timeout_s);
	if (s->url) {
		frame_put(f, s->url);
		for (char **header = s->headers; header && *header; header++)
			frame_put(f, *header);
	}
	s->is_config_unsent = talker_send(s->talker, -1) != 0;
}

/* Send the unsent alerts in order until the channel is full. */
static void pending_send(struct webhook_state *s)
{
	config_send(s);
	if (s->is_config_unsent || !talker_is_working(s->talker))
		return;
	for (struct item *item = s->pending; item; item = item->next) {
		if (item->is_sent)
			continue;
		frame_put(talker_frame(s->talker, FRAME_POST, item->id), item->body);
		if (talker_send(s->talker, -1))
			return;
		item->is_sent = true;
	}
}

static void on_started(void *data)
{
	struct webhook_state *s = data;

	s->is_config_unsent = true;
	for (struct item *item = s->pending; item; item = item->next)
		item->is_sent = false;
	config_send(s);
}

/* --- the sink -------------------------------------------------------------------------------- */

static const char *sink_target(const struct alert_config *c)
{
	return c->webhook ? "its URL" : NULL;
}

static void *sink_open(void *data, struct sink_status *status)
{
	struct webhook_state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->talker = data;
	s->status = status;
	s->pending_end = &s->pending;
	talker_set_webhook(s->talker, &(struct talker_webhook_events){s, on_settled, on_started});
	return s;
}

static void config_clear(struct webhook_state *s)
{
	for (char **header = s->headers; header && *header; header++)
		free(*header);
	free(s->headers);
	free(s->url);
	s->headers = NULL;
	s->url = NULL;
}

static void sink_close(void *self)
{
	struct webhook_state *s = self;

	talker_set_webhook(s->talker, &(struct talker_webhook_events){0});
	config_clear(s);
	webhook_body_clear(&s->body);
	list_free(s->pending);
	list_free(s->settled);
	free(s);
}

static char **headers_copy(char *const *headers)
{
	char **copy;
	size_t n = 0;

	while (headers[n])
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < n; i++)
		copy[i] = strdup(headers[i]);
	return copy;
}

static int sink_configure(void *self, const struct alert_config *c)
{
	struct webhook_state *s = self;

	config_clear(s);
	s->url = c->webhook ? strdup(c->webhook) : NULL;
	s->headers = c->webhook_headers ? headers_copy(c->webhook_headers) : NULL;
	s->timeout_s = c->webhook_timeout_s;
	if ((c->webhook && !s->url) || (c->webhook_headers && !s->headers))
		return -ENOMEM;
	webhook_body_load(&s->body, c, s->status);
	s->is_config_unsent = true;
	while (!s->url && s->pending)
		oldest_drop(s);
	config_send(s);
	return 0;
}

static char *sink_body(void *self, const struct alert_config *c, const struct sink_message *m)
{
	return webhook_body_make(&((struct webhook_state *)self)->body, c, m);
}

/* Queue an alert. If too many alerts are queued, or if the webhook is off, drop the oldest queued
 * alert. (Alerts that the server refuses are dropped by the worker.) */
static int sink_push(void *self, int64_t id, const char *body)
{
	struct webhook_state *s = self;
	struct item *item = calloc(1, sizeof(*item));

	if (!item)
		return -ENOMEM;
	item->id = id;
	item->body = strdup(body);
	if (!item->body) {
		free(item);
		return -ENOMEM;
	}
	*s->pending_end = item;
	s->pending_end = &item->next;
	s->n_pending++;
	if (!s->url || s->n_pending > WEBHOOK_QUEUE_MAX)
		oldest_drop(s);
	pending_send(s);
	return 0;
}

static int64_t sink_settled(void *self)
{
	struct webhook_state *s = self;
	struct item *item = s->settled;
	int64_t id;

	if (!item)
		return 0;
	s->settled = item->next;
	item->next = NULL;
	id = item->id;
	list_free(item);
	return id;
}

static void sink_tick(void *self, int64_t now_ms)
{
	struct webhook_state *s = self;
	struct worker_status news = talker_status_news(s->talker, READER_WEBHOOK);

	(void)now_ms;
	s->delivered += (uint64_t)(news.delivered > 0 ? news.delivered : 0);
	s->retries += (uint64_t)(news.retries > 0 ? news.retries : 0);
	s->dropped += (uint64_t)(news.dropped > 0 ? news.dropped : 0);
	pending_send(s);
}

/* Send the alerts that fit into the channel, and stop the talker. Alerts that the talker does not
 * deliver stay in the history, and waymarkd queues them again after its next start. */
static void sink_stop(void *self)
{
	struct webhook_state *s = self;

	pending_send(s);
	talker_stop(s->talker);
}

static void sink_stats_get(void *self, struct sink_stats *out)
{
	struct webhook_state *s = self;

	out->pending = s->n_pending;
	out->delivered = s->delivered;
	out->retries = s->retries;
	out->dropped = s->dropped;
	talker_webhook_error(s->talker, out->last_error, sizeof(out->last_error));
}

const struct sink talker_webhook_sink = {
	.name = "webhook",
	.target = sink_target,
	.open = sink_open,
	.stop = sink_stop,
	.close = sink_close,
	.configure = sink_configure,
	.tick = sink_tick,
	.stats = sink_stats_get,
	.body = sink_body,
	.push = sink_push,
	.settled = sink_settled,
};
