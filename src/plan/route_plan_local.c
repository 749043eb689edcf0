/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan_local.c - plans how local destinations are looked up. This look-up precedes the rules
 * for marks.
 *
 * Destinations are local if a route of table main leads to them, uses no uplink, and is more
 * specific than the halves of a default route. Destinations that such a route refuses are local,
 * too. The networks of uplinks are not local, nor is 0.0.0.0/1 by a tunnel: packets to them are
 * routed by their mark.
 *
 * The key local-routes selects one of three ways. "suppress": one rule looks up table main, but
 * ignores default routes, their halves, and routes by the interfaces of one group, which contains
 * the uplinks' interfaces. This rule needs no update when a route of table main changes. "copy":
 * one rule looks up a table with copies of the local routes. "exclude": one rule per local
 * destination skips the rules for marks. "copy" is also used in two more cases: if "suppress" is
 * impossible because another program uses interface groups, and if "exclude" would need more than
 * EXCLUDE_MAX rules.
 *
 * Pure. Must not know the rules' priorities (route_plan_rules.c).
 */
#include <errno.h>
#include <linux/rtnetlink.h>

#include "plan/route_plan_internal.h"
#include "waymark/plan/fib.h"

/* Maximum number of rules for local destinations. The kernel tests each packet against all of them,
 * so "copy" is used if there are more destinations. */
#define EXCLUDE_MAX 64

static bool link_is_uplink(const struct config *c, const struct link_state *l)
{
	return config_uplink_by_ifname(c, l->name) != NULL;
}

bool route_leads_to_uplink(const struct planner *pl, const struct route_state *r)
{
	for (size_t i = 0; i < r->n_nexthops; i++) {
		const struct link_state *link =
			netstate_link_by_index(pl->s, r->nexthops[i].ifindex);

		if (link && link_is_uplink(pl->c, link))
			return true;
	}
	return false;
}

/* Return whether a destination is link-local or multicast. Such destinations exist on every link,
 * so a route by a LAN does not make them local destinations. */
static bool prefix_is_scoped(const struct prefix *p)
{
	if (p->addr.family == AF_INET6)
		return p->addr.bytes[0] == 0xff || gateway_is_link_local(&p->addr);
	return (p->addr.bytes[0] & 0xf0) == 0xe0 ||
	       (p->addr.bytes[0] == 169 && p->addr.bytes[1] == 254);
}

bool route_is_local(const struct planner *pl, const struct route_state *r)
{
	if (r->table != RT_TABLE_MAIN || r->dst.len <= fib_general_len(r->family) ||
	    prefix_is_scoped(&r->dst) || r->protocol == ROUTE_PROTOCOL_WAYMARK)
		return false;
	/* A destination that table main refuses stays refused. */
	if (r->type != RTN_UNICAST)
		return r->type == RTN_BLACKHOLE || r->type == RTN_UNREACHABLE ||
		       r->type == RTN_PROHIBIT;
	return !route_leads_to_uplink(pl, r);
}

static size_t local_count(const struct planner *pl)
{
	size_t n = 0;

	for (size_t i = 0; i < pl->s->n_routes; i++)
		n += route_is_local(pl, &pl->s->routes[i]);
	return n;
}

/* Return the group that the interfaces of all uplinks have. 0: the default group or our group;
 * UINT32_MAX: the interfaces have different groups. */
static uint32_t uplinks_group(const struct planner *pl)
{
	uint32_t group = 0;
	size_t n = 0;

	for (size_t i = 0; i < pl->s->n_links; i++) {
		const struct link_state *l = &pl->s->links[i];
		uint32_t own = l->group == LINK_GROUP_WAYMARK ? 0 : l->group;

		if (!link_is_uplink(pl->c, l))
			continue;
		if (n++ && own != group)
			return UINT32_MAX;
		group = own;
	}
	return group;
}

static uint32_t group_choose(const struct planner *pl)
{
	uint32_t group = uplinks_group(pl);

	if (group == 0)
		return LINK_GROUP_WAYMARK;
	for (size_t i = 0; i < pl->s->n_links; i++)
		if (pl->s->links[i].group == group && !link_is_uplink(pl->c, &pl->s->links[i]))
			return 0;
	return group == UINT32_MAX ? 0 : group;
}

void plan_local_choose(struct planner *pl)
{
	pl->local_routes = pl->c->local_routes;
	if (pl->local_routes == LOCAL_SUPPRESS) {
		pl->p->link_group = group_choose(pl);
		if (!pl->p->link_group)
			pl->local_routes = LOCAL_COPY;
	} else if (pl->local_routes == LOCAL_EXCLUDE && local_count(pl) > EXCLUDE_MAX) {
		pl->local_routes = LOCAL_COPY;
	}
}

static bool table_is_taken(const struct config *c, uint32_t table)
{
	for (size_t i = 0; i < c->n_uplinks; i++)
		if (c->uplinks[i].table == table)
			return true;
	return table == c->balance_table;
}

uint32_t local_table(const struct config *c)
{
	uint32_t table = c->balance_table + 1000;

	while (table_is_taken(c, table))
		table++;
	return table;
}

int plan_local_copies(struct planner *pl)
{
	const struct route_state *last = NULL;

	if (pl->local_routes != LOCAL_COPY)
		return 0;
	for (size_t i = 0; i < pl->s->n_routes; i++) {
		struct route_state copy = pl->s->routes[i]; /* its pointers are borrowed */

		if (!route_is_local(pl, &copy))
			continue;
		/* "ip route append" can put several IPv4 routes in one place. Copy only the first,
		 * which the kernel uses. */
		if (last && route_is_same_place(last, &copy))
			continue;
		last = &pl->s->routes[i];
		copy.table = local_table(pl->c);
		copy.protocol = ROUTE_PROTOCOL_WAYMARK;
		if (copy.n_nexthops)
			copy.nexthop_id = 0;
		/* planner_add_route() would compare all copies with each other, and there can be
		 * thousands. The comparison with `last` is enough, because the kernel lists routes
		 * of one place together. */
		if (!netstate_add_route(pl->p->wanted, &copy))
			return -ENOMEM;
	}
	return 0;
}
