/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan.c - which routes and ip rules should be there now.
 *
 * Pure: from the configuration and a snapshot. Must not know what is installed
 * already as ours (route_diff.c compares) nor how routes get into the kernel.
 *
 * Of each uplink and family: in its table the networks of its interface, as the
 * kernel has them in main, and a default route. In main, with balance, one
 * default route with a nexthop an uplink. The rules that lead to the tables are
 * there whether an uplink is up or not; the last route of each table refuses until
 * an uplink is down for good (routeplan_standby.c).
 */
#include "waymark/plan/route_plan.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "plan/route_plan_internal.h"

/* The kernel gives a metric of 0 the meaning of 1024 in IPv6 (IP6_RT_PRIO_USER,
 * linux/ipv6_route.h); the plan says what a dump will say. */
#define METRIC_IPV6 1024
/* Better than a router advertisement's, which has 1024. */
#define METRIC_BALANCE_IPV6 1

static const uint8_t families[] = {AF_INET, AF_INET6};

struct planner {
	const struct config *c;
	const struct netstate *s;
	const struct learnt_gateways *learnt;
	const struct uplink_decisions *decisions; /* or NULL */
	struct route_plan *p;
	size_t first; /* wanted's routes from here are of the table in work */
};

/* One uplink's one family, while it is planned. */
struct line {
	const struct uplink_config *u;
	const struct link_state *link;
	uint8_t family;
	struct addr gateway;
};

const char *uplink_trouble_text(enum uplink_trouble t)
{
	switch (t) {
	case UPLINK_FINE:
		return "fine";
	case UPLINK_NO_LINK:
		return "no interface of that name";
	case UPLINK_LINK_DOWN:
		return "link down";
	case UPLINK_NO_ADDRESS:
		return "no address";
	case UPLINK_NO_GATEWAY:
		return "no gateway";
	}
	return "?";
}

static enum uplink_decision decision_of(const struct planner *pl, const struct uplink_config *u)
{
	return pl->decisions ? pl->decisions->by_slot[u->slot] : DECISION_NONE;
}

/* --- what an uplink has -------------------------------------------------------- */

static bool addr_is_of(const struct addr_state *a, const struct line *l)
{
	return a->ifindex == l->link->index && a->prefix.addr.family == l->family;
}

/* An IPv6 line may have its global addresses on the LAN alone (prefix
 * delegation), so that a link-local one is enough where there is a gateway. */
static bool line_has_address(const struct planner *pl, const struct line *l, bool is_global)
{
	for (size_t i = 0; i < pl->s->n_addrs; i++) {
		const struct addr_state *a = &pl->s->addrs[i];

		if (addr_is_of(a, l) && !(is_global && a->is_link_local))
			return true;
	}
	return false;
}

/* Whether the uplink's next hop is known; it is then in l->gateway, none for
 * point to point. */
static bool line_find_gateway(const struct planner *pl, struct line *l)
{
	const struct uplink_config *u = l->u;
	unsigned f = family_index(l->family);
	const struct gateway *g = f ? &u->gateway6 : &u->gateway;

	memset(&l->gateway, 0, sizeof(l->gateway));
	switch (g->kind) {
	case GATEWAY_NONE:
		return true;
	case GATEWAY_ADDR:
		l->gateway = g->addr;
		return true;
	case GATEWAY_LEARN:
		break;
	}
	if (pl->learnt->is_known[u->slot][f]) {
		l->gateway = pl->learnt->gateway[u->slot][f];
		return true;
	}
	/* Nobody needs to say where a line with one other end goes. */
	return l->link->is_pointopoint && line_has_address(pl, l, true);
}

static enum uplink_trouble line_judge(const struct planner *pl, struct line *l)
{
	bool is_link_local_enough = l->family == AF_INET6;

