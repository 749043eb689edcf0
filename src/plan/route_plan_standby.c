/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan_standby.c - plans standby routes with the highest metrics. These routes carry no
 * packets in normal operation. They are used when the kernel deletes other routes together with an
 * interface.
 *
 * Pure. Must not know how the other routes are chosen.
 *
 * If an uplink's table has no default route, the next rules match the uplink's packets and lead
 * them to another uplink. That is wrong while the uplink's link flaps or its interface is created
 * again. Therefore each table has an unreachable route with the highest metric. Once the uplink has
 * been down for a long time, its flows should use other uplinks: the uplink is released
 * (steering_release.c), and its unreachable route is removed.
 *
 * When an interface is deleted, the kernel deletes every IPv4 multipath route that uses it. Until
 * another route is added, no default route exists for packets without a mark. Packets of this host
 * are routed once before they get their mark, so this host could send by no uplink. Therefore each
 * next hop also has a spare route, which is deleted only with its own interface. IPv6 needs no
 * spare routes: the kernel deletes only the next hop from the multipath route.
 */
#include <errno.h>
#include <linux/rtnetlink.h>

#include "plan/route_plan_internal.h"

/* The highest metrics, so that any other route is preferred. */
#define METRIC_REFUSAL UINT32_MAX
#define METRIC_SPARE   (UINT32_MAX - UPLINKS_MAX)

/* Return the loopback interface. An unreachable route names this interface in IPv6, but not in
 * IPv4. */
static const struct link_state *loopback_find(const struct netstate *s)
{
	for (size_t i = 0; i < s->n_links; i++)
		if (s->links[i].is_loopback)
			return &s->links[i];
	return NULL;
}

/* Return whether the host has an address of the family. If it has none, no unreachable route is
 * needed, and the kernel might refuse it. */
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
