/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collisions.h - reports what on this host conflicts with Waymark. At the start it checks
 * everything. Later, when another process changes ip rules or routes, it checks only these.
 */
#ifndef WAYMARK_SRC_DAEMON_COLLISIONS_H
#define WAYMARK_SRC_DAEMON_COLLISIONS_H

#include <stdint.h>

#include "waymark/config/config.h"
#include "waymark/kernel/rtnl.h"

struct collisions;
struct daemon;

/* Log which other process uses the NFLOG group. Call it as root, because only root can see the
 * owners of netlink sockets. */
void collisions_log_group(const struct config *c);

/* Check the host and log the findings. Return 0 or -ENOMEM; the findings do not change the
 * result. */
int collisions_open(struct daemon *d);
void collisions_close(struct daemon *d);
/* Handle a notice that another process changed a rule or route. If the change can affect pinned
 * flows, collisions_tick() checks soon. */
void collisions_notice(struct daemon *d, const struct rtnl_notice *n);
void collisions_tick(struct daemon *d, int64_t now_ms);

#endif
