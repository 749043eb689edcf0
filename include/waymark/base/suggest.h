/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suggest.h - finds the candidate that is most similar to a misspelt name.
 */
#ifndef WAYMARK_BASE_SUGGEST_H
#define WAYMARK_BASE_SUGGEST_H

struct suggestion {
	const char *name; /* the misspelt name */
	const char *best; /* the nearest candidate so far; NULL: none is near */
	unsigned least;
};

void suggest_start(struct suggestion *s, const char *name);

/* If candidate is nearer to the name than all candidates before, differs from the name by at most
 * two letters, and has a letter in common with it, keep candidate in s->best. candidate must
 * outlive s. */
void suggest_consider(struct suggestion *s, const char *candidate);

#endif
