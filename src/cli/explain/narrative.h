/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * narrative.h - collects an explanation in steps. Each step is a text and, if useful, a command
 * that the user can run to check the text or to fix the fault.
 */
#ifndef WAYMARK_SRC_CLI_EXPLAIN_NARRATIVE_H
#define WAYMARK_SRC_CLI_EXPLAIN_NARRATIVE_H

#include <stddef.h>

#include "waymark/base/times.h"

struct narrative_step {
	/* the heading: "flow", "verdict", ...; it is printed once for adjacent steps with the same
	 * name */
	const char *name;
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

/* Write the time `text`, which comes from the history, to buf as local time, and return buf. If
 * text is not a time, return text. If text is NULL, return "an unknown time". */
const char *narrative_time(const char *text, char buf[TIMES_STRLEN]);

#endif