	if (!l->link)
		return UPLINK_NO_LINK;
	if (!l->link->is_up || !l->link->has_carrier)
		return UPLINK_LINK_DOWN;
	if (!line_has_address(pl, l, !is_link_local_enough))
		return UPLINK_NO_ADDRESS;
	if (line_find_gateway(pl, l))
		return UPLINK_FINE;
	return line_has_address(pl, l, true) ? UPLINK_NO_GATEWAY : UPLINK_NO_ADDRESS;
}

/* --- routes ---------------------------------------------------------------------- */

/* Two routes for one place cannot be: the first one stands. Tables are planned one
 * after the other, so that only the last one's routes need a look. */
static int plan_route(struct planner *pl, const struct route_state *r)
{
	const struct netstate *wanted = pl->p->wanted;

	for (size_t i = pl->first; i < wanted->n_routes; i++)
		if (route_is_same_place(&wanted->routes[i], r))
			return 0;
	return netstate_add_route(pl->p->wanted, r) ? 0 : -ENOMEM;
}

static struct route_state route_of(const struct line *l, struct nexthop *only)
{
	struct route_state r = {
		.family = l->family,
		.table = l->u->table,
		.type = RTN_UNICAST,
		.protocol = ROUTE_PROTOCOL_WAYMARK,
		.scope = RT_SCOPE_UNIVERSE,
		.metric = l->family == AF_INET6 ? METRIC_IPV6 : 0,
		.n_nexthops = 1,
		.nexthops = only,
	};

	r.dst.addr.family = l->family;
	*only = (struct nexthop){.ifindex = l->link->index, .weight = 1};
	return r;
}

/* A host address alone is no network: table local has it. */
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

