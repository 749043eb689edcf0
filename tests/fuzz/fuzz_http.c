/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_http.c - parses HTTP requests for a scrape, in pieces: the answer to the whole head is the
 * answer to its parts, and a path is terminated.
 */
#include <errno.h>

#include "talker/http_request.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = fuzz_text(data, size), head[256];
	struct http_request request;
	int whole = http_request_parse(bytes, size, &request);

	if (whole == 1 && strnlen(request.path, sizeof(request.path)) == sizeof(request.path))
		abort();
	for (size_t n = 0; n <= size && n < 256; n++) {
		int part = http_request_parse(bytes, n, &request);

		/* A complete head stays complete whatever follows it. */
		if (part == 1 && whole != 1)
			abort();
		if (part != 1 && part != 0 && part != -EBADMSG)
			abort();
	}
	if (http_answer_head(head, sizeof(head), 200, "text/plain", size) >= sizeof(head))
		abort();
	free(bytes);
	return 0;
}
