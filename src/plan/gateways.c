/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gateways.c - learns the uplinks' gateways from the default routes that DHCP,
 * router advertisements, ppp or the administrator put into table main, and keeps
 * them when those move.
 *
 * Pure. Must not know what is made of a gateway (routeplan.c).
 */
#include <linux/rtnetlink.h>
#include <stddef.h>

#include "waymark/plan/route_plan.h"

static const uint8_t families[] = {AF_INET, AF_INET6};

bool gateway_is_connected(const struct netstate *s, uint32_t ifindex, const struct addr *a)
{
	for (size_t i = 0; i < s->n_addrs; i++) {
		const struct addr_state *own = &s->addrs[i];
		struct prefix net = own->prefix;

		if (own->ifindex != ifindex)
			continue;
		if (!addr_is_none(&own->peer))
			net.addr = own->peer;
		else if (net.len == 8 * addr_size(net.addr.family))
			continue;
		if (prefix_contains(&net, a))
			return true;
	}
	return false;
}

bool gateway_is_link_local(const struct addr *a)
{
	return a->family == AF_INET6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

/* An interface that has a network of its own, and the gateway is in none of
 * them: it moved to another network since. With host addresses alone nothing can
 * be said. */
static bool gateway_is_stale(const struct netstate *s, uint32_t ifindex, const struct addr *gateway)
{
	bool has_network = false;

	if (addr_is_none(gateway) || gateway_is_link_local(gateway))
		return false;
	for (size_t i = 0; i < s->n_addrs; i++) {
		const struct addr_state *own = &s->addrs[i];

		if (own->ifindex == ifindex && own->prefix.addr.family == gateway->family &&
		    !own->is_link_local && own->prefix.len < 8 * addr_size(own->prefix.addr.family))
			has_network = true;
	}
	return has_network && !gateway_is_connected(s, ifindex, gateway);
}

static const struct nexthop *nexthop_by_ifindex(const struct route_state *r, uint32_t ifindex)
{
	for (size_t i = 0; i < r->n_nexthops; i++)
		if (r->nexthops[i].ifindex == ifindex)
			return &r->nexthops[i];
	return NULL;
}

/* The nexthop by this interface of the best default route of the table, ours or
 * not; NULL: none. */
static const struct nexthop *default_find(const struct netstate *s, uint8_t family, uint32_t table,
					  uint32_t ifindex, bool is_ours)
{
	const struct nexthop *best = NULL;
	uint32_t metric = 0;

	for (size_t i = 0; i < s->n_routes; i++) {
		const struct route_state *r = &s->routes[i];
		const struct nexthop *n;

		if (r->family != family || r->table != table || r->dst.len ||
		    r->type != RTN_UNICAST || (r->protocol == ROUTE_PROTOCOL_WAYMARK) != is_ours)
			continue;
		n = nexthop_by_ifindex(r, ifindex);
		if (!n || (best && r->metric >= metric))
			continue;
		best = n;
		metric = r->metric;
	}
	return best;
}

static void uplink_learn(struct addr *gateway, bool *is_known, const struct uplink_config *u,
			 const struct netstate *s, uint32_t ifindex, uint8_t family)
{
	const struct nexthop *n = default_find(s, family, RT_TABLE_MAIN, ifindex, false);

	if (n) {
		*gateway = n->gateway;
		*is_known = true;
		return;
	}
	if (*is_known && gateway_is_stale(s, ifindex, gateway))
		*is_known = false;
	if (*is_known)
		return;
	n = default_find(s, family, u->table, ifindex, true);
	if (!n || gateway_is_stale(s, ifindex, &n->gateway))
		return;
	*gateway = n->gateway;
	*is_known = true;
}

void learnt_gateways_update(struct learnt_gateways *learnt, const struct config *c,
			    const struct netstate *s)
{
	for (size_t i = 0; i < c->n_uplinks; i++) {
		const struct uplink_config *u = &c->uplinks[i];
		const struct link_state *link = netstate_link_by_name(s, u->ifname);

		for (unsigned f = 0; link && f < 2; f++)
			uplink_learn(&learnt->gateway[u->slot][f], &learnt->is_known[u->slot][f], u,
				     s, link->index, families[f]);
	}
}
