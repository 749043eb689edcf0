/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * webhook_sink.c - the webhook as a sink: which body an alert becomes, and which queue it
 * joins.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/body.h"
#include "alert/sink.h"
#include "alert/webhook.h"

#define TEMPLATE_MAX 65536

/* Return the text of a file of at most max bytes, malloc'd, or NULL with errno. */
static char *file_read(const char *path, size_t max)
{
	FILE *in = fopen(path, "re");
	char *text = in ? calloc(1, max + 1) : NULL;
	size_t n = text ? fread(text, 1, max + 1, in) : 0;
	int err = !in || !text || ferror(in) ? errno : 0;

	if (in)
		fclose(in);
	if (!err && n > max)
		err = EFBIG;
	if (!err)
		return text;
	free(text);
	errno = err;
	return NULL;
}

struct webhook_sink_state {
	struct webhook *webhook;
	char *template; /* NULL: format is json or alertmanager */
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
	free(s->template);
	free(s);
}

static void *sink_open(struct sink_status *status)
{
	struct webhook_sink_state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->status = status;
	s->webhook = webhook_new();
	if (s->webhook)
		return s;
	free(s);
	return NULL;
}

static bool is_template(const char *format)
{
	return format && strcmp(format, "json") && strcmp(format, "alertmanager");
}

/* Read the template again at each configuration. A template that cannot be read leaves
 * the one before. */
static int template_load(struct webhook_sink_state *s, const struct alert_config *c)
{
	char *text;

	if (!c->webhook || !is_template(c->webhook_format)) {
		free(s->template);
		s->template = NULL;
		return 0;
	}
	text = file_read(c->webhook_format, TEMPLATE_MAX);
	if (!text) {
		sink_fail(s->status, "alert webhook-format '%s': %s", c->webhook_format,
			  strerror(errno));
		return 0;
	}
	free(s->template);
	s->template = text;
	return 0;
}

static int sink_configure(void *self, const struct alert_config *c)
{
	struct webhook_sink_state *s = self;
	int err = webhook_set(s->webhook, c);

	return err ? err : template_load(s, c);
}

static char *sink_body(void *self, const struct alert_config *c, const struct sink_message *m)
{
	struct webhook_sink_state *s = self;

	if (s->template)
		return body_template(s->template, m->facts);
	if (c->webhook_format && !strcmp(c->webhook_format, "alertmanager"))
		return body_alertmanager(m->facts, m->alert);
	return strdup(m->line);
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
