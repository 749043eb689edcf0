/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suggest.h - which name was meant: the nearest of the candidates.
 */
#ifndef WAYMARK_BASE_SUGGEST_H
#define WAYMARK_BASE_SUGGEST_H

struct suggestion {
	const char *name; /* as given */
	const char *best; /* the nearest candidate, or NULL: none is near */
	unsigned least;
};

void suggest_start(struct suggestion *s, const char *name);

/* Keep the candidate if it is nearer than those before, at most two letters from the
 * name, and not wholly different from it. It must outlive s. */
void suggest_consider(struct suggestion *s, const char *candidate);

#endif
