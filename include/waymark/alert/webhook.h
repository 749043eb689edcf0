/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * webhook.h - sends alerts to an HTTP server. A separate thread sends one alert at a time, and
 * repeats each alert until the server acknowledges or refuses it. Call all functions from the same
 * thread. No function blocks, except webhook_stop() and webhook_free().
 */
#ifndef WAYMARK_ALERT_WEBHOOK_H
#define WAYMARK_ALERT_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/config/config.h"

/* Maximum number of waiting alerts. If an alert comes when the queue is full, the oldest waiting
 * alert is dropped. */
#define WEBHOOK_QUEUE_MAX 1000
/* The pause after the first failed attempt, and the longest pause. Each consecutive failure doubles
 * the pause. */
#define WEBHOOK_PAUSE_MS     1000
#define WEBHOOK_PAUSE_MAX_MS 300000
/* How long webhook_stop() waits at most until the pending alerts are sent. */
#define WEBHOOK_STOP_MS 2000

struct webhook;

struct webhook_stats {
	uint32_t pending;
	uint64_t delivered;
	uint64_t retries;     /* number of failed attempts; each is repeated */
	uint64_t dropped;     /* number of alerts that the server refused, that were dropped because
			       * the queue was full, or that were waiting when the webhook was
			       * turned off */
	char last_error[160]; /* error of the last attempt if it failed; else "" */
};

struct webhook *webhook_new(void); /* NULL with errno */
/* End the thread. If its last attempt did not fail, the thread first sends the waiting alerts, for
 * at most WEBHOOK_STOP_MS. Afterwards, call webhook_settled() to get the ids of these alerts. */
void webhook_stop(struct webhook *w);
void webhook_free(struct webhook *w);

/* Use the URL, the headers and the timeout of a configuration. If the configuration has no URL,
 * turn the webhook off and drop waiting alerts. Return 0 or -errno. */
int webhook_set(struct webhook *w, const struct alert_config *c);

/* Queue a copy of the text `line`, which is the body of the alert with this id. Return 0 or
 * -errno. */
int webhook_push(struct webhook *w, int64_t id, const char *line);

/* Return the id of an alert that was delivered or dropped. Each id is returned once. 0: no more
 * ids. */
int64_t webhook_settled(struct webhook *w);

void webhook_stats(struct webhook *w, struct webhook_stats *out);

/* Return the pause after this many consecutive failures. The pause is at least retry_after_s (the
 * delay that the server requested; 0: none), but at most WEBHOOK_PAUSE_MAX_MS. Pure. */
int64_t webhook_pause_ms(unsigned failures, uint32_t retry_after_s);

#endif
