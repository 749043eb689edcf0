/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * error_lines.h - captures the error messages that a module prints to a stream, and prints each
 * line as a message of waymark.
 */
#ifndef WAYMARK_SRC_CLI_ERROR_LINES_H
#define WAYMARK_SRC_CLI_ERROR_LINES_H

#include <stddef.h>
#include <stdio.h>

struct error_lines {
	FILE *stream; /* pass this to the module */
	char *text;
	size_t size;
};

/* Open r->stream. Return 0 or -errno. */
int error_lines_open(struct error_lines *r);

/* Call fn for each captured line, then close r. */
typedef void error_lines_line_fn(void *data, const char *line);
void error_lines_each(struct error_lines *r, error_lines_line_fn *fn, void *data);

/* Print each captured line as a message, then close r. If no line was captured and err, a -errno,
 * is not 0, print "what: " and the text of err. */
void error_lines_close(struct error_lines *r, const char *what, int err);

#endif
