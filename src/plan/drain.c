/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drain.c - checks in a snapshot whether a new flow from inside still leaves by a drained
 * uplink. */
#include "waymark/plan/drain.h"

#include <linux/rtnetlink.h>
#include <string.h>

#include "waymark/plan/fib.h"
#include "waymark/plan/route_plan.h"

#define RULE_PRIORITY_MAIN 32766 /* the kernel's own rule for table main */

static bool has_hop(const struct route_state *r, uint32_t ifindex, bool is_wanted)
{
	for (uint16_t i = 0; i < r->n_nexthops; i++)
		if ((r->nexthops[i].ifindex == ifindex) == is_wanted)
			return true;
	return false;
}

/* Return whether the balanced default route of this family has a next hop on an interface other
 * than this one. */
static bool has_another(const struct netstate *s, const struct config *c, uint8_t family,
			uint32_t ifindex)
{
	uint32_t table = c->balance == BALANCE_MAIN ? RT_TABLE_MAIN : c->balance_table;

	for (size_t i = 0; c->balance != BALANCE_OFF && i < s->n_routes; i++) {
		const struct route_state *r = &s->routes[i];

		if (r->family == family && r->table == table && !r->dst.len &&
		    r->protocol == ROUTE_PROTOCOL_WAYMARK && has_hop(r, ifindex, false))
			return true;
	}
	return false;
}

/* Return whether this host sends packets with this source address. The source is one of the host's
 * addresses, or it is unspecified because no address was chosen yet. */
static bool is_of_this_host(const struct netstate *s, const struct addr *src)
{
	static const uint8_t zeros[sizeof(src->bytes)];

	if (!memcmp(src->bytes, zeros, sizeof(zeros)))
		return true;
	for (size_t i = 0; i < s->n_addrs; i++)
		if (addr_is_equal(&s->addrs[i].prefix.addr, src))
			return true;
	return false;
}

/* Return the interface by which packets from this inside host come in: the one of the route to the
 * host. "": the host has no route. */
static const char *iifname_of(const struct netstate *s, const struct addr *src)
{
	struct fib_query q = {.dst = *src, .family = src->family, .iifname = "lo"};
	const struct link_state *link = NULL;
	struct fib_answer a;

	fib_lookup(s, &q, &a);
	if (a.route && a.route->n_nexthops)
		link = netstate_link_by_index(s, a.route->nexthops[0].ifindex);
	return link ? link->name : "";
}

static void object_name(const struct fib_answer *a, const struct netstate *s,
			char object[OBJECT_MAX])
{
	if (a->rule->protocol != ROUTE_PROTOCOL_WAYMARK && a->rule->priority != RULE_PRIORITY_MAIN)
		rule_format(object, OBJECT_MAX, a->rule);
	else
		route_format(object, OBJECT_MAX, a->route, s);
}

bool drain_is_ignored(const struct netstate *s, const struct config *c,
		      const struct uplink_config *u, const struct addr *src, const struct addr *dst,
		      char object[OBJECT_MAX])
{
	const struct link_state *link = netstate_link_by_name(s, u->ifname);
	struct fib_query q = {.src = *src, .dst = *dst, .family = src->family};
	struct fib_answer a;

	object[0] = '\0';
	if (!link || is_of_this_host(s, src) || !has_another(s, c, src->family, link->index))
		return false;
	q.iifname = iifname_of(s, src);
	fib_lookup(s, &q, &a);
	if (!a.route || a.route->dst.len > fib_general_len(src->family) ||
	    !has_hop(a.route, link->index, true))
		return false;
	object_name(&a, s, object);
	return true;
}
