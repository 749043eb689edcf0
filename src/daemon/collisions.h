/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collisions.h - reports what on this host conflicts with Waymark: at the start, and ip
 * rules and routes when they appear later.
 */
#ifndef WAYMARK_SRC_DAEMON_COLLISIONS_H
#define WAYMARK_SRC_DAEMON_COLLISIONS_H

#include <stdint.h>

#include "waymark/config/config.h"
#include "waymark/kernel/rtnl.h"

struct collisions;
struct daemon;

/* Log which process has the log group. Call as root, which alone may see the owners of the sockets
 * that the kernel lists. */
void collisions_log_group(const struct config *c);

/* Log the findings; never refuses to start for them. 0 or -ENOMEM. */
int collisions_open(struct daemon *d);
void collisions_close(struct daemon *d);
/* Take a notice of a rule or route of another process. */
void collisions_notice(struct daemon *d, const struct rtnl_notice *n);
void collisions_tick(struct daemon *d, int64_t now_ms);

#endif
