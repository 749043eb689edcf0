/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http_request.h - parses the head of an HTTP request, as far as a server of one page needs it.
 * Pure.
 */
#ifndef WAYMARK_SRC_TALKER_HTTP_REQUEST_H
#define WAYMARK_SRC_TALKER_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_HEAD_BYTES 4096
#define HTTP_PATH_BYTES 64

struct http_request {
	bool is_head;		    /* the method is HEAD: answer without a body */
	char path[HTTP_PATH_BYTES]; /* without the query string; "": the path is too long, or the
				     * method is neither GET nor HEAD */
};

/* Parse a request's head. Return 1 and fill in *r if the head is complete, 0 if more bytes are
 * needed, or -EBADMSG if the bytes are not a request or the head is too long. */
int http_request_parse(const char *bytes, size_t n, struct http_request *r);

/* Write the head of an answer whose body has 'bytes' bytes. Return the head's length. */
size_t http_answer_head(char *to, size_t max, unsigned status, const char *type, size_t bytes);

#endif
