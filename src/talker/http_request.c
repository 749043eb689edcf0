/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http_request.c - parses GET and HEAD requests. A request with another method gets an empty path,
 * so it is answered with 404.
 */
#include "talker/http_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Return the length of the request's head, or 0 if the head is incomplete. Some clients end lines
 * without CR. */
static size_t head_length(const char *bytes, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		if (bytes[i] != '\n')
			continue;
		if (bytes[i + 1] == '\n')
			return i + 2;
		if (bytes[i + 1] == '\r' && i + 2 < n && bytes[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

/* Set *word to the word at *at, advance *at to the next word, and return the length of *word. */
static size_t word_take(const char **at, const char *end, const char **word)
{
	size_t n = 0;

	*word = *at;
	while (*at + n < end && (*at)[n] > ' ' && (*at)[n] <= '~')
		n++;
	*at += n;
	if (*at < end && **at == ' ')
		++*at;
	return n;
}

static bool is_word(const char *word, size_t n, const char *wanted)
{
	return n == strlen(wanted) && memcmp(word, wanted, n) == 0;
}

static void path_copy(struct http_request *r, const char *target, size_t n)
{
	const char *query = memchr(target, '?', n);

	if (query)
		n = (size_t)(query - target);
	if (n >= sizeof(r->path))
		return;
	memcpy(r->path, target, n);
	r->path[n] = '\0';
}

static int line_parse(const char *line, const char *end, struct http_request *r)
{
	const char *method, *target, *version;
	size_t n_method = word_take(&line, end, &method);
	size_t n_target = word_take(&line, end, &target);
	size_t n_version = word_take(&line, end, &version);

	if (!n_method || !n_target || n_version != 8 || memcmp(version, "HTTP/1.", 7))
		return -EBADMSG;
	*r = (struct http_request){.is_head = is_word(method, n_method, "HEAD")};
	if (r->is_head || is_word(method, n_method, "GET"))
		path_copy(r, target, n_target);
	return 1;
}

int http_request_parse(const char *bytes, size_t n, struct http_request *r)
{
	const char *end;

	if (n && (*bytes < 'A' || *bytes > 'Z'))
		return -EBADMSG;
	if (!head_length(bytes, n))
		return n < HTTP_HEAD_BYTES ? 0 : -EBADMSG;
	end = memchr(bytes, '\n', n);
	return line_parse(bytes, end, r);
}

static const char *status_text(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	default:
		return "Service Unavailable";
	}
}

size_t http_answer_head(char *to, size_t max, unsigned status, const char *type, size_t bytes)
{
	int n = snprintf(to, max,
			 "HTTP/1.1 %u %s\r\n"
			 "Content-Type: %s\r\n"
			 "Content-Length: %zu\r\n"
			 "Connection: close\r\n\r\n",
			 status, status_text(status), type, bytes);

	return n < 0 ? 0 : (size_t)n < max ? (size_t)n : max - 1;
}
