/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan.h - a configuration's text, read whole and made safe for libconfuse.
 */
#ifndef WAYMARK_SRC_CONFIG_SCAN_H
#define WAYMARK_SRC_CONFIG_SCAN_H

#include <stddef.h>
#include <stdio.h>

struct scan {
	char *text;	    /* without comments, line by line as it was */
	int *section_lines; /* where the sections open, in the file's order */
	size_t n_sections;
};

/* Reads path. 0, or -errno after one line to errors. The caller frees with
 * scan_free in either case. */
int scan_read(struct scan *s, const char *path, FILE *errors);

/* Blanks comments, notes where sections open, and prints "PATH:LINE: ..." for
 * each thing that the parser would swallow in silence. 0, -EINVAL or -ENOMEM. */
int scan_check(struct scan *s, const char *path, FILE *errors);

void scan_free(struct scan *s);

#endif
