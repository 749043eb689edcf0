/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gateways.c - learns the uplinks' default routes, with all their attributes, from the routes that
 * DHCP, router advertisements, ppp, routing daemons or the administrator add to table main.
 *
 * Pure. Must not know how the default routes are used (route_plan_uplink.c).
 */
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

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

/* Return whether the gateway is in none of the interface's networks, because the interface has
 * moved to another network. If the interface has only host addresses (/32, /128), this is unknown,
 * and the result is false. */
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

/* A search for default routes in one table that use one interface. `is_ours`: find only our own
 * routes; otherwise find only foreign ones. */
struct search {
	const struct netstate *s;
	uint32_t ifindex, table;
	uint8_t family;
	bool is_ours;
};

static const struct nexthop *search_match(const struct search *q, const struct route_state *r)
{
	if (r->family != q->family || r->table != q->table || r->dst.len || r->tos ||
	    r->type != RTN_UNICAST || (r->protocol == ROUTE_PROTOCOL_WAYMARK) != q->is_ours)
		return NULL;
	return nexthop_by_ifindex(r, q->ifindex);
}

static void default_fill(struct learnt_default *d, const struct route_state *r,
			 const struct nexthop *n)
{
	*d = (struct learnt_default){
		.gateway = n->gateway,
		.from = r->from,
		.prefsrc = r->prefsrc,
		.metric = r->metric,
		.is_onlink = n->is_onlink,
	};
	if (!r->extra_size || r->extra_size > sizeof(d->extra))
		return;
	d->extra_size = r->extra_size;
	memcpy(d->extra, r->extra, r->extra_size);
}

static bool is_from(const struct learnt_default *d, const struct prefix *from)
{
	return d->from.len == from->len && (!from->len || prefix_is_equal(&d->from, from));
}

/* Return where to store a route: in place of a stored route with the same source prefix and a
 * higher metric, or in a new element. Return NULL if the route is not to be stored. */
static struct learnt_default *default_place(struct learnt_default *list, uint8_t *n,
					    const struct route_state *r)
{
	for (uint8_t i = 0; i < *n; i++)
		if (is_from(&list[i], &r->from))
			return r->metric < list[i].metric ? &list[i] : NULL;
	if (*n == LEARNT_MAX)
		return NULL;
	return &list[(*n)++];
}

/* Move the default route for any source to the front of the list. */
static void defaults_order(struct learnt_default *list, uint8_t n)
{
	for (uint8_t i = 1; i < n; i++) {
		struct learnt_default first = list[i];

		if (first.from.len)
			continue;
		list[i] = list[0];
		list[0] = first;
	}
}

static uint8_t defaults_collect(struct learnt_default *list, const struct search *q)
{
	uint8_t n = 0;

	for (size_t i = 0; i < q->s->n_routes; i++) {
		const struct route_state *r = &q->s->routes[i];
		const struct nexthop *hop = search_match(q, r);
		struct learnt_default *place = hop ? default_place(list, &n, r) : NULL;

		if (place)
			default_fill(place, r, hop);
	}
	defaults_order(list, n);
	return n;
}

static uint8_t defaults_without_stale(struct learnt_default *list, uint8_t n,
				      const struct netstate *s, uint32_t ifindex)
{
	uint8_t kept = 0;

	for (uint8_t i = 0; i < n; i++)
		if (!gateway_is_stale(s, ifindex, &list[i].gateway))
			list[kept++] = list[i];
	return kept;
}

/* Complete a default route that was read from the saved state, which contains only the gateway.
 * Copy the other attributes from our own route that uses the same gateway. */
static void default_complete(struct learnt_default *d, const struct learnt_default *own, uint8_t n)
{
	for (uint8_t i = 0; i < n; i++) {
		if (own[i].from.len || !addr_is_equal(&own[i].gateway, &d->gateway))
			continue;
		memcpy(d->extra, own[i].extra, own[i].extra_size);
		d->extra_size = own[i].extra_size;
		d->is_recalled = false;
		return;
	}
}

/* Keep the default routes that were learnt before: with balance = "main", our own route might have
 * displaced them in table main. Drop those with a stale gateway. If none is left, use our own
 * routes in the uplink's table instead. Return the number of routes in `list`. */
static uint8_t defaults_keep(struct learnt_default *list, uint8_t n, struct search *q,
			     uint32_t table)
{
	struct learnt_default own[LEARNT_MAX];
	uint8_t n_own;

	q->table = table;
	q->is_ours = true;
	n_own = defaults_without_stale(own, defaults_collect(own, q), q->s, q->ifindex);
	n = defaults_without_stale(list, n, q->s, q->ifindex);
	for (uint8_t i = 0; i < n; i++)
		if (list[i].is_recalled)
			default_complete(&list[i], own, n_own);
	if (n)
		return n;
	memcpy(list, own, n_own * sizeof(*own));
	return n_own;
}

void learnt_gateways_update(struct learnt_gateways *learnt, const struct config *c,
			    const struct netstate *s)
{
	struct learnt_default found[LEARNT_MAX];

	for (size_t i = 0; i < c->n_uplinks; i++) {
		const struct uplink_config *u = &c->uplinks[i];
		const struct link_state *link = netstate_link_by_name(s, u->ifname);

		for (unsigned f = 0; f < 2; f++) {
			struct learnt_default *list = learnt->defaults[u->slot][f];
			uint8_t *n = &learnt->n[u->slot][f], n_found;
			struct search q = {s, link ? link->index : 0, RT_TABLE_MAIN, families[f],
					   false};

			if (!link && c->balance == BALANCE_MAIN)
				continue;
			n_found = link ? defaults_collect(found, &q) : 0;
			if (n_found || c->balance != BALANCE_MAIN) {
				memcpy(list, found, n_found * sizeof(*found));
				*n = n_found;
			} else {
				*n = defaults_keep(list, *n, &q, u->table);
			}
		}
	}
}

const struct learnt_default *learnt_default_find(const struct learnt_gateways *learnt, uint8_t slot,
						 unsigned f)
{
	return learnt->n[slot][f] ? &learnt->defaults[slot][f][0] : NULL;
}
