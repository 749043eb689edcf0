/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan_standby.c - the routes that stand behind the others: they carry
 * nothing while all is well, and hold in the moment in which the kernel takes
 * routes away with an interface.
 *
 * Pure. Must not know how the routes before them are chosen (routeplan.c).
 *
 * An uplink's table without a default route lets its packets fall through to main,
 * which sends them out of another line: right for a line that is down for good,
 * whose flows go on by another where that is possible, and wrong while a line only
 * flickers or is being made again. So the last route of each table refuses, until
 * the uplink is released: then flows that are held stray, and are told of.
 *
 * When an interface is deleted, the kernel deletes the whole IPv4 multipath route
 * that names it, so that main is without a default route until somebody makes
 * another one, and the router's own packets, which are first routed without a
 * mark, are lost whatever their line. A spare for each line goes with its own
 * interface only. Of an IPv6 route only that nexthop goes.
 */
#include <errno.h>
#include <linux/rtnetlink.h>

#include "plan/route_plan_internal.h"

/* The last metrics there are, so that anybody's route comes first. */
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

int refusals_plan(struct netstate *wanted, const struct config *c, const struct netstate *s,
		  const struct learnt_gateways *learnt, uint8_t family)
{
	const struct link_state *loopback = loopback_find(s);
	struct nexthop hop = {.ifindex = loopback ? loopback->index : 0, .weight = 1};
	struct route_state r = {
		.family = family,
		.type = RTN_UNREACHABLE,
		.protocol = ROUTE_PROTOCOL_WAYMARK,
		.scope = RT_SCOPE_UNIVERSE,
		.metric = METRIC_REFUSAL,
		.n_nexthops = family == AF_INET6,
		.nexthops = &hop,
	};

	if (!family_is_alive(s, family) || (family == AF_INET6 && !loopback))
		return 0;
	r.dst.addr.family = family;
	for (size_t i = 0; i < c->n_uplinks; i++) {
		r.table = c->uplinks[i].table;
		if (learnt->is_released[c->uplinks[i].slot][family_index(family)])
			continue;
		if (!netstate_add_route(wanted, &r))
			return -ENOMEM;
	}
	return 0;
}

int spares_plan(struct netstate *wanted, const struct route_state *balanced)
{
	for (uint16_t i = 0; i < balanced->n_nexthops; i++) {
		struct nexthop hop = balanced->nexthops[i];
		struct route_state r = *balanced;

		hop.weight = 1;
		r.metric = METRIC_SPARE + i;
		r.n_nexthops = 1;
		r.nexthops = &hop;
		r.scope = addr_is_none(&hop.gateway) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
		if (!netstate_add_route(wanted, &r))
			return -ENOMEM;
	}
	return 0;
}
