/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_frame.c - reads the messages of the unprivileged talker to waymarkd: each text ends within
 * the frame, and reading ends.
 */
#include "talker/frame.h"
#include "tests/fuzz/fuzz.h"

#define TEXTS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame *f = calloc(1, sizeof(*f));
	char *rest[TEXTS];
	const char *text;

	if (!f)
		abort();
	size = size < sizeof(f->bytes) ? size : sizeof(f->bytes);
	memcpy(f->bytes, data, size);
	if (frame_open(f, size) == 0) {
		frame_next_number(f);
		text = frame_next(f);
		if (text && (text < f->bytes || text + strlen(text) >= f->bytes + f->n))
			abort();
		frame_rest(f, rest, TEXTS);
		for (size_t i = 0; rest[i]; i++)
			if (rest[i] + strlen(rest[i]) >= f->bytes + f->n)
				abort();
		if (f->at > f->n)
			abort();
	}
	free(f);
	return 0;
}
