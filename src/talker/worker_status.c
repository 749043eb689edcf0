/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker_status.c - writes the worker's counters to a frame, and reads them from a frame.
 */
#include <stdio.h>

#include "talker/worker.h"

void worker_status_put(const struct worker_status *s, struct frame *f)
{
	frame_put_number(f, s->programs);
	frame_put_number(f, s->programs_failed);
	frame_put_number(f, s->delivered);
	frame_put_number(f, s->retries);
	frame_put_number(f, s->dropped);
	frame_put(f, s->program_error);
	frame_put(f, s->webhook_error);
}

static int64_t count_read(struct frame *f)
{
	int64_t n = frame_next_number(f);

	return n < 0 ? 0 : n;
}

/* Read a text and replace control characters, because the text might be printed on a terminal. */
static void text_read(struct frame *f, char *to, size_t size)
{
	const char *text = frame_next(f);

	snprintf(to, size, "%s", text ? text : "");
	for (char *c = to; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
}

void worker_status_read(struct worker_status *s, struct frame *f)
{
	s->programs = count_read(f);
	s->programs_failed = count_read(f);
	s->delivered = count_read(f);
	s->retries = count_read(f);
	s->dropped = count_read(f);
	text_read(f, s->program_error, sizeof(s->program_error));
	text_read(f, s->webhook_error, sizeof(s->webhook_error));
}
