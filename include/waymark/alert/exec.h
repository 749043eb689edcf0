/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec.h - runs programs for alerts. At most EXEC_CHILDREN_MAX programs run at the same time; more
 * programs wait in a queue. A program that runs longer than EXEC_TIMEOUT_MS is killed. No function
 * blocks, except exec_free().
 */
#ifndef WAYMARK_ALERT_EXEC_H
#define WAYMARK_ALERT_EXEC_H

#include <stdint.h>

#define EXEC_CHILDREN_MAX 8
#define EXEC_QUEUE_MAX	  64
#define EXEC_TIMEOUT_MS	  30000
#define EXEC_STOP_MS	  2000
#define EXEC_OUTPUT_BYTES 4096 /* limit of the output of one program; the rest is dropped */

struct exec;
struct sink_status;

/* Return a new struct exec, or NULL with errno. Failures are counted in *s, which must outlive the
 * struct exec. */
struct exec *exec_new(struct sink_status *s);
/* Wait at most EXEC_STOP_MS for running programs to end, then kill them and free e. */
void exec_free(struct exec *e);

/* Set the function that gets each line that a program writes, with the path of the program. Without
 * such a function, programs inherit our standard error, and their standard output is dropped. */
typedef void exec_output_fn(void *data, const char *path, const char *line);
void exec_set_output(struct exec *e, exec_output_fn *fn, void *data);

/* Run the program at `path`. If `path` is a folder, run each program in the folder. Each program
 * gets the text `line` on its standard input. All arguments are copied. */
void exec_run(struct exec *e, const char *path, char *const *environment, const char *line);

/* Reap ended programs, read output, kill programs over the time limit, start queued programs. */
void exec_tick(struct exec *e, int64_t now_ms);
uint32_t exec_children(const struct exec *e);

#endif
