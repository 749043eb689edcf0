/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan_internal.h - what the files of the plan share: the planner, which fills
 * plan->wanted part by part, and one function for each part.
 */
#ifndef WAYMARK_SRC_PLAN_ROUTE_PLAN_INTERNAL_H
#define WAYMARK_SRC_PLAN_ROUTE_PLAN_INTERNAL_H

#include "waymark/config/config.h"
#include "waymark/plan/netstate.h"
#include "waymark/plan/route_plan.h"

struct planner {
	const struct config *c;
	const struct netstate *s;
	const struct learnt_gateways *learnt;
	const struct uplink_decisions *decisions; /* or NULL */
	struct route_plan *p;
	size_t first; /* wanted's routes from here are of the table in work */
	enum config_local_routes local_routes; /* as it can be done on this host */
};

/* One uplink's one family, while it is planned. */
struct uplink_work {
	const struct uplink_config *u;
	const struct link_state *link; /* or NULL */
	uint8_t family;
	const struct learnt_default *defaults; /* that are used; or NULL */
	size_t n_defaults;
	struct learnt_default configured; /* what defaults may point to */
};

/* --- planner.c --------------------------------------------------------------------------- */

/* Add a route to the plan unless its place is taken already in the table in work; rules
 * likewise. 0 or -ENOMEM. */
int planner_add_route(struct planner *pl, const struct route_state *r);
int planner_add_rule(struct planner *pl, const struct rule_state *r);

/* --- route_plan_uplink.c --------------------------------------------------------------- */

/* Write what uplink i has into its plan, and its table's routes. 0 or -ENOMEM. */
int plan_uplink(struct planner *pl, size_t i);
/* Whether some interface has the address. */
bool address_is_own(const struct netstate *s, const struct addr *a);
/* The default routes of uplink i that are in use, in *work. How many. */
size_t uplink_defaults(const struct planner *pl, size_t i, unsigned f, struct uplink_work *work);
/* A route of the uplink's table for this default route; borrows what it points to. */
struct route_state default_route(const struct planner *pl, const struct uplink_work *w,
				 const struct learnt_default *d, struct nexthop *only);

/* --- route_plan_local.c ----------------------------------------------------------------- */

/* Decide how local destinations come first on this host, and the group of the uplinks'
 * interfaces that it takes. */
void plan_local_choose(struct planner *pl);
/* Whether a route of main leads to a local destination: more specific than a default route
 * split in two, and by no uplink. */
bool route_is_local(const struct planner *pl, const struct route_state *r);
/* The table of copies, which no uplink has. */
uint32_t local_table(const struct config *c);
/* Add the table of copies where it is needed. 0 or -ENOMEM. */
int plan_local_copies(struct planner *pl);

/* --- route_plan_rules.c ------------------------------------------------------------------ */

int plan_rules(struct planner *pl, uint8_t family);
/* The look-up of local destinations. */
struct rule_state rule_lookup(uint8_t family, uint32_t priority, uint32_t table);

/* --- route_plan_balance.c ---------------------------------------------------------------- */

/* The balanced route and the rules that lead to it. 0 or -ENOMEM. */
int plan_balance(struct planner *pl, unsigned f);

/* --- route_plan_standby.c ----------------------------------------------------------------- */

/* Add a last default route that refuses to the table of each uplink that is not released. 0 or
 * -ENOMEM. */
int plan_refusals(struct planner *pl, uint8_t family);
/* Add a last default route that refuses to one table. 0 or -ENOMEM. */
int plan_refusal(struct planner *pl, uint8_t family, uint32_t table);
/* Add a spare for each nexthop of the balanced IPv4 route. 0 or -ENOMEM. */
int plan_spares(struct planner *pl, const struct route_state *balanced);

#endif
