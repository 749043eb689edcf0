/* SPDX-License-Identifier: GPL-2.0-or-later */
/* webhook_body.c - makes a webhook's body: JSON, Alertmanager's list, or a template. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/body.h"
#include "waymark/alert/webhook_body.h"

#define TEMPLATE_MAX 65536

/* Return the text of a file, malloc'd, or NULL with errno; EFBIG: the file is larger than max
 * bytes. */
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

static bool is_template(const char *format)
{
	return format && strcmp(format, "json") && strcmp(format, "alertmanager");
}

void webhook_body_clear(struct webhook_body *b)
{
	free(b->template);
	b->template = NULL;
}

void webhook_body_load(struct webhook_body *b, const struct alert_config *c, struct sink_status *s)
{
	char *text;

	if (!c->webhook || !is_template(c->webhook_format)) {
		webhook_body_clear(b);
		return;
	}
	text = file_read(c->webhook_format, TEMPLATE_MAX);
	if (!text) {
		sink_fail(s, "alert webhook-format '%s': %s", c->webhook_format, strerror(errno));
		return;
	}
	free(b->template);
	b->template = text;
}

char *webhook_body_make(const struct webhook_body *b, const struct alert_config *c,
			const struct sink_message *m)
{
	if (b->template)
		return body_template(b->template, m->facts);
	if (c->webhook_format && !strcmp(c->webhook_format, "alertmanager"))
		return body_alertmanager(m->facts, m->alert);
	return strdup(m->line);
}
