/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.h - what an alert says, as names and text, for every sink alike.
 */
#ifndef WAYMARK_SRC_ALERT_FACTS_H
#define WAYMARK_SRC_ALERT_FACTS_H

#include <stdbool.h>

#include "waymark/alert/alert.h"

#define FACTS_COUNT 21

struct fact {
	const char *name; /* "flow_id", ... */
	bool is_number;	  /* JSON writes it without quotes */
	char text[256];	  /* "": not known, or does not apply */
};

void facts_fill(struct fact facts[FACTS_COUNT], const struct alert *alert);

/* One JSON object on one line, with its line end. malloc'd, or NULL with errno. */
char *alert_json(const struct fact facts[FACTS_COUNT]);

#define FACTS_PREFIX "WAYMARK_"

/* WAYMARK_KIND=... and so on, and a PATH. Ends with NULL; free with
 * facts_environment_free. NULL with errno. */
char **facts_environment(const struct fact facts[FACTS_COUNT]);
void facts_environment_free(char **environment);

#endif
