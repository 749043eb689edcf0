/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker_checks.h - runs check programs, each with a time limit.
 */
#ifndef WAYMARK_SRC_TALKER_WORKER_CHECKS_H
#define WAYMARK_SRC_TALKER_WORKER_CHECKS_H

#include <stdint.h>

#include "waymark/alert/exec.h"

struct worker_checks;

/* Called once per check with its number and its result: "good", "bad", or why the check did not
 * run. */
typedef void worker_checked_fn(void *data, int64_t number, const char *result);

struct worker_checks *worker_checks_new(worker_checked_fn *fn, exec_output_fn *output, void *data);
/* Kill running checks and free everything. */
void worker_checks_free(struct worker_checks *c);
void worker_checks_run(struct worker_checks *c, int64_t number, const char *path,
		       char **environment, int64_t until_ms);
void worker_checks_tick(struct worker_checks *c, int64_t now_ms);
unsigned worker_checks_running(const struct worker_checks *c);

#endif
