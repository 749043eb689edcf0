/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan.h - plans the routes and ip rules that should be installed, from the configuration and
 * a snapshot of links, addresses and routes. Pure.
 */
#ifndef WAYMARK_PLAN_ROUTE_PLAN_H
#define WAYMARK_PLAN_ROUTE_PLAN_H

#include "waymark/config/config.h"
#include "waymark/plan/netstate.h"

/* Maximum number of default routes per uplink and family. One is for any source. In IPv6 the others
 * are for one source prefix each. */
#define LEARNT_MAX	 3
#define LEARNT_EXTRA_MAX 160

/* An uplink's default route, with the attributes that its creator gave it. */
struct learnt_default {
	struct addr gateway; /* none: point-to-point */
	struct prefix from;  /* len 0: any source */
	struct addr prefsrc; /* preferred source, or none */
	uint32_t metric;
	bool is_onlink;
	bool is_recalled; /* read from the saved state, which contains only the gateway */
	uint16_t extra_size;
	uint8_t extra[LEARNT_EXTRA_MAX]; /* mtu, advmss, preference, ... (route_extra.h) */
};

/* The uplinks' default routes in table main, by slot; [0] IPv4, [1] IPv6. If balance is "main", our
 * own default route takes the place of these routes in table main. This struct then still has them
 * as they were seen last. */
struct learnt_gateways {
	struct learnt_default defaults[UPLINKS_MAX][2][LEARNT_MAX];
	uint8_t n[UPLINKS_MAX][2]; /* number of `defaults`; the one for any source is first */
	bool is_released[UPLINKS_MAX][2]; /* the uplink has been down for so long that its flows may
					   * use other uplinks (steering_release.c) */
};

/* What an operator, a check program or the uplink's health has decided about an uplink. The planner
 * only obeys the decision. It must not know who decides, or whose decision has precedence. */
enum uplink_decision {
	DECISION_NONE,
	/* like DECISION_NONE: the uplink is used if its link and addresses allow it */
	DECISION_UP,
	/* the uplink's flows use other uplinks, and the uplink gets no new flows; traffic that is
	 * bound to the uplink's address or interface still leaves by the uplink */
	DECISION_DOWN,
	/* the uplink gets no share of new flows; all other traffic stays on the uplink */
	DECISION_DRAIN,
};
struct uplink_decisions {
	enum uplink_decision by_slot[UPLINKS_MAX];
};

/* Return the index of a family in arrays that have one element per family. */
static inline unsigned family_index(int family)
{
	return family == AF_INET6;
}

/* Why an uplink has no default route of a family, as 'check' and 'status' report it. */
enum uplink_trouble {
	UPLINK_FINE,
	UPLINK_NO_LINK, /* no interface has this name */
	UPLINK_LINK_DOWN,
	UPLINK_NO_ADDRESS, /* no address of the family */
	UPLINK_NO_GATEWAY, /* a gateway is neither configured nor learnt */
};
const char *uplink_trouble_text(enum uplink_trouble t); /* such as "no address" */

/* The interface group that the uplinks' interfaces are put into. It has the number of our routes'
 *  protocol. */
#define LINK_GROUP_WAYMARK ROUTE_PROTOCOL_WAYMARK

/* Priorities of our ip rules, relative to rule-priority. Two jumps skip rules. Unmarked packets of
 * this host skip the rules for marks. Unmarked forwarded packets skip all rules. */
enum {
	RULES_SKIP_UNMARKED, /* fwmark 0/MASK goto RULES_SKIP_FORWARDED */
	RULES_LOCAL,	     /* routes to local destinations precede those of an uplink */
	RULES_MARKS,	     /* mark of an uplink: its table; one priority for each uplink */
	/* not iif lo goto RULES_END. RULES_MARKS takes one priority per uplink, so from here on the
	 * priority of a rule is its number here, plus the number of uplinks, minus one. */
	RULES_SKIP_FORWARDED,
	RULES_BOUND_LOCAL,   /* from ADDRESS: routes to local destinations first */
	RULES_BOUND,	     /* from ADDRESS or oif INTERFACE: table of the uplink */
	RULES_BOUND_REFUSED, /* from ADDRESS: unreachable, if that table has no route */
	RULES_END,	     /* nop */
};
/* Priority of the rules of the balanced route. They must come after all foreign rules, but before
 * the rule of table main. Only one priority is free there, so they share it. The kernel keeps rules
 * of the same priority in the order in which they were added. */
