/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan_balance.c - plans the balanced default route, which distributes new flows over the
 * usable uplinks of the lowest tier by their weights, and the rules that lead to it.
 *
 * The route has its own table, because table main belongs to DHCP clients, router advertisements,
 * ppp, routing daemons and administrators. More specific routes of table main are looked up first.
 * The balanced route replaces only main's default route. If balance is "main", the balanced route
 * is in table main itself.
 *
 * Pure. Must not know how an uplink's default routes are found (route_plan_uplink.c).
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "plan/route_plan_internal.h"
#include "waymark/plan/route_extra.h"

/* Metrics of the balanced IPv6 route. The kernel changes a metric of 0 to METRIC_IPV6; the plan
 * uses METRIC_IPV6, so that the planned route equals the route in a dump. METRIC_MAIN_IPV6 is lower
 * than the metric of a route from router advertisements in table main (1024). */
#define METRIC_IPV6	 1024
#define METRIC_MAIN_IPV6 1

static const uint8_t families[] = {AF_INET, AF_INET6};

/* The next hops of the balanced route. hops[i] was made from the default route routes[i], whose
 * only next hop is only[i]. */
struct balance {
	uint16_t n;
	struct nexthop hops[UPLINKS_MAX];
	struct route_state routes[UPLINKS_MAX];
	struct nexthop only[UPLINKS_MAX];
	struct uplink_work work[UPLINKS_MAX];
	bool has_source[UPLINKS_MAX]; /* the default route's preferred source is an address of this
				       * host */
};

static uint32_t balance_table(const struct planner *pl)
{
	return pl->c->balance == BALANCE_MAIN ? RT_TABLE_MAIN : pl->c->balance_table;
}

/* Return whether the uplink gets a share of new flows. */
static bool takes_new(const struct planner *pl, size_t i, unsigned f)
{
	const struct uplink_plan *up = &pl->p->uplinks[i];

	return up->trouble[f] == UPLINK_FINE && up->decision != DECISION_DOWN &&
	       up->decision != DECISION_DRAIN && pl->c->uplinks[i].weight;
}

/* Return the lowest tier that has a usable uplink; UINT32_MAX: there is none. */
static uint32_t tier_lowest(const struct planner *pl, unsigned f)
{
	uint32_t tier = UINT32_MAX;

	for (size_t i = 0; i < pl->p->n_uplinks; i++)
		if (takes_new(pl, i, f) && pl->c->uplinks[i].tier < tier)
			tier = pl->c->uplinks[i].tier;
	return tier;
}

/* Return whether table main reaches the gateway directly: it has a route that uses this interface,
 * has no gateway itself, and leads to a network that contains the gateway. Otherwise the next hop
 * must be onlink, for example if the address has noprefixroute. */
static bool main_reaches(const struct planner *pl, uint32_t ifindex, const struct addr *gateway)
{
	for (size_t i = 0; i < pl->s->n_routes; i++) {
		const struct route_state *r = &pl->s->routes[i];

		if (r->table == RT_TABLE_MAIN && r->dst.len && r->n_nexthops == 1 &&
		    r->nexthops[0].ifindex == ifindex && addr_is_none(&r->nexthops[0].gateway) &&
		    prefix_contains(&r->dst, gateway))
			return true;
	}
	return false;
}

static void balance_add(const struct planner *pl, struct balance *b, size_t i)
{
	uint16_t n = b->n++;
	struct uplink_work *w = &b->work[n];
	const struct learnt_default *d = &w->defaults[0];
	struct nexthop *hop = &b->hops[n];

	b->has_source[n] = address_is_own(pl->s, &d->prefsrc);
	b->routes[n] = default_route(pl, w, d, &b->only[n]);
	*hop = b->only[n];
	hop->weight = pl->c->uplinks[i].weight;
	hop->is_onlink = d->is_onlink ||
			 (!addr_is_none(&d->gateway) && !gateway_is_link_local(&d->gateway) &&
			  !main_reaches(pl, hop->ifindex, &d->gateway));
}

/* Collect the usable uplinks of the lowest tier that have a default route for any source. */
static void balance_collect(const struct planner *pl, unsigned f, struct balance *b)
{
	uint32_t tier = tier_lowest(pl, f);

	b->n = 0;
	for (size_t i = 0; i < pl->p->n_uplinks; i++)
		if (takes_new(pl, i, f) && pl->c->uplinks[i].tier == tier &&
		    uplink_defaults(pl, i, f, &b->work[b->n]) &&
		    !b->work[b->n].defaults[0].from.len)
			balance_add(pl, b, i);
}

