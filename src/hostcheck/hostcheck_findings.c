/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostcheck_findings.c - stores the list of findings. Must not know what findings mean.
 */
#define _GNU_SOURCE /* vasprintf */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/base/shell.h"
#include "waymark/hostcheck/hostcheck.h"

const char *finding_level_name(enum finding_level level)
{
	static const char *const names[] = {
		[FINDING_OK] = "ok",
		[FINDING_WARNING] = "warning",
		[FINDING_ERROR] = "error",
	};

	return names[level];
}

/* Return a copy of `text` in which \xHH replaces each control character, and free `text`. Return
 * NULL if memory is short. Names of interfaces, tables and processes can contain such
 * characters. */
static char *printable(char *text)
{
	size_t size = 4 * strlen(text) + 1;
	char *clean = malloc(size);

	if (clean)
		text_printable(clean, size, text);
	free(text);
	return clean;
}

void findings_add(struct findings *f, enum finding_level level, const char *format, ...)
{
	struct finding *list = realloc(f->list, (f->n + 1) * sizeof(*list));
	struct finding *added;
	va_list arguments;

	if (!list) {
		f->error = -ENOMEM;
		return;
	}
	f->list = list;
	added = &list[f->n];
	*added = (struct finding){.level = level};
	va_start(arguments, format);
	if (vasprintf(&added->what, format, arguments) < 0)
		added->what = NULL;
	else
		added->what = printable(added->what);
	va_end(arguments);
	if (added->what)
		f->n++;
	else
		f->error = -ENOMEM;
}

void findings_fix(struct findings *f, const char *format, ...)
{
	va_list arguments;
	char *fix;

	if (!f->n)
		return;
	va_start(arguments, format);
	if (vasprintf(&fix, format, arguments) < 0)
		f->error = -ENOMEM;
	else
		f->list[f->n - 1].fix = fix;
	va_end(arguments);
}

void findings_about(struct findings *f, const struct finding_subject *subject)
{
	if (f->n)
		f->list[f->n - 1].subject = *subject;
}

size_t findings_count(const struct findings *f, enum finding_level level)
{
	size_t count = 0, i;

	for (i = 0; i < f->n; i++)
		count += f->list[i].level == level;
	return count;
}

void findings_clear(struct findings *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		free(f->list[i].what);
		free(f->list[i].fix);
	}
	free(f->list);
	*f = (struct findings){0};
}
