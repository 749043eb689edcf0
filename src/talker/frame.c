/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.c - a frame is a header and texts, each terminated by a NUL. Neither side trusts the other:
 * everything received is checked.
 */
#include "talker/frame.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Both ends are processes of one program, so the header is in the host's byte order. */
struct header {
	uint32_t type, generation;
	int64_t number;
};

void frame_begin(struct frame *f, enum frame_type type, uint32_t generation, int64_t number)
{
	f->type = type;
	f->generation = generation;
	f->number = number;
	f->n = sizeof(struct header);
	f->at = f->n;
	f->is_overfull = false;
}

void frame_put(struct frame *f, const char *text)
{
	size_t length = strlen(text) + 1;

	if (length > sizeof(f->bytes) - f->n) {
		f->is_overfull = true;
		return;
	}
	memcpy(f->bytes + f->n, text, length);
	f->n += length;
}

void frame_put_number(struct frame *f, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, number);
	frame_put(f, text);
}

int frame_end(struct frame *f)
{
	struct header h = {(uint32_t)f->type, f->generation, f->number};

	memcpy(f->bytes, &h, sizeof(h));
	return f->is_overfull ? -EMSGSIZE : 0;
}

int frame_open(struct frame *f, size_t n)
{
	struct header h;

	if (n < sizeof(h) || n > sizeof(f->bytes))
		return -EBADMSG;
	memcpy(&h, f->bytes, sizeof(h));
	if (h.type == 0 || h.type >= FRAME_TYPES)
		return -EBADMSG;
	if (n > sizeof(h) && f->bytes[n - 1] != '\0')
		return -EBADMSG;
	f->type = (enum frame_type)h.type;
	f->generation = h.generation;
	f->number = h.number;
	f->n = n;
	f->at = sizeof(h);
	return 0;
}

const char *frame_next(struct frame *f)
{
	const char *text = f->bytes + f->at;

	if (f->at >= f->n)
		return NULL;
	f->at += strlen(text) + 1;
	return text;
}

int64_t frame_next_number(struct frame *f)
{
	const char *text = frame_next(f);

	return text ? strtoll(text, NULL, 10) : 0;
}

void frame_rest(struct frame *f, char **list, size_t max)
{
	const char *text;
	size_t n = 0;

	while (n + 1 < max && (text = frame_next(f)))
		list[n++] = (char *)(uintptr_t)text;
	list[n] = NULL;
}
