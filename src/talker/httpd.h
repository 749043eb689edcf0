/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * httpd.h - an HTTP server for one page. It needs no thread and never waits for a client. When a
 * client requests the page, the server asks waymarkd for the page and sends it to all clients that
 * wait.
 *
 * A slow client occupies a place only for a limited time. If all places are taken, a new client
 * replaces the oldest client that has not yet sent its whole request or read its whole answer. So
 * slow clients cannot lock out other clients.
 */
#ifndef WAYMARK_SRC_TALKER_HTTPD_H
#define WAYMARK_SRC_TALKER_HTTPD_H

#include <stdint.h>

#define HTTPD_CLIENTS_MAX 64
#define HTTPD_TIMEOUT_MS  10000 /* limit for a client's whole connection */
#define HTTPD_PAGE_MS	  5000	/* how long a client waits for the page before it gets status 503 */

struct httpd;

struct httpd_page {
	/* path of the page; "/" gets a short text, any other path gets status 404 */
	const char *path;
	const char *type; /* Content-Type */
	void (*ask)(void *data);
	void *data;
};

/* Return a new server, or NULL with errno. The strings of page must outlive the server. */
struct httpd *httpd_new(const struct httpd_page *page);
void httpd_free(struct httpd *h);
/* Take over a listening, non-blocking socket from the caller; fd -1: stop listening. */
void httpd_listen(struct httpd *h, int fd);
/* Send 'text' as the page to all waiting clients. If text is NULL, no page is available, and the
 * clients get status 503. */
void httpd_answer(struct httpd *h, const char *text);

/* Return an fd that is readable when httpd_process has something to do. */
int httpd_fd(const struct httpd *h);
void httpd_process(struct httpd *h, int64_t now_ms);
/* Close connections that exceed their time limit. Send status 503 to clients that have waited too
 * long for the page. */
void httpd_tick(struct httpd *h, int64_t now_ms);
unsigned httpd_clients(const struct httpd *h);

#endif
