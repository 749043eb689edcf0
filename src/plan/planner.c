/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * planner.c - adds routes and rules to the plan, each of them only once.
 */
#include <errno.h>

#include "plan/route_plan_internal.h"

/* If the plan already has a route with this place (route_is_same_place()), add nothing. Tables are
 * planned one after another, so only the routes of the current table are compared. */
int planner_add_route(struct planner *pl, const struct route_state *r)
{
	const struct netstate *wanted = pl->p->wanted;

	for (size_t i = pl->first; i < wanted->n_routes; i++)
		if (route_is_same_place(&wanted->routes[i], r))
			return 0;
	return netstate_add_route(pl->p->wanted, r) ? 0 : -ENOMEM;
}

int planner_add_rule(struct planner *pl, const struct rule_state *r)
{
	for (size_t i = 0; i < pl->p->wanted->n_rules; i++)
		if (rule_is_equal(&pl->p->wanted->rules[i], r))
			return 0;
	return netstate_add_rule(pl->p->wanted, r) ? 0 : -ENOMEM;
}
