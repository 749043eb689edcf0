/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confirm_guard.h - a process that waits for `waymark confirm` and undoes an apply that
 * was not confirmed in time. It outlives the session that started it: an operator who has
 * cut their own connection gets it back.
 */
#ifndef WAYMARK_SRC_CLI_COMMANDS_CONFIRM_GUARD_H
#define WAYMARK_SRC_CLI_COMMANDS_CONFIRM_GUARD_H

#include <stdint.h>

#include "waymark/config/config.h"

/* Run apply in a new session and return its result (0 to 255). If that is 0, the new session waits
 * wait_s seconds for a confirmation and calls undo without one. Returns only in the caller. -errno
 * if the session could not be started; -EALREADY: another apply waits. */
typedef int confirm_guard_fn(void *data);
int confirm_guard_run(const struct config *c, uint64_t wait_s, confirm_guard_fn *apply,
		      confirm_guard_fn *undo, void *data);

/* Confirm the waiting apply. Return 0, or -ENOENT if none waits. */
int confirm_guard_confirm(const struct config *c);

#endif
