/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fib.c - looks up routes. Rules are examined in the order of their priorities. In a table, the
 * route with the longest prefix is used.
 *
 * Pure. It answers from the snapshot, not from the kernel (rtnl_route_get() asks the kernel). No
 * snapshot contains table local, so the answer for an address of this host is wrong.
 */
#include "waymark/plan/fib.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define HALF_LEN  1
#define HALF_LEN6 4

uint8_t fib_general_len(uint8_t family)
{
	return family == AF_INET6 ? HALF_LEN6 : HALF_LEN;
}

/* --- tables ------------------------------------------------------------------------ */

static bool prefix_fits(const struct prefix *p, const struct addr *a)
{
	return !p->len || (!addr_is_none(a) && prefix_contains(p, a));
}

static bool route_is_before(const struct route_state *a, const struct route_state *b)
{
	if (a->dst.len != b->dst.len)
		return a->dst.len > b->dst.len;
	if (a->from.len != b->from.len)
		return a->from.len > b->from.len;
	return a->metric < b->metric;
}

static const struct route_state *table_lookup(const struct netstate *s, uint32_t table,
					      uint8_t family, const struct addr *src,
					      const struct addr *dst)
{
	const struct route_state *best = NULL;

	for (size_t i = 0; i < s->n_routes; i++) {
		const struct route_state *r = &s->routes[i];

		if (r->table != table || r->family != family || r->tos ||
		    !prefix_fits(&r->dst, dst) || !prefix_fits(&r->from, src))
			continue;
		if (!best || route_is_before(r, best))
			best = r;
	}
	return best;
}

const struct route_state *fib_table_lookup(const struct netstate *s, uint32_t table, uint8_t family,
					   const struct addr *dst, int32_t suppress)
{
	static const struct addr none;
	const struct route_state *r = table_lookup(s, table, family, &none, dst);

	return r && r->dst.len > suppress ? r : NULL;
}

bool fib_route_leads_to(const struct route_state *r, uint32_t ifindex)
{
	for (size_t i = 0; i < r->n_nexthops; i++)
		if (r->nexthops[i].ifindex != ifindex)
			return false;
	return r->n_nexthops > 0;
}

/* --- rules -------------------------------------------------------------------------- */

/* Return whether the rule's mark, interfaces and prefixes match the packet. An unknown input
 * interface matches no iif selector. An oif selector matches only packets of sockets that are bound
 * to the interface, and a query is never about such a packet. */
static bool selectors_fit(const struct rule_state *r, const struct fib_query *q)
{
	if ((q->mark & r->fwmask) != (r->fwmark & r->fwmask))
		return false;
	if (*r->oifname || (*r->iifname && strcmp(r->iifname, q->iifname)))
		return false;
	return prefix_fits(&r->src, &q->src) && prefix_fits(&r->dst, &q->dst);
}

enum fit { FIT_NO, FIT_MAYBE, FIT_YES };

static enum fit range_fit(const uint16_t range[2], uint16_t port)
{
	if (!range[0])
		return FIT_YES;
	if (!port)
		return FIT_MAYBE;
	return port >= range[0] && port <= range[1] ? FIT_YES : FIT_NO;
}

static enum fit proto_fit(const struct rule_extra *e, uint8_t proto)
{
	if (!e->ip_proto || e->ip_proto == proto)
		return FIT_YES;
	return proto ? FIT_NO : FIT_MAYBE;
}

/* Return whether the rule's uid range matches. The kernel routes a forwarded packet as if user 0
 * had sent it. The user of a packet from this host is unknown. */
static enum fit users_fit(const struct rule_extra *e, const char *iifname)
{
	if (!e->has_uids)
		return FIT_YES;
	if (!*iifname || !strcmp(iifname, "lo"))
		return FIT_MAYBE;
	return e->uids[0] ? FIT_NO : FIT_YES;
}

static enum fit less(enum fit a, enum fit b)
{
	return a < b ? a : b;
}

/* Return whether the rule's other selectors (`has_other`) match. FIT_MAYBE: a selector tests
 * something that the query does not contain. */
