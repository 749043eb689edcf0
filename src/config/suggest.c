/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suggest.c - which key was meant: the nearest by Levenshtein's distance.
 *
 * It knows the table of keys and nothing of the file.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "config/suggest.h"
#include "waymark/config/config.h"

#define NAME_MAX_LENGTH 32
#define FAR		3 /* letters: too far to be a slip */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_LENGTH + 1];
	size_t length = strlen(b);

	if (strlen(a) > NAME_MAX_LENGTH || length > NAME_MAX_LENGTH)
		return FAR;
	for (size_t k = 0; k <= length; k++)
		row[k] = (unsigned)k;
	for (size_t i = 0; a[i]; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i + 1;
		for (size_t k = 1; k <= length; k++) {
			unsigned above = row[k];

			row[k] = min3(diagonal + (a[i] != b[k - 1]), above + 1, row[k - 1] + 1);
			diagonal = above;
		}
	}
	return row[length];
}

static void consider(const char **best, unsigned *least, const char *candidate, const char *name)
{
	unsigned d = distance(name, candidate);

	if (d >= *least)
		return;
	*least = d;
	*best = candidate;
}

/* Whether one section may stand in the other. */
static bool is_section_in(const char *inner, const char *outer)
{
	bool is_health = strcmp(inner, "health") == 0;

	return is_health ? strcmp(outer, "uplink") == 0 : outer[0] == '\0';
}

const char *suggest_key(const char *section, const char *name)
{
	const char *best = NULL;
	unsigned least = FAR;

	for (const struct config_key *key = config_keys; key->name; key++) {
		if (strcmp(key->section, section) == 0)
			consider(&best, &least, key->name, name);
		else if (is_section_in(key->section, section))
			consider(&best, &least, key->section, name);
	}
	return best;
}
