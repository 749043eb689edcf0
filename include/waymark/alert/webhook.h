/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * webhook.h - sends alerts to an HTTP server, in a thread of its own, one after the
 * other, each until it is acknowledged. Every function is for one thread and never
 * blocks, except webhook_stop and webhook_free.
 */
#ifndef WAYMARK_ALERT_WEBHOOK_H
#define WAYMARK_ALERT_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/config/config.h"

/* Alerts that wait; beyond them the oldest is dropped. */
#define WEBHOOK_QUEUE_MAX 1000
/* Between two attempts: the first, doubled after each failure, and the longest. */
#define WEBHOOK_PAUSE_MS     1000
#define WEBHOOK_PAUSE_MAX_MS 300000
/* How long a stop waits for pending alerts. */
#define WEBHOOK_STOP_MS 2000

struct webhook;

struct webhook_stats {
	uint32_t pending;
	uint64_t delivered;
	uint64_t retries;     /* attempts that failed and are made again */
	uint64_t dropped;     /* refused by the server, or too many waited */
	char last_error[160]; /* of the last attempt, where it failed; "" */
};

struct webhook *webhook_new(void); /* NULL with errno */
/* End the thread. It sends what waits for at most WEBHOOK_STOP_MS, if the last attempt
 * succeeded; read webhook_settled() afterwards. */
void webhook_stop(struct webhook *w);
void webhook_free(struct webhook *w);

/* Take url, headers and timeout of a configuration. Without a URL it is off, and what
 * waits is dropped. 0 or -errno. */
int webhook_set(struct webhook *w, const struct alert_config *c);

/* Copy the line. 0 or -errno. */
int webhook_push(struct webhook *w, int64_t id, const char *line);

/* The id of an alert that is delivered or dropped, each once; 0: no more. */
int64_t webhook_settled(struct webhook *w);

void webhook_stats(struct webhook *w, struct webhook_stats *out);

/* Return how long to wait after this many consecutive failures: at least retry_after_s, never
 * longer than the maximum. Pure. */
int64_t webhook_pause_ms(unsigned failures, uint32_t retry_after_s);

#endif
