/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan_rules.c - plans the ip rules that lead to the uplinks' tables.
 *
 * Packets with an uplink's mark are led to the uplink's table, after local destinations have been
 * looked up. Traffic of this host that is bound to an address or interface of an uplink is led to
 * that uplink's table, too. The rules for bound traffic do not depend on decisions about the uplink
 * (enum uplink_decision), so that a program can probe an uplink that was decided down or drained.
 * Most packets of a router are forwarded and have no mark. Two jumps let packets skip the rules
 * that are not for them.
 *
 * Pure. Must not know what the tables contain.
 */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "plan/route_plan_internal.h"
#include "waymark/plan/fib.h"

struct rule_state rule_lookup(uint8_t family, uint32_t priority, uint32_t table)
{
	return (struct rule_state){
		.family = family,
		.priority = priority,
		.action = FR_ACT_TO_TBL,
		.protocol = ROUTE_PROTOCOL_WAYMARK,
		.table = table,
		.suppress_prefixlength = -1,
	};
}

static uint32_t priority_behind(const struct planner *pl, unsigned part)
{
	return pl->c->rule_priority + part - 1 + (uint32_t)pl->c->n_uplinks;
}

static struct rule_state rule_goto(uint8_t family, uint32_t priority, uint32_t target)
{
	struct rule_state r = rule_lookup(family, priority, 0);

	r.action = FR_ACT_GOTO;
	r.extra.target = target;
	return r;
}

static struct rule_state rule_local(const struct planner *pl, uint8_t family, uint32_t priority)
{
	struct rule_state r = rule_lookup(family, priority, RT_TABLE_MAIN);

	if (pl->local_routes == LOCAL_COPY) {
		r.table = local_table(pl->c);
		return r;
	}
	r.suppress_prefixlength = fib_general_len(family);
	r.extra.has_suppress_ifgroup = true;
	r.extra.suppress_ifgroup = pl->p->link_group;
	return r;
}

