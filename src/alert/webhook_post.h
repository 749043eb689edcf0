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
	POST_FAILED,	/* perhaps another time */
	POST_REFUSED,	/* this very request, for good: it would be refused again */
};

struct post {
	const char *url;
	char *const *headers; /* "NAME: VALUE", ended by NULL; NULL: none */
	const char *body;     /* JSON */
	uint32_t timeout_ms;  /* for the whole of it */
	/* Asked at least once a second; true: give up now. */
	bool (*is_abandoned)(void *data);
	void *data;
	/* Out, where it was not delivered: */
	uint32_t retry_after_s; /* the delay that the server asks for; 0: none */
	char error[160];	/* without anything of the URL that may be secret */
};

/* For one thread. */
struct poster;
struct poster *poster_new(void); /* NULL with errno */
void poster_free(struct poster *p);
enum post_result poster_run(struct poster *p, struct post *post);

#endif
