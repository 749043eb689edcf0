/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan.h - reads the whole text of a configuration and prepares it for libconfuse.
 */
#ifndef WAYMARK_SRC_CONFIG_SCAN_H
#define WAYMARK_SRC_CONFIG_SCAN_H

#include <stddef.h>
#include <stdio.h>

struct scan {
	char *text;	    /* the file with comments blanked; line numbers are unchanged */
	int *section_lines; /* lines on which sections open, in the order of the file */
	size_t n_sections;
};

/* Read the file at path. Return 0, or -errno after printing one line to errors. In both cases the
 * caller frees s with scan_free(). */
int scan_read(struct scan *s, const char *path, FILE *errors);

/* Blank comments, record where sections open, and print "PATH:LINE: ..." for each error that
 * libconfuse would ignore. Return 0, -EINVAL or -ENOMEM. */
int scan_check(struct scan *s, const char *path, FILE *errors);

void scan_free(struct scan *s);

#endif