/* Return whether a next hop can be part of an IPv6 multipath route, which requires a gateway. A
 * point-to-point interface resolves no neighbours, so any link-local address serves as its
 * gateway. */
static bool hop_fits_ipv6(const struct link_state *link, struct nexthop *n)
{
	static const uint8_t any[16] = {0xfe, 0x80, [15] = 1};

	if (!addr_is_none(&n->gateway))
		return true;
	if (link->is_pointopoint)
		addr_set(&n->gateway, AF_INET6, any);
	return link->is_pointopoint;
}

static void balance_fit_ipv6(struct balance *b)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < b->n; i++) {
		if (!hop_fits_ipv6(b->work[i].link, &b->hops[i]))
			continue;
		b->hops[kept] = b->hops[i];
		b->routes[kept] = b->routes[i];
		b->has_source[kept++] = b->has_source[i];
	}
	if (kept)
		b->n = kept;
	else
		b->n = b->n > 0; /* no next hop fits: use the first one alone */
}

static bool sources_agree(const struct balance *b)
{
	for (uint16_t i = 1; i < b->n; i++)
		if (!addr_is_equal(&b->routes[0].prefsrc, &b->routes[i].prefsrc))
			return false;
	return true;
}

/* Return the balanced route. A multipath route has one set of attributes for all next hops, so the
 * attributes of the default routes are joined. */
static struct route_state balance_route(const struct planner *pl, unsigned f, struct balance *b,
					uint8_t extra[ROUTE_EXTRA_MAX])
{
	const struct route_state *parts[UPLINKS_MAX];
	struct route_state r = b->routes[0];

	r.table = balance_table(pl);
	if (f)
		r.metric = pl->c->balance == BALANCE_MAIN ? METRIC_MAIN_IPV6 : METRIC_IPV6;
	r.nexthops = b->hops;
	r.n_nexthops = b->n;
	if (b->n == 1) {
		b->hops[0].weight = 1;
		/* If the default route names no source address of this host, let the kernel choose
		 * a source address by the interface. */
		if (!b->has_source[0])
			memset(&r.prefsrc, 0, sizeof(r.prefsrc));
		return r;
	}
	for (uint16_t i = 0; i < b->n; i++)
		parts[i] = &b->routes[i];
	if (!sources_agree(b))
		memset(&r.prefsrc, 0, sizeof(r.prefsrc));
	r.scope = RT_SCOPE_UNIVERSE;
	r.extra = extra;
	r.extra_size = (uint16_t)route_extra_join(parts, b->n, extra);
	return r;
}

static int plan_spread(struct planner *pl, unsigned f, struct balance *b)
{
	uint8_t extra[ROUTE_EXTRA_MAX];
	struct route_state r;

	if (b->n > 1 && f)
		balance_fit_ipv6(b);
	if (!b->n)
		return 0;
	r = balance_route(pl, f, b, extra);
	if (b->n > 1 && !f && plan_spares(pl, &r) < 0)
		return -ENOMEM;
	return planner_add_route(pl, &r);
}

/* Plan source-specific routes: packets with a provider's own prefix as source leave by that
 * provider. */