static int plan_exclusions(struct planner *pl, uint8_t family, uint32_t priority)
{
	for (size_t i = 0; i < pl->s->n_routes; i++) {
		const struct route_state *r = &pl->s->routes[i];
		struct rule_state rule =
			rule_goto(family, priority, priority_behind(pl, RULES_END));

		if (r->family != family || !route_is_local(pl, r))
			continue;
		rule.dst = r->dst;
		if (planner_add_rule(pl, &rule) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int plan_local(struct planner *pl, uint8_t family)
{
	uint32_t priority = pl->c->rule_priority + RULES_LOCAL;
	struct rule_state r = rule_local(pl, family, priority);

	if (pl->local_routes == LOCAL_EXCLUDE)
		return plan_exclusions(pl, family, priority);
	return planner_add_rule(pl, &r);
}

/* Plan the rules for marks. If the decision about an uplink is DECISION_DOWN, the uplink gets no
 * rule. Its flows then use other uplinks, although its table still has a default route. */
static int plan_marks(struct planner *pl, uint8_t family)
{
	for (size_t i = 0; i < pl->c->n_uplinks; i++) {
		const struct uplink_config *u = &pl->c->uplinks[i];
		struct rule_state r = rule_lookup(family, rule_priority_of(pl->c, u), u->table);

		if (pl->p->uplinks[i].decision == DECISION_DOWN)
			continue;
		r.fwmark = u->mark;
		r.fwmask = pl->c->mark_mask;
		if (planner_add_rule(pl, &r) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* --- traffic of this host that is bound to an uplink ------------------------------------ */

/* Return whether a rule for this source address is already planned. An address of two uplinks gets
 * the rules of the first one only. */
static bool source_is_planned(const struct planner *pl, const struct addr *a)
{
	for (size_t i = 0; i < pl->p->wanted->n_rules; i++) {
		const struct rule_state *r = &pl->p->wanted->rules[i];

		if (r->priority == priority_behind(pl, RULES_BOUND) && r->src.len &&
		    addr_is_equal(&r->src.addr, a))
			return true;
	}
	return false;
}

/* Plan the rules for packets from one source address. They look up local destinations first, then
 * private networks in other programs' tables (route_plan_foreign.c), then the uplink's table. A
 * packet without a route there is refused. By another uplink, a probe would test the wrong uplink,
 * and the provider would drop the packet because of its source. */
static int plan_source(struct planner *pl, const struct uplink_config *u, const struct addr *a)
{
	uint8_t family = a->family;
	struct rule_state local = rule_local(pl, family, priority_behind(pl, RULES_BOUND_LOCAL));
	struct rule_state r = rule_lookup(family, priority_behind(pl, RULES_BOUND), u->table);
	struct rule_state refused =
		rule_lookup(family, priority_behind(pl, RULES_BOUND_REFUSED), 0);

	if (source_is_planned(pl, a))
		return 0;
	r.src.addr = *a;
	r.src.len = (uint8_t)(8 * addr_size(family));
	local.src = refused.src = r.src;
	refused.action = FR_ACT_UNREACHABLE;
	if (pl->local_routes != LOCAL_EXCLUDE && planner_add_rule(pl, &local) < 0)
		return -ENOMEM;
	if (plan_foreign(pl, a, local.priority, priority_behind(pl, RULES_END)) < 0)
		return -ENOMEM;
	return planner_add_rule(pl, &r) < 0 ? -ENOMEM : planner_add_rule(pl, &refused);
}

static int plan_sources(struct planner *pl, size_t i, uint8_t family)
{
	const struct uplink_config *u = &pl->c->uplinks[i];
	uint32_t ifindex = pl->p->uplinks[i].ifindex;
	struct uplink_work w;
	size_t n;

	for (size_t k = 0; k < pl->s->n_addrs; k++) {
		const struct addr_state *a = &pl->s->addrs[k];

		if (a->ifindex == ifindex && a->prefix.addr.family == family && !a->is_link_local &&
		    plan_source(pl, u, &a->prefix.addr) < 0)
			return -ENOMEM;
	}
	/* A default route's preferred source can be on another interface. It gets rules, too. */
	n = uplink_defaults(pl, i, family_index(family), &w);
	for (size_t k = 0; k < n; k++)
		if (address_is_own(pl->s, &w.defaults[k].prefsrc) &&
		    plan_source(pl, u, &w.defaults[k].prefsrc) < 0)
			return -ENOMEM;
	return 0;
}

static int plan_bound(struct planner *pl, uint8_t family)
{
	if (pl->local_routes == LOCAL_EXCLUDE &&
	    plan_exclusions(pl, family, priority_behind(pl, RULES_BOUND_LOCAL)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < pl->c->n_uplinks; i++) {
		const struct uplink_config *u = &pl->c->uplinks[i];
		struct rule_state r =
			rule_lookup(family, priority_behind(pl, RULES_BOUND), u->table);

		if (plan_sources(pl, i, family) < 0)
			return -ENOMEM;
		strcpy(r.oifname, u->ifname);
		if (planner_add_rule(pl, &r) < 0)
			return -ENOMEM;
	}
	return 0;
}

int plan_rules(struct planner *pl, uint8_t family)
{
	uint32_t first = pl->c->rule_priority, bound = priority_behind(pl, RULES_SKIP_FORWARDED),
		 end = priority_behind(pl, RULES_END);
	struct rule_state unmarked = rule_goto(family, first + RULES_SKIP_UNMARKED, bound);
	struct rule_state forwarded = rule_goto(family, bound, end);
	struct rule_state last = rule_lookup(family, end, 0);

	unmarked.fwmask = pl->c->mark_mask;
	strcpy(forwarded.iifname, "lo");
	forwarded.is_inverted = true;
	last.action = FR_ACT_NOP;
	/* The kernel ignores a jump until its target exists. The target is added after the rules
	 * that the jump skips, so the jump takes effect when all of them exist. */
	if (planner_add_rule(pl, &unmarked) < 0 || plan_local(pl, family) < 0 ||
	    plan_marks(pl, family) < 0 || planner_add_rule(pl, &forwarded) < 0 ||
	    plan_bound(pl, family) < 0)
		return -ENOMEM;
	return planner_add_rule(pl, &last);
}
