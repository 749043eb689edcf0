/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.h - sends one POST request to ClickHouse and receives its reply. Knows ClickHouse's URLs,
 * but neither rows nor retries.
 */
#ifndef WAYMARK_SRC_EXPORT_HTTP_H
#define WAYMARK_SRC_EXPORT_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct http;

struct http_settings {
	const char *credentials; /* "USER:PASSWORD"; NULL: none */
	/* PEM files: CAs (NULL: the system's), the client's certificate and key (NULL: none) */
	const char *ca, *certificate, *key;
	/* limit for connecting, and for an interval in which no byte is transferred; the limit for
	 * the whole request is ten times as long */
	long timeout_ms;
	const bool *is_stopping; /* when it becomes true, a running request ends; can be NULL */
};

struct http_reply {
	long status; /* HTTP status; 0: no complete reply */
	/* the beginning of the body, with a space for each non-printable character; if no complete
	 * reply has arrived: the cause */
	char text[400];
	bool has_body;
};

/* Return whether this program was built with libcurl. */
bool http_is_available(void);

/* Return a new connection, or NULL with errno. */
struct http *http_new(const struct http_settings *settings);
void http_free(struct http *h);

/* Return the URL of a request, malloc'd. It is made of `base`, whose path is the name of the
 * database, and of the SQL statement `query`. On failure return NULL with errno: EINVAL if `base`
 * is not an HTTP URL. */
char *http_url(const char *base, const char *query);
/* Return the URL's host, malloc'd, for messages; or NULL. */
char *http_host(const char *base);

/* Send a request. Return 0 if a complete reply with any HTTP status has arrived, else -errno with
 * the cause in reply->text. */
int http_post(struct http *h, const char *url, const char *bytes, size_t size, bool is_gzip,
	      struct http_reply *reply);

#endif
