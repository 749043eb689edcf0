/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suggest.h - finds the candidate that is most similar to a misspelt name.
 */
#ifndef WAYMARK_BASE_SUGGEST_H
#define WAYMARK_BASE_SUGGEST_H

struct suggestion {
	const char *name; /* the misspelt name */
	const char *best; /* the most similar candidate so far; NULL: none is similar enough */
	unsigned least;
};

void suggest_start(struct suggestion *s, const char *name);

/* Compare a candidate with the misspelt name. A candidate is similar enough if it differs by at
 * most two letters and has a letter in common with the name. If it is also more similar than all
 * earlier candidates, set s->best to it. The string `candidate` must outlive s. */
void suggest_consider(struct suggestion *s, const char *candidate);

#endif
