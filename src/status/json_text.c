/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json_text.c - converts text of unknown origin to a JSON string. If the text is not UTF-8, all its
 * bytes outside ASCII become '?'. Must not know the objects that contain the string.
 */
#include "waymark/status/json_text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

json_t *json_text_new(const char *text)
{
	json_t *value = json_string(text);
	char *copy = value ? NULL : strdup(text);

	if (!copy)
		return value;
	for (char *p = copy; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	value = json_string(copy);
	free(copy);
	return value;
}
