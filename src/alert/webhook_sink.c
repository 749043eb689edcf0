/* SPDX-License-Identifier: GPL-2.0-or-later */
/* webhook_sink.c - the sink that sends alerts to the webhook in this process. waymarkd uses the
 * sink of src/talker instead, which sends them from another process. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/alert/sink.h"
#include "waymark/alert/webhook_body.h"
#include "waymark/alert/webhook.h"

struct webhook_sink_state {
	struct webhook *webhook;
	struct webhook_body body;
	struct sink_status *status;
};

static const char *sink_target(const struct alert_config *c)
{
	return c->webhook ? "its URL" : NULL;
}

static void sink_close(void *self)
{
	struct webhook_sink_state *s = self;

	webhook_free(s->webhook);
	webhook_body_clear(&s->body);
	free(s);
}

static void *sink_open(void *data, struct sink_status *status)
{
	struct webhook_sink_state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	(void)data;
	s->status = status;
	s->webhook = webhook_new();
	if (s->webhook)
		return s;
	free(s);
	return NULL;
}

static int sink_configure(void *self, const struct alert_config *c)
{
	struct webhook_sink_state *s = self;
	int err = webhook_set(s->webhook, c);

	if (!err)
		webhook_body_load(&s->body, c, s->status);
	return err;
}

static char *sink_body(void *self, const struct alert_config *c, const struct sink_message *m)
{
	return webhook_body_make(&((struct webhook_sink_state *)self)->body, c, m);
}

static int sink_push(void *self, int64_t id, const char *body)
{
	return webhook_push(((struct webhook_sink_state *)self)->webhook, id, body);
}

static int64_t sink_settled(void *self)
{
	return webhook_settled(((struct webhook_sink_state *)self)->webhook);
}

static void sink_stop(void *self)
{
	webhook_stop(((struct webhook_sink_state *)self)->webhook);
}

static void sink_stats_get(void *self, struct sink_stats *out)
{
	struct webhook_stats ws;

	webhook_stats(((struct webhook_sink_state *)self)->webhook, &ws);
	out->pending = ws.pending;
	out->delivered = ws.delivered;
	out->retries = ws.retries;
	out->dropped = ws.dropped;
	memcpy(out->last_error, ws.last_error, sizeof(out->last_error));
}

const struct sink webhook_sink = {
	.name = "webhook",
	.target = sink_target,
	.open = sink_open,
	.stop = sink_stop,
	.close = sink_close,
	.configure = sink_configure,
	.stats = sink_stats_get,
	.body = sink_body,
	.push = sink_push,
	.settled = sink_settled,
};
