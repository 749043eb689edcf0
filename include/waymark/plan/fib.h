/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fib.h - follows a packet through a snapshot's rules and tables as the kernel does: which
 * rule decides, which route, and why that is not what an uplink's mark leads to. Pure.
 */
#ifndef WAYMARK_PLAN_FIB_H
#define WAYMARK_PLAN_FIB_H

#include "waymark/config/config.h"
#include "waymark/plan/netstate.h"
#include "waymark/base/record.h"

/* The packet to route: after destination NAT, before source NAT. An address without
 * a family matches only rules without a selector for it. */
struct fib_query {
	struct addr src, dst;
	uint8_t family;
	uint32_t mark;	     /* the packet's, whole */
	const char *iifname; /* "lo": the router's own; "": not known */
};

/* Where the look-up ends. rule and route belong to the snapshot. */
struct fib_answer {
	const struct rule_state *rule;	 /* NULL: no rule had a route */
	const struct route_state *route; /* NULL: none, or the rule itself refuses */
	bool is_sure; /* no rule before it has selectors that a snapshot does not hold */
};
void fib_lookup(const struct netstate *s, const struct fib_query *q, struct fib_answer *a);

/* Return the route of a table for an address, or NULL. Longer prefixes first, then the lower
 * metric; prefixes of at most suppress bits are passed over (-1: none), and so are routes for
 * one source prefix. */
const struct route_state *fib_table_lookup(const struct netstate *s, uint32_t table, uint8_t family,
					   const struct addr *dst, int32_t suppress);

/* The longest prefix that stands for destinations in general: half of a default route, or, in
 * IPv6, half of 2000::/3, as the VPNs add them that take over a default route. */
uint8_t fib_general_len(uint8_t family);

/* Whether r has next hops, all of them on this interface. */
bool fib_route_leads_to(const struct route_state *r, uint32_t ifindex);

/* Return why, in this snapshot, packets with the uplink's mark do not leave by u:
 * REASON_UPLINK_DOWN, REASON_RULE_MISSING (the mark's rule is missing), REASON_RULE_BEFORE
 * (another process's rule takes them first), REASON_ROUTE_SPECIFIC (a route that is no
 * default leads elsewhere), REASON_ROUTE_MISSING (the uplink's table has no route by it),
 * REASON_UNEXPLAINED where they would. answer: where they go; or NULL. */
enum reason fib_diagnose(const struct netstate *s, const struct config *c,
			 const struct uplink_config *u, const struct fib_query *q,
			 struct fib_answer *answer);

#endif
