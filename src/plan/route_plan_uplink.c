/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan_uplink.c - finds the link, addresses and default routes of one uplink, and plans the
 * routes of its table: the networks of its interface, the routes of table main that use this
 * interface, and its default routes with all their attributes.
 *
 * Pure. Must not know which packets are led to the table (route_plan_rules.c).
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "plan/route_plan_internal.h"
#include "waymark/plan/fib.h"

/* In IPv6 the kernel changes a metric of 0 to 1024 (IP6_RT_PRIO_USER, linux/ipv6_route.h). The plan
 * uses the value that a dump reports. */
#define METRIC_IPV6 1024

/* Maximum number of routes that are copied from table main to the uplink's table. Routes that use
 * the uplink's interface, but not the gateway of its default route, are copied. The maximum is
 * enough for a provider's own networks, but not for a full routing table. */
#define STATIC_MAX 1000

static const uint8_t families[] = {AF_INET, AF_INET6};

/* --- what an uplink has -------------------------------------------------------- */

static bool addr_is_of(const struct addr_state *a, const struct uplink_work *w)
{
	return a->ifindex == w->link->index && a->prefix.addr.family == w->family;
}

/* Return whether the uplink has an address. `is_global`: a link-local address does not count. With
 * prefix delegation, an IPv6 uplink can have its global addresses on the LAN only. A link-local
 * address is then enough, if the uplink has a gateway. */
static bool has_address(const struct planner *pl, const struct uplink_work *w, bool is_global)
{
	for (size_t i = 0; i < pl->s->n_addrs; i++) {
		const struct addr_state *a = &pl->s->addrs[i];

		if (addr_is_of(a, w) && !(is_global && a->is_link_local))
			return true;
	}
	return false;
}

bool address_is_own(const struct netstate *s, const struct addr *a)
{
	for (size_t i = 0; !addr_is_none(a) && i < s->n_addrs; i++)
		if (addr_is_equal(&s->addrs[i].prefix.addr, a))
			return true;
	return false;
}

/* Return whether a default route of the uplink names a source address of this host. Then the uplink
 * is usable without an address of its own. */
static bool has_source(const struct planner *pl, const struct uplink_work *w)
{
	for (size_t i = 0; i < w->n_defaults; i++)
		if (address_is_own(pl->s, &w->defaults[i].prefsrc))
			return true;
	return false;
}

/* Set w->defaults to one default route, which uses this gateway (none: the link itself). If table
 * main has a default route by the gateway, copy that route's attributes. */
static void defaults_configured(const struct planner *pl, struct uplink_work *w,
				const struct addr *gateway)
{
	unsigned f = family_index(w->family);

	w->configured = (struct learnt_default){.gateway = *gateway};
	for (uint8_t i = 0; i < pl->learnt->n[w->u->slot][f]; i++) {
		const struct learnt_default *d = &pl->learnt->defaults[w->u->slot][f][i];

		if (!d->from.len && addr_is_equal(&d->gateway, gateway)) {
			w->configured = *d;
			break;
		}
	}
	w->defaults = &w->configured;
	w->n_defaults = 1;
}

static void defaults_find(const struct planner *pl, struct uplink_work *w)
{
	static const struct addr none;
	unsigned f = family_index(w->family);
	const struct gateway *g = f ? &w->u->gateway6 : &w->u->gateway;

	w->n_defaults = 0;
	switch (g->kind) {
	case GATEWAY_NONE:
		defaults_configured(pl, w, &none);
		return;
	case GATEWAY_ADDR:
		defaults_configured(pl, w, &g->addr);
		return;
	case GATEWAY_LEARN:
		break;
	}
	w->defaults = pl->learnt->defaults[w->u->slot][f];
	w->n_defaults = pl->learnt->n[w->u->slot][f];
	/* A point-to-point interface needs no gateway. */
	if (!w->n_defaults && w->link->is_pointopoint && has_address(pl, w, true))
		defaults_configured(pl, w, &none);
}