static int plan_source_specific(struct planner *pl, unsigned f)
{
	for (size_t i = 0; i < pl->p->n_uplinks; i++) {
		struct uplink_work w;
		size_t n = takes_new(pl, i, f) ? uplink_defaults(pl, i, f, &w) : 0;

		for (size_t k = 0; k < n; k++) {
			struct nexthop only;
			struct route_state r = default_route(pl, &w, &w.defaults[k], &only);

			if (!r.from.len)
				continue;
			r.table = balance_table(pl);
			if (planner_add_route(pl, &r) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* --- no uplink is left ---------------------------------------------------------------------- */

static const struct route_state *main_default(const struct netstate *s, uint8_t family)
{
	const struct route_state *best = NULL;

	for (size_t i = 0; i < s->n_routes; i++) {
		const struct route_state *r = &s->routes[i];

		if (r->family == family && r->table == RT_TABLE_MAIN && !r->dst.len &&
		    !r->from.len && r->protocol != ROUTE_PROTOCOL_WAYMARK &&
		    (!best || r->metric < best->metric))
			best = r;
	}
	return best;
}

/* Return whether the default route of table main would send new flows by an uplink that must not
 * get any. */
static bool main_leads_to_unwanted(const struct planner *pl, unsigned f)
{
	const struct route_state *r = main_default(pl->s, families[f]);

	for (size_t i = 0; r && r->n_nexthops && i < pl->p->n_uplinks; i++)
		if (pl->p->uplinks[i].ifindex == r->nexthops[0].ifindex && !takes_new(pl, i, f))
			return true;
	return false;
}

/* --- traffic of this host that is not bound to an uplink -------------------------------- */

/* Return whether an interface is a tunnel. The interface's kind shows this for most tunnels, its
 * name for all others. */
static bool is_tunnel(const struct link_state *l)
{
	static const char *const names[] = {"tun",  "tap", "wg",    "vpn",
					    "ovpn", "gre", "ipsec", "vti"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(l->name, names[i], strlen(names[i])))
			return true;
	return l->is_tunnel;
}

static bool address_is_on(const struct netstate *s, uint32_t ifindex, const struct addr *a)
{
	for (size_t i = 0; i < s->n_addrs; i++)
		if (s->addrs[i].ifindex == ifindex && addr_is_equal(&s->addrs[i].prefix.addr, a))
			return true;
	return false;
}

/* Return whether this host's own traffic cannot be balanced. If an uplink is a tunnel, the outer
 * packets, which this host sends, must not be routed into the tunnel. A multipath route can name
 * only one source address, for all its next hops. If one of them needs an address that is not on
 * its interface, such a route cannot be used. */
static bool own_cannot_be_spread(const struct planner *pl, const struct balance *b)
{
	for (uint16_t i = 0; i < b->n; i++) {
		const struct link_state *link = b->work[i].link;

		if (is_tunnel(link))
			return true;
		if (b->n > 1 && b->has_source[i] && !sources_agree(b) &&
		    !address_is_on(pl->s, link->index, &b->routes[i].prefsrc))
			return true;
	}
	return false;
}

/* Return the uplink for this host's own traffic. Tunnels are not chosen. The lowest tier is
 * preferred, then the lowest metric in table main. NULL: there is no such uplink. */
static const struct uplink_config *own_choose(const struct planner *pl, unsigned f)
{
	const struct uplink_config *best = NULL;
	uint32_t best_metric = 0;

	for (size_t i = 0; i < pl->p->n_uplinks; i++) {
		const struct uplink_config *u = &pl->c->uplinks[i];
		const struct learnt_default *d = learnt_default_find(pl->learnt, u->slot, f);
		const struct link_state *link = netstate_link_by_name(pl->s, u->ifname);
		uint32_t metric = d ? d->metric : UINT32_MAX;

		if (!takes_new(pl, i, f) || is_tunnel(link))
			continue;
		if (best &&
		    (u->tier > best->tier || (u->tier == best->tier && metric >= best_metric)))
			continue;
		best = u;
		best_metric = metric;
	}
	return best;
}

/* --- rules --------------------------------------------------------------------------------- */

static int plan_balance_rules(struct planner *pl, unsigned f, const struct balance *b)
{
	struct rule_state specific = rule_lookup(families[f], RULE_PRIORITY_BALANCE, RT_TABLE_MAIN);
	struct rule_state own = rule_lookup(families[f], RULE_PRIORITY_BALANCE, 0);
	struct rule_state spread =
		rule_lookup(families[f], RULE_PRIORITY_BALANCE, pl->c->balance_table);
	const struct uplink_config *best = own_cannot_be_spread(pl, b) ? own_choose(pl, f) : NULL;

	specific.suppress_prefixlength = 0;
	if (!best && pl->c->balance == BALANCE_MAIN)
		return 0;
	if (planner_add_rule(pl, &specific) < 0)
		return -ENOMEM;
	if (best) {
		strcpy(own.iifname, "lo");
		own.table = best->table;
		if (planner_add_rule(pl, &own) < 0)
			return -ENOMEM;
	}
	return pl->c->balance == BALANCE_MAIN ? 0 : planner_add_rule(pl, &spread);
}

int plan_balance(struct planner *pl, unsigned f)
{
	struct balance b;

	pl->first = pl->p->wanted->n_routes;
	balance_collect(pl, f, &b);
	if (plan_balance_rules(pl, f, &b) < 0 || plan_spread(pl, f, &b) < 0 ||
	    plan_source_specific(pl, f) < 0)
		return -ENOMEM;
	if (pl->c->balance == BALANCE_TABLE && pl->first == pl->p->wanted->n_routes &&
	    main_leads_to_unwanted(pl, f))
		return plan_refusal(pl, families[f], pl->c->balance_table);
	return 0;
}
