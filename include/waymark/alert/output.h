/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * output.h - the output of a program, as lines, up to a limit.
 */
#ifndef WAYMARK_ALERT_OUTPUT_H
#define WAYMARK_ALERT_OUTPUT_H

#include "waymark/alert/exec.h"

struct output;

/* *fd: where the program writes; the caller closes it. NULL, and -1, where there is none. */
struct output *output_open(int *fd);
void output_close(struct output *o);
/* Call fn with each line that has come; never waits. o may be NULL. */
void output_take(struct output *o, const char *path, exec_output_fn *fn, void *data);

#endif
