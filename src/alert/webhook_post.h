/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * webhook_post.h - one HTTP request and its result.
 */
#ifndef WAYMARK_SRC_ALERT_WEBHOOK_POST_H
#define WAYMARK_SRC_ALERT_WEBHOOK_POST_H

#include <stdbool.h>
#include <stdint.h>

enum post_result {
	POST_DELIVERED, /* acknowledged by a status of 2xx */
	POST_FAILED,	/* a later attempt might succeed */
	POST_REFUSED,	/* the server would refuse this request again */
};

struct post {
	const char *url;
	char *const *headers; /* "NAME: VALUE", ended by NULL; NULL: none */
	const char *body;     /* the text to send */
	uint32_t timeout_ms;  /* for the whole request */
	/* libcurl calls it at least once per second during the request. It returns true to cancel
	 * the request. NULL: the request cannot be cancelled. */
	bool (*is_abandoned)(void *data);
	void *data;
	/* Results; poster_run() sets them: */
	uint32_t retry_after_s; /* the delay that the server requested; 0: none */
	char error[160];	/* ""; if the request was not acknowledged, the reason. Contains no
				 * part of the URL or the headers, which might be secret */
};

/* A poster is not thread-safe: use it in one thread only. */
struct poster;
struct poster *poster_new(void); /* NULL with errno */
void poster_free(struct poster *p);
enum post_result poster_run(struct poster *p, struct post *post);

#endif
