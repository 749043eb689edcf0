/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * story.h - a story in steps: what is said, and the command that shows it.
 */
#ifndef WAYMARK_CLI_STORY_H
#define WAYMARK_CLI_STORY_H

#include <stddef.h>

struct story_step {
	const char *name; /* "mark", "route", ...; steps of one name follow each other */
	char *text;
	char *command; /* NULL: none */
};

struct story {
	struct story_step *steps;
	size_t n;
	int error; /* -ENOMEM: something is missing */
};

/* Appends a sentence, and to the last one its command. name must outlive it. */
void story_say(struct story *s, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void story_show(struct story *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void story_free(struct story *s);

#endif
