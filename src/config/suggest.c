/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suggest.c - finds the key that is most similar to a misspelt one.
 *
 * Knows the table of keys, but not the file.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "config/config_keys.h"
#include "config/suggest.h"
#include "waymark/base/suggest.h"

/* Return whether a section `inner` can stand directly inside section `outer` ("": the top
 * level). */
static bool is_section_in(const char *inner, const char *outer)
{
	bool is_health = strcmp(inner, "health") == 0;

	return is_health ? strcmp(outer, "uplink") == 0 : outer[0] == '\0';
}

const char *suggest_key(const char *section, const char *name)
{
	struct suggestion s;

	suggest_start(&s, name);
	for (const struct config_key *key = config_keys; key->name; key++) {
		if (strcmp(key->section, section) == 0)
			suggest_consider(&s, key->name);
		else if (is_section_in(key->section, section))
			suggest_consider(&s, key->section);
	}
	return s.best;
}
