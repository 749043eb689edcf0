/* SPDX-License-Identifier: GPL-2.0-or-later */
/* webhook_body.h - makes the HTTP body that the webhook sends for an alert. The configuration key
 * webhook-format selects the format: json, alertmanager, or the path of a template. */
#ifndef WAYMARK_ALERT_WEBHOOK_BODY_H
#define WAYMARK_ALERT_WEBHOOK_BODY_H

#include "waymark/alert/sink.h"

struct webhook_body {
	char *template; /* text of the template; NULL: webhook-format names no template */
};

/* Read the template that a new configuration names, if it names one. If the template cannot be
 * read, count a failure in *s and keep the previous template. */
void webhook_body_load(struct webhook_body *b, const struct alert_config *c, struct sink_status *s);
/* Return the body as malloc'd text, or NULL with errno. */
char *webhook_body_make(const struct webhook_body *b, const struct alert_config *c,
			const struct sink_message *m);
void webhook_body_clear(struct webhook_body *b);

#endif
