/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan_standby.c - the routes that stand behind the others: they carry nothing while all
 * is well, and hold in the moment in which the kernel takes routes away with an interface.
 *
 * Pure. Must not know how the routes before them are chosen.
 *
 * Without a default route in an uplink's table, its packets go on to the next rules and leave
 * by another uplink: right for an uplink that is down for good, wrong while it only flickers or
 * is being made again. So the last route of each table refuses, until the uplink is released.
 *
 * When an interface is deleted, the kernel deletes the whole IPv4 multipath route that names
 * it, so that nothing leads out until another route is added, and the router's own packets,
 * which are first routed without a mark, are lost whatever their uplink. A spare for each
 * uplink goes with its own interface only. Of an IPv6 route only that nexthop goes.
 */
#include <errno.h>
#include <linux/rtnetlink.h>

#include "plan/route_plan_internal.h"

/* The last metrics there are, so that any other route comes first. */
#define METRIC_REFUSAL UINT32_MAX
#define METRIC_SPARE   (UINT32_MAX - UPLINKS_MAX)

/* In IPv6 a route that refuses names the loopback interface, in IPv4 none. */
static const struct link_state *loopback_find(const struct netstate *s)
{
	for (size_t i = 0; i < s->n_links; i++)
		if (s->links[i].is_loopback)
			return &s->links[i];
	return NULL;
}

/* Without an address there is nothing to route, and the kernel may refuse. */
static bool family_is_alive(const struct netstate *s, uint8_t family)
{
	for (size_t i = 0; i < s->n_addrs; i++)
		if (s->addrs[i].prefix.addr.family == family)
			return true;
	return false;
}

int plan_refusal(struct planner *pl, uint8_t family, uint32_t table)
{
	const struct link_state *loopback = loopback_find(pl->s);
	struct nexthop hop = {.ifindex = loopback ? loopback->index : 0, .weight = 1};
	struct route_state r = {
		.family = family,
		.table = table,
		.type = RTN_UNREACHABLE,
		.protocol = ROUTE_PROTOCOL_WAYMARK,
		.scope = RT_SCOPE_UNIVERSE,
		.metric = METRIC_REFUSAL,
		.n_nexthops = family == AF_INET6,
		.nexthops = &hop,
	};

	if (!family_is_alive(pl->s, family) || (family == AF_INET6 && !loopback))
		return 0;
	r.dst.addr.family = family;
	return netstate_add_route(pl->p->wanted, &r) ? 0 : -ENOMEM;
}

int plan_refusals(struct planner *pl, uint8_t family)
{
	for (size_t i = 0; i < pl->c->n_uplinks; i++) {
		const struct uplink_config *u = &pl->c->uplinks[i];

		if (pl->learnt->is_released[u->slot][family_index(family)])
			continue;
		if (plan_refusal(pl, family, u->table) < 0)
			return -ENOMEM;
	}
	return 0;
}

int plan_spares(struct planner *pl, const struct route_state *balanced)
{
	for (uint16_t i = 0; i < balanced->n_nexthops; i++) {
		struct nexthop hop = balanced->nexthops[i];
		struct route_state r = *balanced;

		hop.weight = 1;
		r.metric = METRIC_SPARE + i;
		r.n_nexthops = 1;
		r.nexthops = &hop;
		r.scope = addr_is_none(&hop.gateway) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
		if (!netstate_add_route(pl->p->wanted, &r))
			return -ENOMEM;
	}
	return 0;
}
