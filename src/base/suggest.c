/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suggest.c - finds the nearest name by Levenshtein distance.
 *
 * Pure: must not know what the names stand for.
 */
#include <stddef.h>
#include <string.h>

#include "waymark/base/suggest.h"

#define NAME_MAX_LENGTH 32
#define FAR		3 /* names that differ in this many letters or more are not suggested */

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

void suggest_start(struct suggestion *s, const char *name)
{
	*s = (struct suggestion){.name = name, .least = FAR};
}

void suggest_consider(struct suggestion *s, const char *candidate)
{
	unsigned d = distance(s->name, candidate);

	if (d >= s->least || d >= strlen(candidate))
		return;
	s->least = d;
	s->best = candidate;
}
