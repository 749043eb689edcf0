/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan.h - the routes and ip rules that should be there. Pure: made from
 * the configuration and a snapshot of links, addresses and routes.
 */
#ifndef WAYMARK_PLAN_ROUTE_PLAN_H
#define WAYMARK_PLAN_ROUTE_PLAN_H

#include "waymark/config/config.h"
#include "waymark/plan/netstate.h"

/* A gateway learnt for an uplink and kept after its route has moved. */
struct learnt_gateways {
	struct addr gateway[UPLINKS_MAX][2]; /* by slot; [0] IPv4, [1] IPv6; none: not known */
	bool is_known[UPLINKS_MAX][2];	     /* known, gateway none: point to point */
	bool is_released[UPLINKS_MAX][2];    /* down for good: its packets may leave by others */
};

/* What an operator, a check program or the health of an uplink has decided about it. The plan
 * only obeys: who decides, and what outranks what, is not its business. */
enum uplink_decision {
	DECISION_NONE,
	DECISION_UP,	/* used, as far as the kernel lets it: same as none */
	DECISION_DOWN,	/* as if it had lost its carrier; what is bound to it still leaves by it */
	DECISION_DRAIN, /* no share of new flows; everything else stays */
};
struct uplink_decisions {
	enum uplink_decision by_slot[UPLINKS_MAX];
};

/* Index of a family in the arrays by family. */
static inline unsigned family_index(int family)
{
	return family == AF_INET6;
}

/* Why an uplink has no default route of a family, for check and status. */
enum uplink_trouble {
	UPLINK_FINE,
	UPLINK_NO_LINK, /* no interface of that name */
	UPLINK_LINK_DOWN,
	UPLINK_NO_ADDRESS, /* no address of the family */
	UPLINK_NO_GATEWAY, /* none configured and none learnt */
};
const char *uplink_trouble_text(enum uplink_trouble t); /* "no address", ... */

struct uplink_plan {
	uint8_t slot;
	enum uplink_decision decision;
	uint32_t ifindex;		/* 0: none */
	enum uplink_trouble trouble[2]; /* [0] IPv4, [1] IPv6 */
	struct addr gateway[2];		/* in use; none where point to point or trouble */
};

struct route_plan {
	struct netstate *wanted; /* its routes and rules are the plan; its links are a
				  * copy of the snapshot's, for printing */
	struct uplink_plan uplinks[UPLINKS_MAX];
	size_t n_uplinks; /* in the configuration's order */
};

/* Updates *learnt from the default routes of table main in s that are not ours
 * (dhcp, ra, ppp, static), or, where there is none, from our own routes in the
 * uplinks' tables. */
void learnt_gateways_update(struct learnt_gateways *learnt, const struct config *c,
			    const struct netstate *s);

/* Whether an address is IPv6 link-local; whether some address of the interface lies in one
 * network with a (a wider one than the address alone; the other end of a point-to-point
 * address counts). */
bool gateway_is_link_local(const struct addr *a);
bool gateway_is_connected(const struct netstate *s, uint32_t ifindex, const struct addr *a);

/* Return what should be installed now; in mode audit the plan is empty. decisions may be
 * NULL: none. NULL with errno. The caller frees it with route_plan_free. */
struct route_plan *route_plan_new(const struct config *c, const struct netstate *s,
				  const struct learnt_gateways *learnt,
				  const struct uplink_decisions *decisions);
void route_plan_free(struct route_plan *p);

/* What to do to get from s to the plan: ours that are too much, ours that are
 * missing; a route of somebody else's that holds the place of a wanted one
 * (same table, destination, metric: the default route of main) is 'displaced'. Where
 * one of ours stands behind it in that place, which IPv4 allows, ours is 'add', too,
 * and those before it are to go; the one behind is in 'remove' unless as planned.
 * In each the routes and rules are copies. Returns NULL with errno. */
struct route_diff {
	struct netstate *remove;
	struct netstate *add;
	struct netstate *displaced;
};
struct route_diff *route_diff_new(const struct route_plan *p, const struct netstate *s);
void route_diff_free(struct route_diff *d);
bool route_diff_is_empty(const struct route_diff *d);

/* Prints the plan as 'ip' commands, rules first, with a comment for each uplink
 * that has no default route now. */
void route_plan_print(const struct route_plan *p, const struct config *c, FILE *out);

#endif
