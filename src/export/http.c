/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.c - HTTP POST with libcurl. No other file uses libcurl. A URL can contain a password, so
 * messages contain only its host.
 */
#include "export/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_CURL
#include <curl/curl.h>
#include <pthread.h>

struct http {
	CURL *curl;
	/* header fields of requests without and with compression */
	struct curl_slist *plain, *gzip;
	const bool *is_stopping;
};

bool http_is_available(void)
{
	return true;
}

static void curl_load(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t body_read(char *bytes, size_t size, size_t n, void *data)
{
	struct http_reply *reply = data;
	size_t used = strlen(reply->text);

	reply->has_body |= size * n > 0;
	for (size_t i = 0; i < size * n && used < sizeof(reply->text) - 1; i++) {
		char ch = bytes[i];

		reply->text[used++] = ch >= ' ' && ch < 0x7f ? ch : ' ';
	}
	return size * n;
}

static int progress(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct http *h = data;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return h->is_stopping && __atomic_load_n(h->is_stopping, __ATOMIC_RELAXED);
}

/* Allow only HTTP and HTTPS, and follow no redirect: only the configuration decides where rows
 * go. */
static void protocols_limit(CURL *curl)
{
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85.0 */
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/* Set the time limits: `timeout_ms` for connecting and for each interval without a transferred
 * byte, and ten times as long for the whole request. */
static void times_limit(CURL *curl, long timeout_ms)
{
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (timeout_ms + 999) / 1000);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms * 10);
}

static void secrets_set(CURL *curl, const struct http_settings *s)
{
	if (s->credentials) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERPWD, s->credentials);
	}
	if (s->ca)
		curl_easy_setopt(curl, CURLOPT_CAINFO, s->ca);
	if (s->certificate)
		curl_easy_setopt(curl, CURLOPT_SSLCERT, s->certificate);
	if (s->key)
		curl_easy_setopt(curl, CURLOPT_SSLKEY, s->key);
}

static void handle_prepare(struct http *h, const struct http_settings *s)
{
	CURL *curl = h->curl;

	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "waymark-export/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_read);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, h);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	protocols_limit(curl);
	times_limit(curl, s->timeout_ms);
	secrets_set(curl, s);
}

/* Return the header fields of requests. With the empty field "Expect:", curl does not wait for a
 * "100 Continue", which few servers send. */
static struct curl_slist *headers_new(bool is_gzip)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	if (list && !curl_slist_append(list, "Content-Type: text/tab-separated-values")) {
		curl_slist_free_all(list);
		return NULL;
	}
	if (list && is_gzip && !curl_slist_append(list, "Content-Encoding: gzip")) {
		curl_slist_free_all(list);
		return NULL;
	}
	return list;
}

struct http *http_new(const struct http_settings *s)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	pthread_once(&once, curl_load);
	h->is_stopping = s->is_stopping;
	h->curl = curl_easy_init();
	h->plain = headers_new(false);
	h->gzip = headers_new(true);
	if (h->curl && h->plain && h->gzip) {
		handle_prepare(h, s);
		return h;
	}
	http_free(h);
	errno = ENOMEM;
	return NULL;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	curl_slist_free_all(h->plain);
	curl_slist_free_all(h->gzip);
	free(h);
}

static bool is_http(CURLU *url)
{
	char *scheme = NULL;
	bool is = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		  (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

	curl_free(scheme);
	return is;
}

/* Replace a path such as "/waymark" by the parameter "database=waymark". Keep the other parameters
 * of the URL. */
static int database_set(CURLU *url)
{
	char *path = NULL, *part = NULL;
	int r = 0;

	if (curl_url_get(url, CURLUPART_PATH, &path, CURLU_URLDECODE) == CURLUE_OK && path[0] &&
	    path[1]) {
		if (asprintf(&part, "database=%s", path + 1) < 0)
			part = NULL;
		if (!part ||
		    curl_url_set(url, CURLUPART_QUERY, part, CURLU_APPENDQUERY | CURLU_URLENCODE))
			r = -ENOMEM;
	}
	free(part);
	curl_free(path);
	curl_url_set(url, CURLUPART_PATH, "/", 0);
	return r;
}

static char *url_text(CURLU *url, const char *query)
{
	char *part = NULL, *text = NULL, *out = NULL;

	if (asprintf(&part, "query=%s", query) < 0)
		part = NULL;
	if (part &&
	    !curl_url_set(url, CURLUPART_QUERY, part, CURLU_APPENDQUERY | CURLU_URLENCODE) &&
	    !curl_url_set(url, CURLUPART_QUERY, "wait_end_of_query=1", CURLU_APPENDQUERY) &&
	    !curl_url_set(url, CURLUPART_QUERY, "insert_distributed_sync=1", CURLU_APPENDQUERY) &&
	    !curl_url_get(url, CURLUPART_URL, &text, 0))
		out = strdup(text);
	curl_free(text);
	free(part);
	return out;
}

char *http_url(const char *base, const char *query)
{
	CURLU *url = curl_url();
	char *out = NULL;

	errno = ENOMEM;
	if (!url)
		return NULL;
	if (curl_url_set(url, CURLUPART_URL, base, 0) || !is_http(url))
		errno = EINVAL;
	else if (database_set(url) == 0)
		out = url_text(url, query);
	curl_url_cleanup(url);
	return out;
}

char *http_host(const char *base)
{
	CURLU *url = curl_url();
	char *host = NULL, *out = NULL;

	if (url && !curl_url_set(url, CURLUPART_URL, base, 0) &&
	    !curl_url_get(url, CURLUPART_HOST, &host, 0))
		out = strdup(host);
	curl_free(host);
	curl_url_cleanup(url);
	return out;
}

int http_post(struct http *h, const char *url, const char *bytes, size_t size, bool is_gzip,
	      struct http_reply *reply)
{
	CURLcode code;

	*reply = (struct http_reply){0};
	curl_easy_setopt(h->curl, CURLOPT_URL, url);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, is_gzip ? h->gzip : h->plain);
	curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, bytes);
	curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
	curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, reply);
	code = curl_easy_perform(h->curl);
	if (code == CURLE_OK) {
		curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &reply->status);
		return 0;
	}
	snprintf(reply->text, sizeof(reply->text), "%s", curl_easy_strerror(code));
	return code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO;
}
#else
bool http_is_available(void)
{
	return false;
}

struct http *http_new(const struct http_settings *s)
{
	(void)s;
	errno = ENOTSUP;
	return NULL;
}

void http_free(struct http *h)
{
	(void)h;
}

char *http_url(const char *base, const char *query)
{
	(void)base;
	(void)query;
	errno = ENOTSUP;
	return NULL;
}

char *http_host(const char *base)
{
	(void)base;
	return NULL;
}

int http_post(struct http *h, const char *url, const char *bytes, size_t size, bool is_gzip,
	      struct http_reply *reply)
{
	(void)h;
	(void)url;
	(void)bytes;
	(void)size;
	(void)is_gzip;
	*reply = (struct http_reply){0};
	return -ENOTSUP;
}
#endif
