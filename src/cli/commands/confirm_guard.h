/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confirm_guard.h - a process that waits for `waymark confirm`, and undoes the apply if no
 * confirmation arrives before the deadline. The process survives the session that started it, so
 * that operators who cut off their own connection to this host regain it.
 */
#ifndef WAYMARK_SRC_CLI_COMMANDS_CONFIRM_GUARD_H
#define WAYMARK_SRC_CLI_COMMANDS_CONFIRM_GUARD_H

#include <stdint.h>

#include "waymark/config/config.h"

/* Run apply in a new session and return its result (0 to 255). If the result is 0, a guard process
 * in that session waits wait_s seconds for a confirmation and calls undo if none arrives. Return
 * -errno if the session could not be started; -EALREADY: another apply waits for its confirmation.
 * The guard process does not return from this function. */
typedef int confirm_guard_fn(void *data);
int confirm_guard_run(const struct config *c, uint64_t wait_s, confirm_guard_fn *apply,
		      confirm_guard_fn *undo, void *data);

/* Confirm the apply that waits for confirmation. Return 0; -ENOENT if no apply waits; or another
 * -errno. */
int confirm_guard_confirm(const struct config *c);

#endif
