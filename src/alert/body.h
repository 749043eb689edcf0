/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * body.h - writes an alert as the text that a file or a server gets. Each function returns malloc'd
 * text, or NULL with errno.
 */
#ifndef WAYMARK_SRC_ALERT_BODY_H
#define WAYMARK_SRC_ALERT_BODY_H

#include "waymark/alert/facts.h"

/* Return one JSON object on one line, with its line end. */
char *body_json(const struct facts *facts);
/* Return a JSON list with one alert, in the format of Alertmanager's API v2. */
char *body_alertmanager(const struct facts *facts, const struct alert *alert);
/* Return the template with each {{fact}} replaced by its text, escaped for a JSON string.
 * Braces that name no fact stay as they are. */
char *body_template(const char *template, const struct facts *facts);

#endif
