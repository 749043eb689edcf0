/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * failover_count.h - adds the byte counts of live flows to a failover, and finds which of these
 * flows are idle: not established, or without a packet since the uplink went down. The history gets
 * the counters of a flow only when the flow ends.
 */
#ifndef WAYMARK_SRC_CLI_COMMANDS_FAILOVER_COUNT_H
#define WAYMARK_SRC_CLI_COMMANDS_FAILOVER_COUNT_H

#include "waymark/store/failover.h"

/* Add the byte counts of the live flows to the sums of f, and move idle flows from class stranded
 * to class idle. The counts come from the daemon at `socket`. If socket is NULL or the daemon does
 * not answer, they come from a dump of the kernel's conntrack table. If a flow is not found, its
 * bytes stay unknown. Return 0 or -errno; -EPERM: CAP_NET_ADMIN, which the dump needs, is
 * missing. */
int failover_count(struct failover *f, const char *socket);

/* Return the live flow with this id, or NULL. */
const struct failover_live *failover_live_find(const struct failover *f, int64_t id);

#endif
