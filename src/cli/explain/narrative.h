/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * narrative.h - an explanation in steps: a sentence each, and the command that shows it.
 */
#ifndef WAYMARK_SRC_CLI_EXPLAIN_NARRATIVE_H
#define WAYMARK_SRC_CLI_EXPLAIN_NARRATIVE_H

#include <stddef.h>

#include "waymark/base/times.h"

struct narrative_step {
	const char *name; /* "mark", "route", ...; steps of one name follow each other */
	char *text;
	char *command; /* NULL: none */
};

struct narrative {
	struct narrative_step *steps;
	size_t n;
	int error; /* -ENOMEM: something is missing */
};

/* narrative_say appends a sentence, narrative_show the command of the last sentence. name must
 * outlive s. */
void narrative_say(struct narrative *s, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void narrative_show(struct narrative *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Move the steps of more to the end of s; more is empty then. */
void narrative_append(struct narrative *s, struct narrative *more);
void narrative_free(struct narrative *s);

/* A time of the history as people read it: local. Returns buf, or text if it is none. */
const char *narrative_time(const char *text, char buf[TIMES_STRLEN]);

#endif