static int plan_connected(struct planner *pl, const struct line *l)
{
	for (size_t i = 0; i < pl->s->n_addrs; i++) {
		const struct addr_state *a = &pl->s->addrs[i];
		struct nexthop only;
		struct route_state r = route_of(l, &only);

		if (!addr_is_of(a, l) || !addr_network(a, &r.dst))
			continue;
		if (l->family == AF_INET) {
			r.scope = RT_SCOPE_LINK;
			r.prefsrc = a->prefix.addr;
		}
		if (plan_route(pl, &r) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The source for what the router sends by this uplink without a source of its
 * own. In IPv6 the kernel's own choice is better (RFC 6724: deprecated, temporary
 * addresses), and is one of the interface's already. */
static void line_choose_source(const struct planner *pl, const struct line *l, struct addr *source)
{
	for (size_t i = 0; i < pl->s->n_addrs; i++) {
		const struct addr_state *a = &pl->s->addrs[i];
		struct prefix net = a->prefix;

		if (l->family != AF_INET || !addr_is_of(a, l) || a->is_deprecated)
			continue;
		if (!addr_is_none(&a->peer))
			net.addr = a->peer;
		if (addr_is_none(source))
			*source = a->prefix.addr;
		if (!addr_is_none(&l->gateway) && prefix_contains(&net, &l->gateway)) {
			*source = a->prefix.addr;
			return;
		}
	}
}

static bool line_is_onlink(const struct planner *pl, const struct line *l)
{
	const struct addr *g = &l->gateway;

	/* IPv6 takes a link-local gateway as it is. */
	if (addr_is_none(g) || gateway_is_link_local(g))
		return false;
	return !gateway_is_connected(pl->s, l->link->index, g);
}

static int plan_default(struct planner *pl, const struct line *l)
{
	struct nexthop only;
	struct route_state r = route_of(l, &only);

	only.gateway = l->gateway;
	only.is_onlink = line_is_onlink(pl, l);
	if (l->family == AF_INET && addr_is_none(&l->gateway))
		r.scope = RT_SCOPE_LINK;
	line_choose_source(pl, l, &r.prefsrc);
	return plan_route(pl, &r);
}

/* --- local destinations ------------------------------------------------------------- */

static bool nexthop_is_uplink(const struct planner *pl, uint32_t ifindex)
{
	const struct link_state *link = netstate_link_by_index(pl->s, ifindex);

	return link && config_uplink_by_ifname(pl->c, link->name);
}

/* Link-local and multicast destinations are looked up by their interface, and no
 * flow that an uplink's mark is on goes there by a LAN. */
static bool prefix_is_scoped(const struct prefix *p)
{
	if (p->addr.family == AF_INET6)
		return p->addr.bytes[0] == 0xff || gateway_is_link_local(&p->addr);
	return (p->addr.bytes[0] & 0xf0) == 0xe0 ||
	       (p->addr.bytes[0] == 169 && p->addr.bytes[1] == 254);
}

/* A route of main that has a say before any uplink's default route: what is not
 * a default route and goes by no uplink but, perhaps, own. What main refuses
 * (blackhole, unreachable, prohibit) stays refused. */
static bool route_is_local(const struct planner *pl, const struct route_state *r,
			   uint32_t own_ifindex)
{
	if (r->table != RT_TABLE_MAIN || !r->dst.len || prefix_is_scoped(&r->dst) ||
	    r->protocol == ROUTE_PROTOCOL_WAYMARK)
		return false;
	if (r->type != RTN_UNICAST)
		return r->type == RTN_BLACKHOLE || r->type == RTN_UNREACHABLE ||
		       r->type == RTN_PROHIBIT;
	for (size_t i = 0; i < r->n_nexthops; i++)
		if (r->nexthops[i].ifindex != own_ifindex &&
		    nexthop_is_uplink(pl, r->nexthops[i].ifindex))
			return false;
	return true;
}

/* The interface's own networks are in the table already, with the metric that
 * the plan gives them. */
static bool route_is_planned(const struct planner *pl, const struct route_state *r)
{
	for (size_t i = pl->first; i < pl->p->wanted->n_routes; i++) {
		const struct route_state *w = &pl->p->wanted->routes[i];

		if (w->family == r->family && w->table == r->table &&
		    prefix_is_equal(&w->dst, &r->dst) && route_is_same_way(w, r))
			return true;
	}
	return false;
}

static int plan_copies(struct planner *pl, const struct line *l)
{
	for (size_t i = 0; i < pl->s->n_routes; i++) {
		struct route_state copy = pl->s->routes[i]; /* borrows what it points to */

		if (copy.family != l->family || !route_is_local(pl, &copy, l->link->index))
			continue;
		copy.table = l->u->table;
		copy.protocol = ROUTE_PROTOCOL_WAYMARK;
		if (!route_is_planned(pl, &copy) && plan_route(pl, &copy) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* --- rules -------------------------------------------------------------------------- */

static struct rule_state rule_of(const struct planner *pl, uint8_t family, uint32_t table)
{
	return (struct rule_state){
		.family = family,
		.priority = pl->c->rule_priority,
		.action = FR_ACT_TO_TBL,
		.protocol = ROUTE_PROTOCOL_WAYMARK,
		.table = table,
		.suppress_prefixlength = -1,
	};
}

static bool rule_is_planned(const struct planner *pl, const struct rule_state *r)
{
	for (size_t i = 0; i < pl->p->wanted->n_rules; i++)
		if (rule_is_equal(&pl->p->wanted->rules[i], r))
			return true;
	return false;
}

static int plan_exclusions(struct planner *pl, uint8_t family)
{
	for (size_t i = 0; i < pl->s->n_routes; i++) {
		const struct route_state *r = &pl->s->routes[i];
		struct rule_state rule = rule_of(pl, family, RT_TABLE_MAIN);

		if (r->family != family || !route_is_local(pl, r, 0))
			continue;
		rule.dst = r->dst;
		if (!rule_is_planned(pl, &rule) && !netstate_add_rule(pl->p->wanted, &rule))
			return -ENOMEM;
	}
	return 0;
}

static int plan_local_rules(struct planner *pl, uint8_t family)
{
	struct rule_state rule = rule_of(pl, family, RT_TABLE_MAIN);

	switch (pl->c->local_routes) {
	case LOCAL_SUPPRESS:
		rule.suppress_prefixlength = 0;
		return netstate_add_rule(pl->p->wanted, &rule) ? 0 : -ENOMEM;
	case LOCAL_EXCLUDE:
		return plan_exclusions(pl, family);
	case LOCAL_COPY:
		break;
	}
	return 0;
}

static int plan_rules(struct planner *pl, uint8_t family)
{
	if (plan_local_rules(pl, family) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < pl->c->n_uplinks; i++) {
		const struct uplink_config *u = &pl->c->uplinks[i];
		struct rule_state rule = rule_of(pl, family, u->table);

		/* Its flows go on by other uplinks, as they do when the link is down. */
		if (decision_of(pl, u) == DECISION_DOWN)
			continue;
		rule.priority += 1 + (uint32_t)i;
		rule.fwmark = u->mark;
		rule.fwmask = pl->c->mark_mask;
		if (!netstate_add_rule(pl->p->wanted, &rule))
			return -ENOMEM;
	}
	return 0;
}

/* --- the balanced default route -------------------------------------------------------- */

/* IPv6 takes no nexthop without a gateway into a multipath route. A line with one
 * other end resolves no neighbour, so any link-local gateway is that end. */
static bool balance_fit_ipv6(const struct link_state *link, struct nexthop *n)
{
	static const uint8_t any[16] = {0xfe, 0x80, [15] = 1};

	if (!addr_is_none(&n->gateway))
		return true;
	if (link->is_pointopoint)
		addr_set(&n->gateway, AF_INET6, any);
	return link->is_pointopoint;
}

/* Main may lack the interface's network (an address with noprefixroute), which
 * the uplink's own table always has. */
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

static bool balance_is_onlink(const struct planner *pl, uint32_t ifindex,
			      const struct addr *gateway)
{
	if (addr_is_none(gateway) || gateway_is_link_local(gateway))
		return false;
	return !main_reaches(pl, ifindex, gateway);
}

/* The uplinks that are up, with their weights. Returns how many. */
/* Whether the uplink may have a share of new flows. */
static bool uplink_takes_new(const struct planner *pl, size_t i, unsigned f)
{
	const struct uplink_plan *up = &pl->p->uplinks[i];

	return up->trouble[f] == UPLINK_FINE && up->decision != DECISION_DOWN &&
	       up->decision != DECISION_DRAIN && pl->c->uplinks[i].weight;
}

static uint16_t balance_collect(const struct planner *pl, unsigned f, struct nexthop *hops)
{
	uint16_t n = 0;

	for (size_t i = 0; i < pl->p->n_uplinks; i++) {
		const struct uplink_plan *up = &pl->p->uplinks[i];

		if (!uplink_takes_new(pl, i, f))
			continue;
		hops[n++] = (struct nexthop){
			.ifindex = up->ifindex,
			.gateway = up->gateway[f],
			.weight = pl->c->uplinks[i].weight,
			.is_onlink = balance_is_onlink(pl, up->ifindex, &up->gateway[f]),
		};
	}
	return n;
}

static uint16_t balance_fit(const struct planner *pl, struct nexthop *hops, uint16_t n)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++)
		if (balance_fit_ipv6(netstate_link_by_index(pl->s, hops[i].ifindex), &hops[i]))
			hops[kept++] = hops[i];
	return kept ? kept : n > 0; /* those that do not fit: the first one alone */
}

static int plan_balance(struct planner *pl, unsigned f)
{
	struct nexthop hops[UPLINKS_MAX];
	struct route_state r = {
		.family = families[f],
		.table = RT_TABLE_MAIN,
		.type = RTN_UNICAST,
		.protocol = ROUTE_PROTOCOL_WAYMARK,
		.scope = RT_SCOPE_UNIVERSE,
		.metric = families[f] == AF_INET6 ? METRIC_BALANCE_IPV6 : 0,
		.n_nexthops = balance_collect(pl, f, hops),
		.nexthops = hops,
	};

	if (r.n_nexthops > 1 && families[f] == AF_INET6)
		r.n_nexthops = balance_fit(pl, hops, r.n_nexthops);
	if (!r.n_nexthops)
		return 0;
	r.dst.addr.family = families[f];
	pl->first = pl->p->wanted->n_routes;
	if (r.n_nexthops == 1) {
		hops[0].weight = 1;
		if (families[f] == AF_INET && addr_is_none(&hops[0].gateway))
			r.scope = RT_SCOPE_LINK;
	}
	if (r.n_nexthops > 1 && families[f] == AF_INET && spares_plan(pl->p->wanted, &r) < 0)
		return -ENOMEM;
	return plan_route(pl, &r);
}

/* --- the whole ------------------------------------------------------------------------- */

static int plan_line(struct planner *pl, struct line *l)
{
	pl->first = pl->p->wanted->n_routes;
	if (plan_connected(pl, l) < 0 || plan_default(pl, l) < 0)
		return -ENOMEM;
	return pl->c->local_routes == LOCAL_COPY ? plan_copies(pl, l) : 0;
}

static int plan_uplink(struct planner *pl, const struct uplink_config *u)
{
	struct uplink_plan *up = &pl->p->uplinks[pl->p->n_uplinks++];
	struct line l = {.u = u, .link = netstate_link_by_name(pl->s, u->ifname)};
	bool is_steered = pl->c->mode == MODE_STEER;

	up->slot = u->slot;
	up->decision = decision_of(pl, u);
	up->ifindex = l.link ? l.link->index : 0;
	for (unsigned f = 0; f < 2; f++) {
		l.family = families[f];
		up->trouble[f] = line_judge(pl, &l);
		if (up->trouble[f] != UPLINK_FINE)
			continue;
		up->gateway[f] = l.gateway;
		if (is_steered && plan_line(pl, &l) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Nearest first: the kernel takes a gateway only where the routes before lead to
 * it, and the default route of a table is the last to be believed. */
static int route_rank(const struct route_state *r)
{
	bool has_gateway = false;

	for (size_t i = 0; i < r->n_nexthops; i++)
		has_gateway |= !addr_is_none(&r->nexthops[i].gateway);
	return (r->table == RT_TABLE_MAIN ? 4 : 0) + (r->dst.len ? 0 : 2) + has_gateway;
}

static int route_compare_rank(const void *a, const void *b)
{
	const struct route_state *x = a, *y = b;
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

static int plan_fill(struct planner *pl)
{
	struct netstate *wanted = pl->p->wanted;

	for (size_t i = 0; i < pl->s->n_links; i++)
		if (!netstate_add_link(wanted, &pl->s->links[i]))
			return -ENOMEM;
	for (size_t i = 0; i < pl->c->n_uplinks && i < UPLINKS_MAX; i++)
		if (plan_uplink(pl, &pl->c->uplinks[i]) < 0)
			return -ENOMEM;
	if (pl->c->mode != MODE_STEER)
		return 0;
	for (unsigned f = 0; f < 2; f++)
		if (refusals_plan(wanted, pl->c, pl->s, pl->learnt, families[f]) < 0 ||
		    plan_rules(pl, families[f]) < 0 || (pl->c->balance && plan_balance(pl, f) < 0))
			return -ENOMEM;
	if (wanted->n_routes)
		qsort(wanted->routes, wanted->n_routes, sizeof(*wanted->routes),
		      route_compare_rank);
	return 0;
}

struct route_plan *route_plan_new(const struct config *c, const struct netstate *s,
				  const struct learnt_gateways *learnt,
				  const struct uplink_decisions *decisions)
{
	struct planner pl = {c, s, learnt, decisions, calloc(1, sizeof(struct route_plan)), 0};

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
