/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suggest.c - which key was meant: the nearest in the table of keys.
 *
 * It knows the table of keys and nothing of the file.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "config/config_keys.h"
#include "config/suggest.h"
#include "waymark/base/suggest.h"

/* Whether one section may stand in the other. */
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
