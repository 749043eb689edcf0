/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http_request.h - the head of an HTTP request, as far as one page needs it. Pure.
 */
#ifndef WAYMARK_SRC_TALKER_HTTP_REQUEST_H
#define WAYMARK_SRC_TALKER_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_HEAD_BYTES 4096
#define HTTP_PATH_BYTES 64

struct http_request {
	bool is_head;		    /* HEAD: an answer without its body */
	char path[HTTP_PATH_BYTES]; /* without parameters; "": none of ours */
};

/* Return 1 if the head is whole, and fill in *r; 0 if more has to come; -EBADMSG if it can
 * be no request, or is too long. */
int http_request_parse(const char *bytes, size_t n, struct http_request *r);

/* Write the head of an answer. Return its length. */
size_t http_answer_head(char *to, size_t max, unsigned status, const char *type, size_t bytes);

#endif
