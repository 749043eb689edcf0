/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.h - the facts of an alert as pairs of name and text. All sinks use the same facts.
 */
#ifndef WAYMARK_ALERT_FACTS_H
#define WAYMARK_ALERT_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "waymark/alert/alert.h"

#define FACTS_MAX 40

struct fact {
	const char *name; /* "flow_id", ... */
	bool is_number;	  /* JSON has the text without quotes */
	char text[256];	  /* "": unknown, or does not apply */
};

struct facts {
	struct fact list[FACTS_MAX];
	size_t n;
};

/* Fill in every fact of an alert. */
void facts_fill(struct facts *facts, const struct alert *alert,
		const struct alert_identity *identity);
/* Return the text of a fact, or NULL if no fact has this name. */
const char *facts_text(const struct facts *facts, const char *name);

#define FACTS_PREFIX "WAYMARK_"

/* Return an environment for programs, ended by NULL. It contains each fact (WAYMARK_KIND=...) and a
 * PATH. Free it with facts_environment_free(). On failure return NULL with errno. */
char **facts_environment(const struct facts *facts);
void facts_environment_free(char **environment);

#endif
