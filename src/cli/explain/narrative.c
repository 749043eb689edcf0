/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * narrative.c - collects sentences. Must not know their meaning or how they are printed.
 */
#include "cli/explain/narrative.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void narrative_say(struct narrative *s, const char *name, const char *format, ...)
{
	struct narrative_step *steps = realloc(s->steps, (s->n + 1) * sizeof(*steps));
	va_list args;
	int n;

	if (!steps) {
		s->error = -ENOMEM;
		return;
	}
	s->steps = steps;
	steps[s->n] = (struct narrative_step){.name = name};
	va_start(args, format);
	n = vasprintf(&steps[s->n].text, format, args);
	va_end(args);
	if (n < 0)
		s->error = -ENOMEM;
	else
		s->n++;
}

void narrative_show(struct narrative *s, const char *format, ...)
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

void narrative_append(struct narrative *s, struct narrative *more)
{
	struct narrative_step *steps = realloc(s->steps, (s->n + more->n + 1) * sizeof(*steps));

	s->error = s->error ? s->error : more->error;
	if (!steps) {
		s->error = -ENOMEM;
		narrative_free(more);
		return;
	}
	s->steps = steps;
	if (more->n)
		memcpy(steps + s->n, more->steps, more->n * sizeof(*steps));
	s->n += more->n;
	free(more->steps);
	*more = (struct narrative){0};
}

void narrative_free(struct narrative *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->steps[i].text);
		free(s->steps[i].command);
	}
	free(s->steps);
	*s = (struct narrative){0};
}

const char *narrative_time(const char *text, char buf[TIMES_STRLEN])
{
	int64_t ms;

	if (!text || times_parse_iso(text, &ms))
		return text ? text : "an unknown time";
	return times_format(ms, TIMES_FULL, buf);
}
