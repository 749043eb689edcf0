/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan_foreign.c - plans rules by which this host, as the owner of an uplink's address,
 * reaches private networks whose routes are only in another program's table.
 *
 * A mesh VPN has the routes to its hosts in its own table, and its ip rule comes after Waymark's
 * rules. Waymark's rule for packets from an uplink's address would therefore send replies to these
 * hosts out of the uplink. So a copy of the VPN's rule is planned before that rule. The copy
 * matches this source address only, and ignores the default routes of the VPN's table.
 *
 * A table is used only if all its routes, except default routes, lead to private networks and use
 * no uplink. So packets to the internet still leave by the uplink.
 *
 * Pure. Must not know the priorities of Waymark's rules (route_plan_rules.c).
 */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "plan/route_plan_internal.h"
#include "waymark/plan/fib.h"

/* Maximum number of copied rules per source address. The kernel tests every packet from this host
 * against all of them. */
#define COPIES_MAX 8

bool prefix_is_private(const struct prefix *p)
{
	const uint8_t *b = p->addr.bytes;

	if (p->addr.family == AF_INET6)
		return p->len >= 7 && (b[0] & 0xfe) == 0xfc;
	if (p->len < 8)
		return false;
	return b[0] == 10 || (p->len >= 10 && b[0] == 100 && (b[1] & 0xc0) == 64) ||
	       (p->len >= 12 && b[0] == 172 && (b[1] & 0xf0) == 16) ||
	       (p->len >= 16 && ((b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254)));
}

bool prefix_is_public(const struct prefix *p)
{
	if (p->addr.family == AF_INET6)
		return p->addr.bytes[0] >> 5 == 1;
	return !prefix_is_private(p) && p->addr.bytes[0] != 127 && p->addr.bytes[0] < 224;
}

bool rule_is_foreign_lookup(const struct rule_state *r)
{
	return r->action == FR_ACT_TO_TBL && r->protocol != ROUTE_PROTOCOL_WAYMARK &&
	       !r->extra.is_l3mdev && r->table != RT_TABLE_MAIN && r->table != RT_TABLE_LOCAL &&
	       r->table != RT_TABLE_DEFAULT;
}

static bool table_is_ours(const struct planner *pl, uint32_t table)
{
	for (size_t i = 0; i < pl->c->n_uplinks; i++)
		if (pl->c->uplinks[i].table == table)
			return true;
	return table == pl->c->balance_table;
}

/* Return whether the table has routes other than default routes, and all of these lead to private
 * networks and use no uplink. */
static bool table_is_private(const struct planner *pl, uint32_t table, uint8_t family)
{
	size_t n = 0;

	for (size_t i = 0; i < pl->s->n_routes; i++) {
		const struct route_state *r = &pl->s->routes[i];

		if (r->table != table || r->family != family || r->type == RTN_THROW ||
		    r->dst.len <= fib_general_len(family))
			continue;
		if (!prefix_is_private(&r->dst) || route_leads_to_uplink(pl, r))
			return false;
		n++;
	}
	return n > 0;
}

/* Narrow the rule to packets from a source address. An inverted rule with only a mark selector
 * becomes a rule for mark 0. Return false if the rule matches no packets that this host sends from
 * the address, or if one rule cannot express the result. */
static bool rule_narrow(struct rule_state *r, const struct addr *source)
{
	if (r->has_other || *r->oifname || (*r->iifname && strcmp(r->iifname, "lo")) ||
	    r->extra.has_suppress_ifgroup)
		return false;
	if (r->is_inverted) {
		if (r->src.len || r->dst.len || *r->iifname || !(r->fwmark & r->fwmask))
			return false;
		r->is_inverted = false;
		r->fwmark = 0;
	}
	if (r->src.len && !prefix_contains(&r->src, source))
		return false;
	r->src = (struct prefix){.addr = *source, .len = (uint8_t)(8 * addr_size(source->family))};
	return true;
}

int plan_foreign(struct planner *pl, const struct addr *source, uint32_t priority,
		 uint32_t last_priority)
{
	int32_t general = fib_general_len(source->family);

	for (size_t i = 0, n = 0; i < pl->s->n_rules && n < COPIES_MAX; i++) {
		struct rule_state r = pl->s->rules[i];

		if (r.family != source->family || r.priority <= last_priority ||
		    !rule_is_foreign_lookup(&r) || table_is_ours(pl, r.table) ||
		    !rule_narrow(&r, source) || !table_is_private(pl, r.table, r.family))
			continue;
		r.priority = priority;
		r.protocol = ROUTE_PROTOCOL_WAYMARK;
		if (r.suppress_prefixlength < general)
			r.suppress_prefixlength = general;
		if (planner_add_rule(pl, &r) < 0)
			return -ENOMEM;
		n++;
	}
	return 0;
}
