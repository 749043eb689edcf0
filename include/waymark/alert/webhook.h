/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * webhook.h - sends alerts to an HTTP server from its own thread, one after the other. Each alert
 * is sent again until the server acknowledges or refuses it. Call all functions from one thread. No
 * function blocks, except webhook_stop() and webhook_free().
 */
#ifndef WAYMARK_ALERT_WEBHOOK_H
#define WAYMARK_ALERT_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/config/config.h"

/* Maximum number of waiting alerts. If an alert comes when the queue is full, the oldest waiting
 * alert is dropped. */
#define WEBHOOK_QUEUE_MAX 1000
/* The pause after a failed attempt, and its maximum. Each consecutive failure doubles the pause. */
#define WEBHOOK_PAUSE_MS     1000
#define WEBHOOK_PAUSE_MAX_MS 300000
/* How long webhook_stop() waits for pending alerts. */
#define WEBHOOK_STOP_MS 2000

struct webhook;

struct webhook_stats {
	uint32_t pending;
	uint64_t delivered;
	uint64_t retries;     /* failed attempts; each is repeated */
	uint64_t dropped;     /* alerts that the server refused, that were dropped because the queue
			       * was full, or that were waiting when the webhook was turned off */
	char last_error[160]; /* error of the last attempt if it failed; else "" */
};

struct webhook *webhook_new(void); /* NULL with errno */
/* End the thread. If no attempt has failed since the last success, the thread first sends the
 * waiting alerts, for at most WEBHOOK_STOP_MS. Read webhook_settled() afterwards. */
void webhook_stop(struct webhook *w);
void webhook_free(struct webhook *w);

/* Use the URL, the headers and the timeout of a configuration. If the configuration has no URL,
 * turn the webhook off and drop waiting alerts. Return 0 or -errno. */
int webhook_set(struct webhook *w, const struct alert_config *c);

/* Queue a copy of the line. Return 0 or -errno. */
int webhook_push(struct webhook *w, int64_t id, const char *line);

/* Return the id of an alert that was delivered or dropped. Each id is returned once. 0: no more
 * ids. */
int64_t webhook_settled(struct webhook *w);

void webhook_stats(struct webhook *w, struct webhook_stats *out);

/* Return the pause after this many consecutive failures. The pause is at least retry_after_s, but
 * at most WEBHOOK_PAUSE_MAX_MS. Pure. */
int64_t webhook_pause_ms(unsigned failures, uint32_t retry_after_s);

#endif
