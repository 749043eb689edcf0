/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * httpd.h - one page by HTTP, without a thread and without waiting for a client. The page is
 * asked for when a client wants it, and answers all clients that wait.
 *
 * A client that is slow costs one place for a few seconds. When all places are taken, the
 * client that has been slow for the longest time goes: many slow clients keep no other from
 * its answer.
 */
#ifndef WAYMARK_SRC_TALKER_HTTPD_H
#define WAYMARK_SRC_TALKER_HTTPD_H

#include <stdint.h>

#define HTTPD_CLIENTS_MAX 64
#define HTTPD_TIMEOUT_MS  10000 /* for a client, in all */
#define HTTPD_PAGE_MS	  5000	/* for the page; then there is no answer */

struct httpd;

struct httpd_page {
	const char *path; /* whatever else is asked for is not found */
	const char *type; /* Content-Type */
	void (*ask)(void *data);
	void *data;
};

/* page's strings outlive it. NULL with errno. */
struct httpd *httpd_new(const struct httpd_page *page);
void httpd_free(struct httpd *h);
/* Take over a listening, non-blocking socket; -1: none. */
void httpd_listen(struct httpd *h, int fd);
/* Answer all waiting clients; NULL: no page is available. */
void httpd_answer(struct httpd *h, const char *text);

/* Readable when there is something to do. */
int httpd_fd(const struct httpd *h);
void httpd_process(struct httpd *h, int64_t now_ms);
/* Close connections that exceed their time. */
void httpd_tick(struct httpd *h, int64_t now_ms);
unsigned httpd_clients(const struct httpd *h);

#endif
