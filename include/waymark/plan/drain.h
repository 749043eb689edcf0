/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drain.h - checks whether new flows still leave by an uplink that was drained or taken down
 * (enum uplink_decision), because a rule or route of another process leads to it. Pure.
 */
#ifndef WAYMARK_PLAN_DRAIN_H
#define WAYMARK_PLAN_DRAIN_H

#include "waymark/base/record.h"
#include "waymark/config/config.h"
#include "waymark/plan/netstate.h"

/* Return whether a default route leads the first packet of a flow to uplink u, although the
 * balanced default route uses another uplink. src and dst are the packet's addresses when it is
 * routed. If the result is true, set `object` to the other process's ip rule that leads to u or, if
 * no such rule exists, to the route. Otherwise set `object` to "". The result is always false for
 * packets of this host, which might be bound to the uplink, and for destinations with a more
 * specific route, such as the uplink's own network. */
bool drain_is_ignored(const struct netstate *s, const struct config *c,
		      const struct uplink_config *u, const struct addr *src, const struct addr *dst,
		      char object[OBJECT_MAX]);

#endif