static enum fit others_fit(const struct rule_state *r, const struct fib_query *q)
{
	const struct rule_extra *e = &r->extra;
	enum fit fit = less(proto_fit(e, q->proto), users_fit(e, q->iifname));

	fit = less(fit, less(range_fit(e->sports, q->sport), range_fit(e->dports, q->dport)));
	if (e->tos || e->tun_id || e->is_l3mdev ||
	    !(e->ip_proto || e->sports[0] || e->dports[0] || e->has_uids))
		fit = less(fit, FIT_MAYBE);
	return fit;
}

static enum fit rule_fit(const struct rule_state *r, const struct fib_query *q)
{
	enum fit fit = FIT_NO;

	if (r->family != q->family)
		return FIT_NO;
	if (selectors_fit(r, q))
		fit = r->has_other ? others_fit(r, q) : FIT_YES;
	return r->is_inverted ? FIT_YES - fit : fit;
}

/* Return whether the rule suppresses the route that was found. Like the kernel, look only at the
 * interface of the first next hop. */
static bool rule_suppresses(const struct netstate *s, const struct rule_state *rule,
			    const struct route_state *r)
{
	const struct link_state *link;

	if (r->type != RTN_UNICAST)
		return false;
	if (r->dst.len <= rule->suppress_prefixlength)
		return true;
	link = rule->extra.has_suppress_ifgroup && r->n_nexthops
		       ? netstate_link_by_index(s, r->nexthops[0].ifindex)
		       : NULL;
	return link && link->group == rule->extra.suppress_ifgroup;
}

/* Return whether the look-up ends at this matching rule. Set *route to the route that the rule's
 * table has for the packet, or to NULL. */
static bool rule_decides(const struct netstate *s, const struct rule_state *r,
			 const struct fib_query *q, const struct route_state **route)
{
	*route = NULL;
	if (r->action == FR_ACT_GOTO || r->action == FR_ACT_NOP)
		return false;
	if (r->action != FR_ACT_TO_TBL)
		return true;
	*route = table_lookup(s, r->table, q->family, &q->src, &q->dst);
	return *route && (*route)->type != RTN_THROW && !rule_suppresses(s, r, *route);
}

static const struct rule_state *rule_after(const struct netstate *s, uint8_t family,
					   const struct rule_state *last)
{
	const struct rule_state *next = NULL;

	for (size_t i = 0; i < s->n_rules; i++) {
		const struct rule_state *r = &s->rules[i];

		if (r->family != family)
			continue;
		/* The kernel keeps rules of one priority in the order in which they were added. */
		if (last &&
		    (r->priority < last->priority || (r->priority == last->priority && r <= last)))
			continue;
		if (!next || r->priority < next->priority)
			next = r;
	}
	return next;
}

static const struct rule_state *rule_at(const struct netstate *s, uint8_t family, uint32_t priority)
{
	for (size_t i = 0; i < s->n_rules; i++)
		if (s->rules[i].family == family && s->rules[i].priority == priority)
			return &s->rules[i];
	return NULL;
}

/* Return the rule to examine after the matching rule r: the target of a goto if it exists,
 * otherwise the next rule. Set a->jump if r is another program's goto. */
static const struct rule_state *rule_follow(const struct netstate *s, const struct rule_state *r,
					    struct fib_answer *a)
{
	const struct rule_state *target = NULL;

	if (r->action == FR_ACT_GOTO && r->extra.target > r->priority)
		target = rule_at(s, r->family, r->extra.target);
	if (target && r->protocol != ROUTE_PROTOCOL_WAYMARK)
		a->jump = r;
	return target ? target : rule_after(s, r->family, r);
}

/* Note in the answer that rule r might match. The first such rule that finds a route becomes
 * `possible_rule`. */
static void possible_note(const struct netstate *s, const struct rule_state *r,
			  const struct fib_query *q, struct fib_answer *a)
{
	const struct route_state *route;

	a->is_sure = false;
	if (a->possible_rule || !rule_decides(s, r, q, &route) || !route)
		return;
	a->possible_rule = r;
	a->possible_route = route;
}

