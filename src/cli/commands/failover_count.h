/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * failover_count.h - bytes of a failover's flows that live, from the kernel's table:
 * the history learns them with a flow's end.
 */
#ifndef WAYMARK_SRC_CLI_COMMANDS_FAILOVER_COUNT_H
#define WAYMARK_SRC_CLI_COMMANDS_FAILOVER_COUNT_H

#include "waymark/store/failover.h"

/* Count the live flows that the table has, and add them to their sums; the others stay unknown.
 * 0 or -errno; -EPERM without CAP_NET_ADMIN. */
int failover_count(struct failover *f, const char *socket);

/* The live flow of an id, or NULL. */
const struct failover_live *failover_live_find(const struct failover *f, int64_t id);

#endif
