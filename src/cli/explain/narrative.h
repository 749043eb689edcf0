/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * narrative.h - collects an explanation in steps. Each step is a sentence. A step may also have a
 * command with which the user can check the sentence.
 */
#ifndef WAYMARK_SRC_CLI_EXPLAIN_NARRATIVE_H
#define WAYMARK_SRC_CLI_EXPLAIN_NARRATIVE_H

#include <stddef.h>

#include "waymark/base/times.h"

struct narrative_step {
	const char *name; /* "mark", "route", ...; steps with the same name must be adjacent */
	char *text;
	char *command; /* NULL: none */
};

struct narrative {
	struct narrative_step *steps;
	size_t n;
	int error; /* -ENOMEM: steps are missing */
};

/* narrative_say() appends a sentence; narrative_show() sets the command of the sentence that was
 * appended last. name must outlive s. */
void narrative_say(struct narrative *s, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void narrative_show(struct narrative *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Move all steps of `more` to the end of s. */
void narrative_append(struct narrative *s, struct narrative *more);
void narrative_free(struct narrative *s);

/* Write the time `text`, as it is in the history, to buf as local time, and return buf. If text is
 * not a time, return text. */
const char *narrative_time(const char *text, char buf[TIMES_STRLEN]);

#endif