static enum uplink_trouble uplink_judge(const struct planner *pl, struct uplink_work *w)
{
	w->n_defaults = 0;
	if (!w->link)
		return UPLINK_NO_LINK;
	if (!w->link->is_up || !w->link->has_carrier)
		return UPLINK_LINK_DOWN;
	defaults_find(pl, w);
	if (!has_address(pl, w, w->family == AF_INET) && !has_source(pl, w))
		return UPLINK_NO_ADDRESS;
	if (w->n_defaults)
		return UPLINK_FINE;
	return has_address(pl, w, true) ? UPLINK_NO_GATEWAY : UPLINK_NO_ADDRESS;
}

size_t uplink_defaults(const struct planner *pl, size_t i, unsigned f, struct uplink_work *w)
{
	*w = (struct uplink_work){.u = &pl->c->uplinks[i], .family = families[f]};
	w->link = netstate_link_by_name(pl->s, w->u->ifname);
	return uplink_judge(pl, w) == UPLINK_FINE ? w->n_defaults : 0;
}

/* --- its table ---------------------------------------------------------------------- */

static struct route_state route_of(const struct uplink_work *w, struct nexthop *only)
{
	struct route_state r = {
		.family = w->family,
		.table = w->u->table,
		.type = RTN_UNICAST,
		.protocol = ROUTE_PROTOCOL_WAYMARK,
		.scope = RT_SCOPE_UNIVERSE,
		.metric = w->family == AF_INET6 ? METRIC_IPV6 : 0,
		.n_nexthops = 1,
		.nexthops = only,
	};

	r.dst.addr.family = w->family;
	*only = (struct nexthop){.ifindex = w->link->index, .weight = 1};
	return r;
}

/* Set *net to the network of an address. Return false if the address has no network, because it is
 * a host address (/32, /128). */
static bool addr_network(const struct addr_state *a, struct prefix *net)
{
	*net = a->prefix;
	if (!addr_is_none(&a->peer))
		net->addr = a->peer;
	else if (net->len == 8 * addr_size(net->addr.family))
		return false;
	prefix_truncate(net);
	return net->len > 0;
}

