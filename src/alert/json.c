/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json.c - an alert as a JSON object: the one place of this module that knows
 * jansson.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "alert/facts.h"
#include "waymark/status/json_text.h"

static json_t *fact_json(const struct fact *fact)
{
	if (fact->text[0] == '\0')
		return json_null();
	if (fact->is_number)
		return json_integer(strtoll(fact->text, NULL, 10));
	return json_text_new(fact->text);
}

/* jansson's text with a line end behind it; a line of its own in every sink. */
static char *line_new(const json_t *object)
{
	size_t length = json_dumpb(object, NULL, 0, JSON_COMPACT);
	char *line = length ? malloc(length + 2) : NULL;

	if (!line)
		return NULL;
	json_dumpb(object, line, length, JSON_COMPACT);
	memcpy(line + length, "\n", 2);
	return line;
}

char *alert_json(const struct fact facts[FACTS_COUNT])
{
	json_t *object = json_object();
	char *line = NULL;
	int err = object ? 0 : -1;

	for (size_t i = 0; i < FACTS_COUNT && err == 0; i++)
		err = json_object_set_new(object, facts[i].name, fact_json(&facts[i]));
	if (err == 0)
		line = line_new(object);
	json_decref(object);
	if (!line)
		errno = ENOMEM;
	return line;
}
