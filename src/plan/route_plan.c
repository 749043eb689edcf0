/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan.c - plans the routes and ip rules to install.
 *
 * Pure. Input: the configuration, a snapshot, the decisions about uplinks. Must not know which of
 * our routes are installed (route_diff.c compares) nor how routes get into the kernel.
 *
 * An uplink's table has the uplink's networks and default routes (route_plan_uplink.c) and, as the
 * last resort, an unreachable route (route_plan_standby.c). Rules lead marked and bound packets to
 * the tables (route_plan_rules.c). Earlier rules look up local destinations (route_plan_local.c).
 * One balanced default route spans all uplinks (route_plan_balance.c).
 */
#include "waymark/base/sort.h"
#include "waymark/plan/route_plan.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "plan/route_plan_internal.h"

static const uint8_t families[] = {AF_INET, AF_INET6};

const char *uplink_trouble_text(enum uplink_trouble t)
{
	switch (t) {
	case UPLINK_FINE:
		return "fine";
	case UPLINK_NO_LINK:
		return "no interface with this name";
	case UPLINK_LINK_DOWN:
		return "link down";
	case UPLINK_NO_ADDRESS:
		return "no address";
	case UPLINK_NO_GATEWAY:
		return "no gateway";
	}
	return "?";
}

/* Return a route's rank. Routes are added in the order of their ranks. The kernel accepts a gateway
 * only if an existing route reaches it, so routes without a gateway come first. Default routes
 * follow all other routes of their table, and table main follows the uplinks' tables. */
static int route_rank(const struct route_state *r)
{
	bool has_gateway = false;

	for (size_t i = 0; i < r->n_nexthops; i++)
		has_gateway |= !addr_is_none(&r->nexthops[i].gateway);
	return (r->table == RT_TABLE_MAIN ? 4 : 0) + (r->dst.len ? 0 : 2) + has_gateway;
}

static int route_compare_rank(const struct route_state *x, const struct route_state *y)
{
	int by_rank = route_rank(x) - route_rank(y);

	if (by_rank)
		return by_rank;
	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	if (x->family != y->family)
		return x->family - y->family;
	if (x->dst.len != y->dst.len)
		return y->dst.len - x->dst.len;
	return addr_compare(&x->dst.addr, &y->dst.addr);
}

static int place_compare(const void *a, const void *b)
{
	const struct route_state *const *x = a, *const *y = b;
	int by_rank = route_compare_rank(*x, *y);

	return by_rank ? by_rank : (*x > *y) - (*x < *y);
}

/* Sort the routes by rank. Routes that compare equal stay in the order in which they were planned,
 * which qsort() does not guarantee. */
static int routes_sort(struct netstate *wanted)
{
	size_t n = wanted->n_routes;
	struct route_state **places = calloc(n + 1, sizeof(*places));
	struct route_state *sorted = calloc(n + 1, sizeof(*sorted));
	int r = places && sorted ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		places[i] = &wanted->routes[i];
	if (r == 0)
		list_sort(places, n, sizeof(*places), place_compare);
	for (size_t i = 0; r == 0 && i < n; i++)
		sorted[i] = *places[i];
	if (r == 0 && n)
		memcpy(wanted->routes, sorted, n * sizeof(*sorted));
	free(places);
	free(sorted);
	return r;
}

static int plan_steering(struct planner *pl)
{
	plan_local_choose(pl);
	for (unsigned f = 0; f < 2; f++) {
		if (plan_refusals(pl, families[f]) < 0 || plan_rules(pl, families[f]) < 0)
			return -ENOMEM;
		if (pl->c->balance != BALANCE_OFF && plan_balance(pl, f) < 0)
			return -ENOMEM;
	}
	return plan_local_copies(pl);
}

static int plan_fill(struct planner *pl)
{
	struct netstate *wanted = pl->p->wanted;

	for (size_t i = 0; i < pl->s->n_links; i++)
		if (!netstate_add_link(wanted, &pl->s->links[i]))
			return -ENOMEM;
	for (; pl->p->n_uplinks < pl->c->n_uplinks && pl->p->n_uplinks < UPLINKS_MAX;
	     pl->p->n_uplinks++)
		if (plan_uplink(pl, pl->p->n_uplinks) < 0)
			return -ENOMEM;
	if (pl->c->mode == MODE_STEER && plan_steering(pl) < 0)
		return -ENOMEM;
	return routes_sort(wanted);
}

struct route_plan *route_plan_new(const struct config *c, const struct netstate *s,
				  const struct learnt_gateways *learnt,
				  const struct uplink_decisions *decisions)
{
	struct planner pl = {
		.c = c,
		.s = s,
		.learnt = learnt,
		.decisions = decisions,
		.p = calloc(1, sizeof(struct route_plan)),
	};

	if (!pl.p)
		return NULL;
	pl.p->wanted = netstate_new();
	if (pl.p->wanted && plan_fill(&pl) == 0)
		return pl.p;
	route_plan_free(pl.p);
	errno = ENOMEM;
	return NULL;
}

void route_plan_free(struct route_plan *p)
{
	if (!p)
		return;
	netstate_free(p->wanted);
	free(p);
}
