/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * story.c - collects sentences. It knows nothing of what they say, nor how they
 * are printed.
 */
#include "cli/story.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void story_say(struct story *s, const char *name, const char *format, ...)
{
	struct story_step *steps = realloc(s->steps, (s->n + 1) * sizeof(*steps));
	va_list args;
	int n;

	if (!steps) {
		s->error = -ENOMEM;
		return;
	}
	s->steps = steps;
	steps[s->n] = (struct story_step){ .name = name };
	va_start(args, format);
	n = vasprintf(&steps[s->n].text, format, args);
	va_end(args);
	if (n < 0)
		s->error = -ENOMEM;
	else
		s->n++;
}

void story_show(struct story *s, const char *format, ...)
{
	char *command;
	va_list args;
	int n;

	if (!s->n)
		return;
	va_start(args, format);
	n = vasprintf(&command, format, args);
	va_end(args);
	if (n < 0) {
		s->error = -ENOMEM;
		return;
	}
	free(s->steps[s->n - 1].command);
	s->steps[s->n - 1].command = command;
}

void story_free(struct story *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->steps[i].text);
		free(s->steps[i].command);
	}
	free(s->steps);
	*s = (struct story){ 0 };
}
