/* SPDX-License-Identifier: GPL-2.0-or-later */
/* steering_lock.h - a lock, so that only one process at a time changes the steering. */
#ifndef WAYMARK_SRC_STEERING_STEERING_LOCK_H
#define WAYMARK_SRC_STEERING_STEERING_LOCK_H

#include "waymark/config/config.h"

/* Take the lock, waiting at most patience_ms. Return its descriptor (close it to release the lock),
 * or -errno; -EBUSY: another process holds it. */
int steering_lock_take(const struct config *c, unsigned patience_ms);
/* Write which process holds the lock to buf, and return buf: "waymark (pid 123)", or "another
 * process". */
const char *steering_lock_holder(const struct config *c, char *buf, size_t size);

#endif
