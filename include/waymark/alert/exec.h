/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec.h - runs programs for alerts: a few at once, a few more in a queue, each for a
 * limited time. Nothing of it waits, except exec_free.
 */
#ifndef WAYMARK_ALERT_EXEC_H
#define WAYMARK_ALERT_EXEC_H

#include <stdint.h>

#define EXEC_CHILDREN_MAX 8
#define EXEC_QUEUE_MAX	  64
#define EXEC_TIMEOUT_MS	  30000
#define EXEC_STOP_MS	  2000
#define EXEC_OUTPUT_BYTES 4096 /* of one program; the rest is dropped */

struct exec;
struct sink_status;

/* s counts failures and must outlive the result. NULL with errno. */
struct exec *exec_new(struct sink_status *s);
/* Give programs EXEC_STOP_MS to end, then end them. */
void exec_free(struct exec *e);

/* Call fn with each line that a program writes, instead of passing on standard error. */
typedef void exec_output_fn(void *data, const char *path, const char *line);
void exec_set_output(struct exec *e, exec_output_fn *fn, void *data);

/* Run a program, or all programs of a folder; copies all. line: standard input. */
void exec_run(struct exec *e, const char *path, char *const *environment, const char *line);

/* Reap ended programs, read output, kill programs over the time limit, start waiting ones. */
void exec_tick(struct exec *e, int64_t now_ms);
uint32_t exec_children(const struct exec *e);

#endif
