/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confirm_guard.h - a process that waits for `waymark confirm`. If no confirmation arrives before
 * the deadline, the process undoes what `waymark apply` has installed. The process survives the
 * session that started it, so it also undoes a change that cut off the operator's own connection to
 * this host.
 */
#ifndef WAYMARK_SRC_CLI_COMMANDS_CONFIRM_GUARD_H
#define WAYMARK_SRC_CLI_COMMANDS_CONFIRM_GUARD_H

#include <stdint.h>

#include "waymark/config/config.h"

/* Call apply() in a new process, the guard, and return its result (0 to 255). If the result is 0,
 * the guard waits wait_s seconds for a confirmation. If no confirmation arrives, the guard calls
 * undo(). Return -errno if the guard could not be started; -EALREADY: another change waits for its
 * confirmation; -ECHILD: the guard died. The guard does not return from this function. */
typedef int confirm_guard_fn(void *data);
int confirm_guard_run(const struct config *c, uint64_t wait_s, confirm_guard_fn *apply,
		      confirm_guard_fn *undo, void *data);

/* Confirm the change that waits for a confirmation. Return 0; -ENOENT if no change waits; or
 * another -errno. */
int confirm_guard_confirm(const struct config *c);

#endif
