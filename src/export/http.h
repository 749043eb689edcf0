/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.h - one POST and its reply. Knows neither ClickHouse nor retries.
 */
#ifndef WAYMARK_SRC_EXPORT_HTTP_H
#define WAYMARK_SRC_EXPORT_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct http;

struct http_settings {
	const char *credentials;	    /* "USER:PASSWORD"; NULL: none */
	const char *ca, *certificate, *key; /* PEM files; NULL: the system's, none, none */
	long timeout_ms;		    /* without a byte in either direction, and to connect */
	const bool *is_stopping;
};

struct http_reply {
	long status;
	char text[400]; /* the body's beginning, printable */
	bool has_body;
};

/* Return whether this program has HTTP. */
bool http_is_available(void);

/* NULL with errno. */
struct http *http_new(const struct http_settings *settings);
void http_free(struct http *h);

/* Make the URL of a request: of a base, whose path names the database, and a query. malloc'd; NULL
 * with errno: EINVAL: the base is no URL of HTTP. */
char *http_url(const char *base, const char *query);
/* Return the URL's host, for messages. malloc'd, or NULL. */
char *http_host(const char *base);

/* Return 0 with a complete reply; else -errno, and the cause in reply->text. */
int http_post(struct http *h, const char *url, const char *bytes, size_t size, bool is_gzip,
	      struct http_reply *reply);

#endif
