/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.h - sends one POST request and receives its reply. Knows neither ClickHouse nor retries.
 */
#ifndef WAYMARK_SRC_EXPORT_HTTP_H
#define WAYMARK_SRC_EXPORT_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct http;

struct http_settings {
	const char *credentials; /* "USER:PASSWORD"; NULL: none */
	/* PEM files; NULL: the system's CAs, no client certificate, no key */
	const char *ca, *certificate, *key;
	/* limit for connecting, and for an interval in which no byte is transferred; a whole
	 * request may take ten times as long */
	long timeout_ms;
	const bool *is_stopping;
};

struct http_reply {
	long status;
	/* the beginning of the body; a space replaces each non-printable character */
	char text[400];
	bool has_body;
};

/* Return whether this program was built with libcurl. */
bool http_is_available(void);

/* Return a new connection, or NULL with errno. */
struct http *http_new(const struct http_settings *settings);
void http_free(struct http *h);

/* Build the URL of a request, malloc'd. The path of `base` is the name of the database. `query`
 * becomes a parameter of the URL. On failure return NULL with errno: EINVAL if base is not an HTTP
 * URL. */
char *http_url(const char *base, const char *query);
/* Return the URL's host, malloc'd, for messages; or NULL. */
char *http_host(const char *base);

/* Send a request. Return 0 if a complete reply has arrived, else -errno with the cause in
 * reply->text. */
int http_post(struct http *h, const char *url, const char *bytes, size_t size, bool is_gzip,
	      struct http_reply *reply);

#endif
