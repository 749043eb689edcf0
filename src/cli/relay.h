/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relay.h - passes on what a module prints to its errors stream, each line as a
 * message of the tool.
 */
#ifndef WAYMARK_CLI_RELAY_H
#define WAYMARK_CLI_RELAY_H

#include <stddef.h>
#include <stdio.h>

struct relay {
	FILE *stream; /* to hand to the module */
	char *text;
	size_t size;
};

/* 0 or -errno. */
int relay_open(struct relay *r);

/* Calls fn for each line so far, and closes. */
typedef void relay_line_fn(void *data, const char *line);
void relay_each(struct relay *r, relay_line_fn *fn, void *data);

/* Prints each line as a message and closes; where err is an error of which
 * nothing was said, says "what: strerror". */
void relay_close(struct relay *r, const char *what, int err);

#endif
