/* SPDX-License-Identifier: GPL-2.0-or-later */
/* output.h - reads the output of a program line by line, up to EXEC_OUTPUT_BYTES. */
#ifndef WAYMARK_ALERT_OUTPUT_H
#define WAYMARK_ALERT_OUTPUT_H

#include "waymark/alert/exec.h"

struct output;

/* Create a pipe for a program's output. Set *fd to the end that the program writes to. When the
 * caller has started the program, it must close *fd. On failure return NULL and set *fd to -1. */
struct output *output_open(int *fd);
void output_close(struct output *o);
/* Call fn with each line that the program has written since the last call of this function; path is
 * passed to fn. Never blocks. If o is NULL, do nothing. */
void output_take(struct output *o, const char *path, exec_output_fn *fn, void *data);

#endif
