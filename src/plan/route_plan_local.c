/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan_local.c - how local destinations come before the marks.
 *
 * Local is what an operator calls so: connected and static routes of main that lead to no
 * uplink and are more specific than a default route split in two. Other uplinks' networks are
 * not, nor is 0.0.0.0/1 into a tunnel: there the mark wins.
 *
 * suppress: one rule looks at main itself, and passes over what is less specific and what
 * leads to the interfaces of a group, in which the uplinks' interfaces are. It costs nothing
 * for a route of main, and needs no update when one changes. copy: a table of copies. exclude: a
 * rule for each destination. Where the first cannot be used, as another program uses groups,
 * or the last would be too long a list, it is done as with copy.
 *
 * Pure. Must not know where the rule stands (route_plan_rules.c).
 */
#include <errno.h>
#include <linux/rtnetlink.h>

#include "plan/route_plan_internal.h"
#include "waymark/plan/fib.h"

/* More destinations than these are not put into rules, which each packet would have to pass. */
#define EXCLUDE_MAX 64

static bool link_is_uplink(const struct config *c, const struct link_state *l)
{
	return config_uplink_by_ifname(c, l->name) != NULL;
}

static bool leads_to_uplink(const struct planner *pl, const struct route_state *r)
{
	for (size_t i = 0; i < r->n_nexthops; i++) {
		const struct link_state *link =
			netstate_link_by_index(pl->s, r->nexthops[i].ifindex);

		if (link && link_is_uplink(pl->c, link))
			return true;
	}
	return false;
}

/* Link-local and multicast destinations are looked up by their interface, and no packet with
 * an uplink's mark goes there by a LAN. */
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
	/* A destination that main refuses stays refused. */
	if (r->type != RTN_UNICAST)
		return r->type == RTN_BLACKHOLE || r->type == RTN_UNREACHABLE ||
		       r->type == RTN_PROHIBIT;
	return !leads_to_uplink(pl, r);
}

static size_t local_count(const struct planner *pl)
{
	size_t n = 0;

	for (size_t i = 0; i < pl->s->n_routes; i++)
		n += route_is_local(pl, &pl->s->routes[i]);
	return n;
}

/* The one group that all uplinks' interfaces have, where it is not the default one; 0: they
 * have none, or ours already; UINT32_MAX: they differ. */
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
	if (pl->local_routes != LOCAL_COPY)
		return 0;
	for (size_t i = 0; i < pl->s->n_routes; i++) {
		struct route_state copy = pl->s->routes[i]; /* borrows what it points to */

		if (!route_is_local(pl, &copy))
			continue;
		copy.table = local_table(pl->c);
		copy.protocol = ROUTE_PROTOCOL_WAYMARK;
		if (copy.n_nexthops)
			copy.nexthop_id = 0;
		/* Main has one route in a place, and so has the copy. */
		if (!netstate_add_route(pl->p->wanted, &copy))
			return -ENOMEM;
	}
	return 0;
}