#define RULE_PRIORITY_BALANCE CONFIG_RULE_PRIORITY_BALANCE
_Static_assert(CONFIG_RULES_BESIDE == RULES_END, "config.h counts the rules");

/* rule_priority_of() returns the priority of the rule for an uplink's mark. rule_priority_last()
 * returns the priority of our last rule (RULES_END). */
static inline uint32_t rule_priority_of(const struct config *c, const struct uplink_config *u)
{
	return c->rule_priority + RULES_MARKS + (uint32_t)(u - c->uplinks);
}
static inline uint32_t rule_priority_last(const struct config *c)
{
	return c->rule_priority + RULES_END - 1 + (uint32_t)c->n_uplinks;
}

struct uplink_plan {
	uint8_t slot;
	enum uplink_decision decision;
	uint32_t ifindex;		/* 0: the interface is missing */
	enum uplink_trouble trouble[2]; /* [0] IPv4, [1] IPv6 */
	struct addr gateway[2];		/* gateway in use; none if point-to-point or in trouble */
};

struct route_plan {
	/* the planned routes and rules; also a copy of the snapshot's links, for printing */
	struct netstate *wanted;
	struct uplink_plan uplinks[UPLINKS_MAX];
	size_t n_uplinks;    /* in the configuration's order */
	uint32_t link_group; /* group to put the uplinks' interfaces into; 0: no group is needed */
};

/* Set *learnt to the foreign default routes of table main in s (from DHCP, router advertisements,
 * ppp, static routes, routing daemons). If an uplink has no such route, forget its learnt routes.
 * But if balance is "main", our own route might have displaced them: keep those whose gateway is
 * still possible or, if none is left, take our own default routes in the uplink's table. */
void learnt_gateways_update(struct learnt_gateways *learnt, const struct config *c,
			    const struct netstate *s);
/* Return the uplink's default route for any source. If it has none, return its first default route
 * for a source prefix; NULL: the uplink has no default route. */
const struct learnt_default *learnt_default_find(const struct learnt_gateways *learnt, uint8_t slot,
						 unsigned f);

/* gateway_is_link_local() returns whether an address is an IPv6 link-local address.
 * gateway_is_connected() returns whether an address is in a network of an interface. A host address
 * (/32, /128) of the interface is not a network, but the other end of a point-to-point address
 * counts. */
bool gateway_is_link_local(const struct addr *a);
bool gateway_is_connected(const struct netstate *s, uint32_t ifindex, const struct addr *a);

/* Return the plan of what should be installed now. In mode audit the plan contains no routes and no
 * rules. If `decisions` is NULL, nothing was decided about any uplink. Return NULL with errno on
 * failure. The caller frees the plan with route_plan_free(). */
struct route_plan *route_plan_new(const struct config *c, const struct netstate *s,
				  const struct learnt_gateways *learnt,
				  const struct uplink_decisions *decisions);
void route_plan_free(struct route_plan *p);

/* The changes that lead from the snapshot s to the plan. `remove` has our routes and rules that are
 * not planned. `add` has the planned routes and rules that are missing. `displaced` has the foreign
 * routes in the place of a planned route (see route_is_same_place()), such as the default route of
 * table main. IPv4 allows several routes in one place, and the first one is in use. If the first is
 * foreign, our route is therefore in `add` even if it is installed behind it. All elements are
 * copies. route_diff_new() returns NULL with errno on failure. */
struct route_diff {
	struct netstate *remove;
	struct netstate *add;
	struct netstate *displaced;
};
struct route_diff *route_diff_new(const struct route_plan *p, const struct netstate *s);
void route_diff_free(struct route_diff *d);
bool route_diff_is_empty(const struct route_diff *d);

/* Print the plan as 'ip' commands, rules first, with a comment for each uplink that currently has
 * no default route. */
void route_plan_print(const struct route_plan *p, const struct config *c, FILE *out);

/* Return whether r belongs to another program and looks up a table other than local, main and
 * default. The plan depends on such rules, and on the routes to private networks in their
 * tables. */
bool rule_is_foreign_lookup(const struct rule_state *r);
bool prefix_is_private(const struct prefix *p);
/* Return whether a prefix is one of the internet. */
bool prefix_is_public(const struct prefix *p);

#endif
