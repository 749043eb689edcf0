/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * webhook_post.c - sends one HTTP request. No other file of this folder uses libcurl.
 *
 * Must not know the queue, nor when to send again. No error message contains a part of the URL or
 * of a header, because they can contain a password or a token.
 */
#include "alert/webhook_post.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#ifdef HAVE_CURL
#include <curl/curl.h>

struct poster {
	CURL *curl;
};

static void curl_load(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Drop the body of a reply, because only the status of the reply matters. */
static size_t body_skip(char *text, size_t size, size_t n, void *data)
{
	(void)text;
	(void)data;
	return size * n;
}

/* Callback of libcurl: return whether libcurl must cancel the request. */
static int progress_look(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct post *post = data;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return post->is_abandoned && post->is_abandoned(post->data);
}

/* Follow no redirects, so that alerts only go where the configuration says. Allow only HTTP and
 * HTTPS. */
static CURLcode protocols_limit(CURL *curl)
{
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85.0 */
	return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	return curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static CURLcode handle_prepare(struct poster *p)
{
	curl_easy_setopt(p->curl, CURLOPT_NOSIGNAL, 1L);
	/* Close each connection: alerts are rare, so the server would drop it before the next. */
	curl_easy_setopt(p->curl, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(p->curl, CURLOPT_USERAGENT, "waymark/" PACKAGE_VERSION);
	curl_easy_setopt(p->curl, CURLOPT_WRITEFUNCTION, body_skip);
	curl_easy_setopt(p->curl, CURLOPT_XFERINFOFUNCTION, progress_look);
	curl_easy_setopt(p->curl, CURLOPT_NOPROGRESS, 0L);
#if LIBCURL_VERSION_NUM >= 0x075700 /* 7.87.0: do not wait for a resolver thread that hangs */
	curl_easy_setopt(p->curl, CURLOPT_QUICK_EXIT, 1L);
#endif
	return protocols_limit(p->curl);
}

struct poster *poster_new(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct poster *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	pthread_once(&once, curl_load);
	p->curl = curl_easy_init();
	if (p->curl && handle_prepare(p) == CURLE_OK)
		return p;
	poster_free(p);
	errno = ENOMEM;
	return NULL;
}

void poster_free(struct poster *p)
{
	if (!p)
		return;
	curl_easy_cleanup(p->curl);
	free(p);
}

/* Return whether this HTTP status means that the server would refuse the same request every time,
 * regardless of its load and configuration (RFC 9110, 15.5). */
static bool is_final(long status)
{
	switch (status) {
	case 400: /* bad request */
	case 405: /* method not allowed */
	case 406: /* not acceptable */
	case 411: /* length required */
	case 413: /* content too large */
	case 415: /* unsupported media type */
	case 422: /* unprocessable content */
		return true;
	default:
		return false;
	}
}

static enum post_result status_judge(struct poster *p, struct post *post)
{
	curl_off_t wait = 0;
	long status = 0;

	curl_easy_getinfo(p->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return POST_DELIVERED;
	curl_easy_getinfo(p->curl, CURLINFO_RETRY_AFTER, &wait);
	if (wait > 0)
		post->retry_after_s = wait < UINT32_MAX ? (uint32_t)wait : UINT32_MAX;
	snprintf(post->error, sizeof(post->error), "the server answered with status %ld", status);
	return is_final(status) ? POST_REFUSED : POST_FAILED;
}

/* Return a copy of the operator's headers, with a Content-Type if they contain none. Return NULL if
 * memory is short. */
static struct curl_slist *headers_new(char *const *list)
{
	struct curl_slist *headers = NULL, *more;
	bool has_type = false;

	for (char *const *p = list; p && *p; p++) {
		more = curl_slist_append(headers, *p);
		if (!more)
			goto fail;
		headers = more;
		has_type = has_type || !strncasecmp(*p, "Content-Type:", 13);
	}
	if (has_type)
		return headers;
	more = curl_slist_append(headers, "Content-Type: application/json");
	if (more)
		return more;
fail:
	curl_slist_free_all(headers);
	return NULL;
}

static CURLcode request_run(struct poster *p, struct post *post, struct curl_slist *headers)
{
	CURLcode code;

	curl_easy_setopt(p->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(p->curl, CURLOPT_URL, post->url);
	curl_easy_setopt(p->curl, CURLOPT_POSTFIELDS, post->body);
	curl_easy_setopt(p->curl, CURLOPT_TIMEOUT_MS, (long)post->timeout_ms);
	curl_easy_setopt(p->curl, CURLOPT_XFERINFODATA, post);
	code = curl_easy_perform(p->curl);
	curl_easy_setopt(p->curl, CURLOPT_HTTPHEADER, NULL);
	return code;
}

enum post_result poster_run(struct poster *p, struct post *post)
{
	struct curl_slist *headers = headers_new(post->headers);
	CURLcode code = headers ? request_run(p, post, headers) : CURLE_OUT_OF_MEMORY;

	curl_slist_free_all(headers);
	post->retry_after_s = 0;
	post->error[0] = '\0';
	if (code == CURLE_OK)
		return status_judge(p, post);
	snprintf(post->error, sizeof(post->error), "%s", curl_easy_strerror(code));
	return POST_FAILED;
}
#else
/* Without libcurl, the configuration refuses key webhook, so these functions are not called. */
struct poster *poster_new(void)
{
	errno = ENOTSUP;
	return NULL;
}

void poster_free(struct poster *p)
{
	(void)p;
}

enum post_result poster_run(struct poster *p, struct post *post)
{
	(void)p;
	(void)post;
	return POST_FAILED;
}
#endif
