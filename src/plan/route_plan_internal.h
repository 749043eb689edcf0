/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan_internal.h - shared by the planner's files: struct planner, and the functions that
 * each add one part to plan->wanted.
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
	const struct uplink_decisions *decisions; /* NULL: nothing was decided */
	struct route_plan *p;
	size_t first; /* index of the first planned route of the current table */
	enum config_local_routes local_routes; /* method for local destinations; see
					        * route_plan_local.c */
};

/* What is known about one family of one uplink while its routes are planned. */
struct uplink_work {
	const struct uplink_config *u;
	const struct link_state *link; /* NULL: the interface is missing */
	uint8_t family;
	const struct learnt_default *defaults; /* default routes in use, or NULL */
	size_t n_defaults;
	/* default route by a configured gateway; if it is in use, `defaults` points to it */
	struct learnt_default configured;
};

/* --- planner.c --------------------------------------------------------------------------- */

/* Add a route to the plan, unless the current table already has a route with the same place (see
 * route_is_same_place()). Add a rule, unless the plan already has it. Return 0 or -ENOMEM. */
int planner_add_route(struct planner *pl, const struct route_state *r);
int planner_add_rule(struct planner *pl, const struct rule_state *r);

/* --- route_plan_uplink.c --------------------------------------------------------------- */

/* Fill plan->uplinks[i] and plan the routes of this uplink's table. Return 0 or -ENOMEM. */
int plan_uplink(struct planner *pl, size_t i);
/* Return whether an interface of this host has the address. */
bool address_is_own(const struct netstate *s, const struct addr *a);
/* Set *work to the state of uplink i in one family, including its default routes in use. Return the
 * number of these routes; 0: the uplink cannot be used. */
size_t uplink_defaults(const struct planner *pl, size_t i, unsigned f, struct uplink_work *work);
/* Return the default route d as a route for the uplink's table. The result points to its next hop
 * in *only and to the attributes in *d. */
struct route_state default_route(const struct planner *pl, const struct uplink_work *w,
				 const struct learnt_default *d, struct nexthop *only);

/* --- route_plan_local.c ----------------------------------------------------------------- */

/* Choose how this host looks up local destinations before the rules for marks, and the interface
 * group that the uplinks' interfaces need for this. */
void plan_local_choose(struct planner *pl);
/* Return whether a route of table main leads to a local destination: it is more specific than the
 * halves of a default route, and uses no uplink. */
bool route_is_local(const struct planner *pl, const struct route_state *r);
/* Return whether a next hop of the route is on an uplink's interface. */
bool route_leads_to_uplink(const struct planner *pl, const struct route_state *r);
/* Return the number of the table of copied local routes. No uplink uses this table. */
uint32_t local_table(const struct config *c);
/* Plan the table of copied local routes, if it is needed. Return 0 or -ENOMEM. */
int plan_local_copies(struct planner *pl);

/* --- route_plan_foreign.c --------------------------------------------------------------- */

/* Copy other programs' rules that lead to private networks, for packets that this host sends from
 * `source`. Only rules after last_priority are copied. The copies get `priority`. Return 0 or
 * -ENOMEM. */
int plan_foreign(struct planner *pl, const struct addr *source, uint32_t priority,
		 uint32_t last_priority);

/* --- route_plan_rules.c ------------------------------------------------------------------ */

/* Plan the ip rules of one family that lead to the uplinks' tables. Return 0 or -ENOMEM. */
int plan_rules(struct planner *pl, uint8_t family);
/* Return a rule of ours that looks up a table. */
struct rule_state rule_lookup(uint8_t family, uint32_t priority, uint32_t table);

/* --- route_plan_balance.c ---------------------------------------------------------------- */

/* Plan the balanced route and the rules that lead to it. Return 0 or -ENOMEM. */
int plan_balance(struct planner *pl, unsigned f);

/* --- route_plan_standby.c ----------------------------------------------------------------- */

/* Add an unreachable default route with the highest metric to the table of each uplink, except
 * uplinks that have been down for so long that their flows can use other uplinks (is_released).
 * Return 0 or -ENOMEM. */
int plan_refusals(struct planner *pl, uint8_t family);
/* Add an unreachable default route with the highest metric to one table. Return 0 or -ENOMEM. */
int plan_refusal(struct planner *pl, uint8_t family, uint32_t table);
/* For each next hop of the balanced IPv4 route, add a spare route: one with only this next hop and
 * a high metric. Return 0 or -ENOMEM. */
int plan_spares(struct planner *pl, const struct route_state *balanced);

#endif
