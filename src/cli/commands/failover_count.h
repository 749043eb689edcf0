/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * failover_count.h - adds the byte counts of live flows to a failover. The history gets the
 * counters of a flow only when the flow ends.
 */
#ifndef WAYMARK_SRC_CLI_COMMANDS_FAILOVER_COUNT_H
#define WAYMARK_SRC_CLI_COMMANDS_FAILOVER_COUNT_H

#include "waymark/store/failover.h"

/* Read the counters of the live flows, from the daemon at socket (NULL: no daemon) or from the
 * kernel, and add them to the sums of f. Flows that are not found stay unknown. Return 0 or -errno;
 * -EPERM: CAP_NET_ADMIN is missing. */
int failover_count(struct failover *f, const char *socket);

/* Return the live flow with this id, or NULL. */
const struct failover_live *failover_live_find(const struct failover *f, int64_t id);

#endif
