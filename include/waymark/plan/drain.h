/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drain.h - checks whether routing leads new flows to an uplink that was drained or taken down by
 * decision, although they should use another uplink. Pure.
 */
#ifndef WAYMARK_PLAN_DRAIN_H
#define WAYMARK_PLAN_DRAIN_H

#include "waymark/base/record.h"
#include "waymark/config/config.h"
#include "waymark/plan/netstate.h"

/* Return whether a default route leads the first packet of a flow to uplink u, although the
 * balanced default route uses another uplink. The packet's addresses as routing sees them are src
 * and dst. If the result is true, 'object' names the ip rule of another process that leads to u. If
 * no such rule exists, 'object' names the route. If the result is false, 'object' is "". The result
 * is false for packets of this host, which may be bound to the uplink, and for destinations that
 * have a more specific route, such as the uplink's own network. */
bool drain_is_ignored(const struct netstate *s, const struct config *c,
		      const struct uplink_config *u, const struct addr *src, const struct addr *dst,
		      char object[OBJECT_MAX]);

#endif
