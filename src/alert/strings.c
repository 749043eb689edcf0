/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * strings.c - lists of strings that end with NULL.
 */
#include <stdlib.h>
#include <string.h>

#include "alert/strings.h"

void strings_free(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}

char **strings_copy(char *const *list)
{
	size_t n = 0;
	char **copy;

	if (!list)
		return NULL;
	while (list[n])
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(list[i]);
		if (!copy[i]) {
			strings_free(copy);
			return NULL;
		}
	}
	return copy;
}