static int plan_connected(struct planner *pl, const struct uplink_work *w)
{
	for (size_t i = 0; i < pl->s->n_addrs; i++) {
		const struct addr_state *a = &pl->s->addrs[i];
		struct nexthop only;
		struct route_state r = route_of(w, &only);

		if (!addr_is_of(a, w) || !addr_network(a, &r.dst))
			continue;
		if (w->family == AF_INET) {
			r.scope = RT_SCOPE_LINK;
			r.prefsrc = a->prefix.addr;
		}
		if (planner_add_route(pl, &r) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Choose the source address for sockets of this host that are bound to no address. An address in
 * the gateway's network is preferred. In IPv6 choose none: the kernel makes a better choice (RFC
 * 6724 covers deprecated and temporary addresses). */
static void choose_source(const struct planner *pl, const struct uplink_work *w,
			  const struct addr *gateway, struct addr *source)
{
	for (size_t i = 0; i < pl->s->n_addrs; i++) {
		const struct addr_state *a = &pl->s->addrs[i];
		struct prefix net = a->prefix;

		if (w->family != AF_INET || !addr_is_of(a, w) || a->is_deprecated)
			continue;
		if (!addr_is_none(&a->peer))
			net.addr = a->peer;
		if (addr_is_none(source))
			*source = a->prefix.addr;
		if (!addr_is_none(gateway) && prefix_contains(&net, gateway)) {
			*source = a->prefix.addr;
			return;
		}
	}
}

static bool gateway_is_off_link(const struct netstate *s, uint32_t ifindex,
				const struct addr *gateway)
{
	/* IPv6 accepts any link-local gateway. */
	return !addr_is_none(gateway) && !gateway_is_link_local(gateway) &&
	       !gateway_is_connected(s, ifindex, gateway);
}

struct route_state default_route(const struct planner *pl, const struct uplink_work *w,
				 const struct learnt_default *d, struct nexthop *only)
{
	struct route_state r = route_of(w, only);

	only->gateway = d->gateway;
	only->is_onlink = d->is_onlink || gateway_is_off_link(pl->s, w->link->index, &d->gateway);
	if (w->family == AF_INET && addr_is_none(&d->gateway))
		r.scope = RT_SCOPE_LINK;
	r.from = d->from;
	/* The kernel refuses a source address that the host does not have. */
	if (address_is_own(pl->s, &d->prefsrc))
		r.prefsrc = d->prefsrc;
	else
		choose_source(pl, w, &d->gateway, &r.prefsrc);
	r.extra = (uint8_t *)d->extra; /* never written to */
	r.extra_size = d->extra_size;
	return r;
}

static int plan_defaults(struct planner *pl, const struct uplink_work *w)
{
	for (size_t i = 0; i < w->n_defaults; i++) {
		struct nexthop only;
		struct route_state r = default_route(pl, w, &w->defaults[i], &only);

		if (planner_add_route(pl, &r) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Return whether r is a route of table main to copy: it uses the uplink's interface, but not the
 * gateway of one of the uplink's default routes. */
static bool route_is_own_static(const struct uplink_work *w, const struct route_state *r)
{
	if (r->family != w->family || r->table != RT_TABLE_MAIN ||
	    r->dst.len <= fib_general_len(r->family) || r->type != RTN_UNICAST ||
	    r->protocol == ROUTE_PROTOCOL_WAYMARK || r->from.len || r->n_nexthops != 1 ||
	    r->nexthops[0].ifindex != w->link->index)
		return false;
	for (size_t i = 0; i < w->n_defaults; i++)
		if (addr_is_equal(&w->defaults[i].gateway, &r->nexthops[0].gateway))
			return false;
	return true;
}

/* Return whether a route to the same network with the same next hop is already planned. The metric
 * is ignored, because the networks of the interface's addresses are planned with another metric
 * than in table main. */
static bool network_is_planned(const struct planner *pl, const struct route_state *r)
{
	for (size_t i = pl->first; i < pl->p->wanted->n_routes; i++) {
		const struct route_state *w = &pl->p->wanted->routes[i];

		if (w->family == r->family && prefix_is_equal(&w->dst, &r->dst) &&
		    route_is_same_way(w, r))
			return true;
	}
	return false;
}

static int plan_statics(struct planner *pl, const struct uplink_work *w)
{
	size_t n = 0;

	for (size_t i = 0; i < pl->s->n_routes && n < STATIC_MAX; i++) {
		struct route_state copy = pl->s->routes[i]; /* its pointers are borrowed */

		if (!route_is_own_static(w, &copy))
			continue;
		copy.table = w->u->table;
		copy.protocol = ROUTE_PROTOCOL_WAYMARK;
		copy.nexthop_id = 0;
		if (network_is_planned(pl, &copy))
			continue;
		if (planner_add_route(pl, &copy) < 0)
			return -ENOMEM;
		n++;
	}
	return 0;
}

/* Plan the uplink's table. If the uplink has no gateway, the table still gets the networks on the
 * link. With any other trouble, it gets no routes. */
static int plan_table(struct planner *pl, const struct uplink_work *w, enum uplink_trouble trouble)
{
	if (trouble != UPLINK_FINE && trouble != UPLINK_NO_GATEWAY)
		return 0;
	if (plan_connected(pl, w) < 0 || plan_statics(pl, w) < 0)
		return -ENOMEM;
	return plan_defaults(pl, w);
}

int plan_uplink(struct planner *pl, size_t i)
{
	const struct uplink_config *u = &pl->c->uplinks[i];
	struct uplink_plan *up = &pl->p->uplinks[i];
	struct uplink_work w = {.u = u, .link = netstate_link_by_name(pl->s, u->ifname)};

	up->slot = u->slot;
	up->decision = pl->decisions ? pl->decisions->by_slot[u->slot] : DECISION_NONE;
	up->ifindex = w.link ? w.link->index : 0;
	for (unsigned f = 0; f < 2; f++) {
		w.family = families[f];
		up->trouble[f] = uplink_judge(pl, &w);
		if (up->trouble[f] == UPLINK_FINE)
			up->gateway[f] = w.defaults[0].gateway;
		pl->first = pl->p->wanted->n_routes;
		if (pl->c->mode == MODE_STEER && plan_table(pl, &w, up->trouble[f]) < 0)
			return -ENOMEM;
	}
	return 0;
}
