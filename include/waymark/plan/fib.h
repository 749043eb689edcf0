/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fib.h - looks up a packet in the rules and tables of a snapshot, as the kernel does. Finds the
 * rule and the route that the packet takes, and the reason why the packet does not leave by its
 * uplink. Pure.
 */
#ifndef WAYMARK_PLAN_FIB_H
#define WAYMARK_PLAN_FIB_H

#include "waymark/config/config.h"
#include "waymark/plan/netstate.h"
#include "waymark/base/record.h"

/* The packet to route, after destination NAT and before source NAT. An address without a family
 * matches only prefixes of length 0. */
struct fib_query {
	struct addr src, dst;
	uint8_t family;
	uint8_t proto;	       /* IPPROTO_...; 0: unknown */
	uint16_t sport, dport; /* 0: unknown */
	uint32_t mark;	       /* the packet's mark, not masked */
	const char *iifname;   /* input interface; "lo": this host sends the packet; "": unknown */
};

/* Result of a look-up. rule and route belong to the snapshot. */
struct fib_answer {
	/* the rule that decides, because its table has a route or its action refuses the packet;
	 * NULL: no rule decides */
	const struct rule_state *rule;
	/* the route that this rule found; NULL: no rule decides, or the action of the rule refuses
	 * the packet */
	const struct route_state *route;
	/* false: before `rule` there are rules that might match the packet; their selectors test
	 * something that the query does not contain */
	bool is_sure;
	/* the first rule that might match and whose table has a route for the packet, and this
	 * route; NULL: none */
	const struct rule_state *possible_rule;
	const struct route_state *possible_route;
	/* another program's goto rule that the packet followed; NULL: none */
	const struct rule_state *jump;
};
void fib_lookup(const struct netstate *s, const struct fib_query *q, struct fib_answer *a);

/* Return the route of a table for an address: the one with the longest prefix and, among these,
 * with the lowest metric. Return NULL if there is none, or if its prefix length is at most
 * `suppress` (-1: every length is accepted). Routes with a source prefix are ignored. */
const struct route_state *fib_table_lookup(const struct netstate *s, uint32_t table, uint8_t family,
					   const struct addr *dst, int32_t suppress);

/* Return the maximum length of a prefix that counts as part of a default route. A VPN often takes
 * over the default route with two more specific routes: for 0.0.0.0/1 and 128.0.0.0/1 or, in IPv6,
 * for the halves of ::/0 or 2000::/3. */
uint8_t fib_general_len(uint8_t family);

/* Return whether r has next hops and all of them are on this interface. */
bool fib_route_leads_to(const struct route_state *r, uint32_t ifindex);

/* Return why packets with the mark of uplink u do not leave by u in this snapshot:
 * REASON_UPLINK_DOWN, REASON_RULE_MISSING (no rule for the mark), REASON_RULE_BEFORE (another
 * process's rule matches first, or skips the rule of the mark), REASON_ROUTE_SPECIFIC (a route
 * other than a default route leads elsewhere), REASON_ROUTE_MISSING (the uplink's table has no
 * route by the uplink). If the packets do leave by u in the snapshot, return REASON_UNEXPLAINED.
 * But if `possible_rule` leads elsewhere, return REASON_RULE_BEFORE with this rule as the answer's
 * `rule`. If `answer` is not NULL, set *answer to the result of the look-up. */
enum reason fib_diagnose(const struct netstate *s, const struct config *c,
			 const struct uplink_config *u, const struct fib_query *q,
			 struct fib_answer *answer);

#endif
