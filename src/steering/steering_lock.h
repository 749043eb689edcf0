/* SPDX-License-Identifier: GPL-2.0-or-later */
/* steering_lock.h - a lock that lets only one process at a time change the steering. */
#ifndef WAYMARK_SRC_STEERING_STEERING_LOCK_H
#define WAYMARK_SRC_STEERING_STEERING_LOCK_H

#include "waymark/config/config.h"

/* Take the lock. Wait for it at most patience_ms. Return the lock's descriptor, or -errno; -EBUSY:
 * another process holds the lock. Close the descriptor to release the lock. */
int steering_lock_take(const struct config *c, unsigned patience_ms);
/* Write the holder of the lock to buf, and return buf: "waymark (pid 123)" or, if the holder is
 * unknown, "another process". */
const char *steering_lock_holder(const struct config *c, char *buf, size_t size);

#endif