void fib_lookup(const struct netstate *s, const struct fib_query *q, struct fib_answer *a)
{
	const struct rule_state *r = rule_after(s, q->family, NULL);

	*a = (struct fib_answer){.is_sure = true};
	while (r) {
		enum fit fit = rule_fit(r, q);

		if (fit == FIT_MAYBE)
			possible_note(s, r, q, a);
		if (fit == FIT_YES && rule_decides(s, r, q, &a->route)) {
			a->rule = r;
			return;
		}
		r = fit == FIT_YES ? rule_follow(s, r, a) : rule_after(s, q->family, r);
	}
	a->route = NULL;
}

/* --- why ------------------------------------------------------------------------------ */

static const struct rule_state *fib_mark_rule(const struct netstate *s, const struct config *c,
					      const struct uplink_config *u, int family)
{
	const struct rule_state *found = NULL;

	for (size_t i = 0; i < s->n_rules; i++) {
		const struct rule_state *r = &s->rules[i];

		if (r->family != family || r->action != FR_ACT_TO_TBL || !r->fwmask ||
		    r->is_inverted || r->has_other ||
		    (u->mark & r->fwmask) != (r->fwmark & r->fwmask))
			continue;
		if (c->mode == MODE_STEER && r->table != u->table)
			continue;
		if (!found || r->priority < found->priority)
			found = r;
	}
	return found;
}

/* Return whether a rule that decided before the mark's rule is one for local destinations. A rule
 * of ours that decides there always is. In mode audit another program steers: its rule for local
 * destinations looks up table main with suppress_prefixlength. */
static bool is_local_first(const struct config *c, const struct rule_state *r)
{
	return r->protocol == ROUTE_PROTOCOL_WAYMARK ||
	       (c->mode == MODE_AUDIT && r->table == RT_TABLE_MAIN &&
		r->suppress_prefixlength >= 0);
}

/* Return whether the rule that decided (`answer`) is a foreign rule before the mark's rule. A rule
 * for local destinations does not count: if it decided, the fault is a route, not a rule. */
static bool is_rule_before(const struct config *c, const struct rule_state *answer,
			   const struct rule_state *mark)
{
	return answer && answer->priority < mark->priority && !is_local_first(c, answer);
}

/* Return whether another program's goto rule skipped the mark's rule. */
static bool is_skipped(const struct rule_state *jump, const struct rule_state *mark)
{
	return jump && jump->priority < mark->priority && jump->extra.target > mark->priority;
}

/* The look-up led to the uplink. Return whether an earlier rule might have matched and led
 * elsewhere. If so, set the answer to that rule and its route. */
static bool is_possibly_before(const struct config *c, struct fib_answer *a, uint32_t ifindex)
{
	if (!a->possible_rule || is_local_first(c, a->possible_rule) ||
	    fib_route_leads_to(a->possible_route, ifindex))
		return false;
	a->rule = a->possible_rule;
	a->route = a->possible_route;
	return true;
}

enum reason fib_diagnose(const struct netstate *s, const struct config *c,
			 const struct uplink_config *u, const struct fib_query *q,
			 struct fib_answer *answer)
{
	const struct link_state *link = netstate_link_by_name(s, u->ifname);
	const struct rule_state *rule = fib_mark_rule(s, c, u, q->family);
	struct fib_answer own, *a = answer ? answer : &own;

	*a = (struct fib_answer){.is_sure = true};
	if (!link || !link->is_up || !link->has_carrier)
		return REASON_UPLINK_DOWN;
	fib_lookup(s, q, a);
	if (a->route && fib_route_leads_to(a->route, link->index))
		return is_possibly_before(c, a, link->index) ? REASON_RULE_BEFORE
							     : REASON_UNEXPLAINED;
	if (!rule)
		return REASON_RULE_MISSING;
	if (is_skipped(a->jump, rule)) {
		a->rule = a->jump;
		return REASON_RULE_BEFORE;
	}
	if (is_rule_before(c, a->rule, rule))
		return REASON_RULE_BEFORE;
	return a->route && a->route->dst.len ? REASON_ROUTE_SPECIFIC : REASON_ROUTE_MISSING;
}
