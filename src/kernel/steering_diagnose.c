/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_diagnose.c - why a packet with an uplink's mark might leave by another
 * line, from what the kernel has at this moment.
 *
 * Must not change anything, nor touch the plan of the last apply: it is asked in
 * the middle of things.
 */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stddef.h>

#include "kernel/steering_internal.h"

/* The rule by which packets of this mark find a table: ours, or somebody's that
 * does the same; in audit mode the first one that the mark fits. */
static const struct rule_state *rule_find(const struct config *c, const struct netstate *s,
					  const struct uplink_config *u, int family)
{
	for (size_t i = 0; i < s->n_rules; i++) {
		const struct rule_state *r = &s->rules[i];

		if (r->family != family || r->action != FR_ACT_TO_TBL || !r->fwmask ||
		    r->is_inverted || r->has_other ||
		    (u->mark & r->fwmask) != (r->fwmark & r->fwmask))
			continue;
		if (c->mode == MODE_AUDIT || r->table == u->table)
			return r;
	}
	return NULL;
}

static bool route_leads_to(const struct route_state *r, uint32_t ifindex)
{
	for (size_t i = 0; i < r->n_nexthops; i++)
		if (r->nexthops[i].ifindex == ifindex)
			return true;
	return false;
}

/* The default route that counts is the one of the lowest metric. */
static bool table_leads_to(const struct netstate *s, uint32_t table, int family, uint32_t ifindex)
{
	const struct route_state *best = NULL;

	for (size_t i = 0; i < s->n_routes; i++) {
		const struct route_state *r = &s->routes[i];

		if (r->table == table && r->family == family && !r->dst.len &&
		    (!best || r->metric < best->metric))
			best = r;
	}
	return best && best->type == RTN_UNICAST && route_leads_to(best, ifindex);
}

static enum reason routing_diagnose(const struct config *c, const struct netstate *now,
				    const struct uplink_config *u, int family)
{
	const struct link_state *link = netstate_link_by_name(now, u->ifname);
	const struct rule_state *rule;

	if (!link || !link->is_up || !link->has_carrier)
		return REASON_UPLINK_DOWN;
	rule = rule_find(c, now, u, family);
	if (!rule)
		return REASON_RULE_MISSING;
	if (!table_leads_to(now, rule->table, family, link->index))
		return REASON_ROUTE_MISSING;
	return REASON_UNEXPLAINED;
}

int steering_diagnose(struct steering *s, const struct uplink_config *u, int family)
{
	struct netstate *now = rtnl_snapshot(s->rtnl);
	enum reason reason;

	if (!now)
		return REASON_UNEXPLAINED;
	reason = routing_diagnose(s->config, now, u, family);
	netstate_free(now);
	/* In audit mode others restore the marks, in ways that are theirs. */
	if (reason != REASON_UNEXPLAINED || s->config->mode == MODE_AUDIT)
		return reason;
	if (!s->state->listing_hash && steering_recall(s) < 0)
		return REASON_UNEXPLAINED;
	return ruleset_is_loaded(s) ? REASON_UNEXPLAINED : REASON_RESTORE_MISSING;
}
