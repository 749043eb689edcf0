/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drain.h - whether routing leads new flows to an uplink that was drained or taken down by
 * decision, although they should use another one. Pure.
 */
#ifndef WAYMARK_PLAN_DRAIN_H
#define WAYMARK_PLAN_DRAIN_H

#include "waymark/base/record.h"
#include "waymark/config/config.h"
#include "waymark/plan/netstate.h"

/* Return whether the first packet of a flow from src to dst, both as routing sees them, is led to
 * uplink u by a default route, although the balanced default route has another uplink. object is
 * set to the ip rule of another process that leads there or, if none does, to the route; to "" if
 * the result is false. It is false for packets of this host, which may be bound to the uplink, and
 * for destinations that have a more specific route, such as the uplink's own network. */
bool drain_is_ignored(const struct netstate *s, const struct config *c,
		      const struct uplink_config *u, const struct addr *src, const struct addr *dst,
		      char object[OBJECT_MAX]);

#endif
