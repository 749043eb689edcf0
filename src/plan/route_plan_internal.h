/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan_internal.h - the parts of the plan that hold while links change, before
 * anybody has made a new one. For the core's own use.
 */
#ifndef WAYMARK_SRC_PLAN_ROUTE_PLAN_INTERNAL_H
#define WAYMARK_SRC_PLAN_ROUTE_PLAN_INTERNAL_H

#include "waymark/config/config.h"
#include "waymark/plan/netstate.h"
#include "waymark/plan/route_plan.h"

/* Adds to wanted, for the table of each uplink that is not released, a last default
 * route that refuses. 0 or -ENOMEM. */
int refusals_plan(struct netstate *wanted, const struct config *c, const struct netstate *s,
		  const struct learnt_gateways *learnt, uint8_t family);

/* Adds to wanted a spare for each nexthop of main's balanced default route. 0 or
 * -ENOMEM. */
int spares_plan(struct netstate *wanted, const struct route_state *balanced);

#endif
