/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_plan.h - the routes and ip rules that should be there. Pure: made from
 * the configuration and a snapshot of links, addresses and routes.
 */
#ifndef WAYMARK_PLAN_ROUTE_PLAN_H
#define WAYMARK_PLAN_ROUTE_PLAN_H

#include "waymark/config/config.h"
#include "waymark/plan/netstate.h"

/* How many default routes are kept per uplink and family: one for any source, and one per
 * prefix of the source-specific ones (IPv6). */
#define LEARNT_MAX	 3
#define LEARNT_EXTRA_MAX 160

/* An uplink's default route, with the attributes that its creator gave it. */
struct learnt_default {
	struct addr gateway; /* none: point to point */
	struct prefix from;  /* len 0: any source */
	struct addr prefsrc; /* or none */
	uint32_t metric;
	bool is_onlink;
	bool is_recalled; /* from the saved state, which has the gateway alone */
	uint16_t extra_size;
	uint8_t extra[LEARNT_EXTRA_MAX]; /* mtu, advmss, preference, ... (route_extra.h) */
};

/* The uplinks' default routes in table main; with balance = "main", where our route may have
 * displaced them, the last ones seen. By slot; [0] IPv4, [1] IPv6. */
struct learnt_gateways {
	struct learnt_default defaults[UPLINKS_MAX][2][LEARNT_MAX];
	uint8_t n[UPLINKS_MAX][2];	  /* how many; that for any source is the first */
	bool is_released[UPLINKS_MAX][2]; /* down for good: its flows may go on by others */
};

/* What an operator, a check program or the health of an uplink has decided about it. The plan
 * only obeys: it must not know who decides, nor the precedence. */
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

/* The group that the uplinks' interfaces are put into; the number of our routes' protocol. */
#define LINK_GROUP_WAYMARK ROUTE_PROTOCOL_WAYMARK

/* Priorities of ip rules, from rule-priority on. Unmarked forwarded packets skip all
 * of them by two jumps; unmarked packets of the router skip the first part. */
enum {
	RULES_SKIP_UNMARKED,  /* fwmark 0/MASK goto RULES_SKIP_FORWARDED */
	RULES_LOCAL,	      /* local destinations, before any mark */
	RULES_MARKS,	      /* one for each uplink */
	RULES_SKIP_FORWARDED, /* plus the number of uplinks: not iif lo goto RULES_END */
	RULES_BOUND_LOCAL,    /* likewise: from ADDRESS, local destinations */
	RULES_BOUND,	      /* likewise: from ADDRESS, or oif INTERFACE, its table */
	RULES_BOUND_REFUSED,  /* likewise: from ADDRESS unreachable */
	RULES_END,	      /* likewise: nop */
};
/* The rules of the balanced route: behind all foreign rules, before that of table main. They
 * have one priority, for there is no room for two; the kernel keeps the order of adding. */
#define RULE_PRIORITY_BALANCE CONFIG_RULE_PRIORITY_BALANCE
_Static_assert(CONFIG_RULES_BESIDE == RULES_END, "config.h counts the rules");

/* Return the priority of the rule of an uplink's mark, and of the last rule of the range. */
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
	uint32_t ifindex;		/* 0: none */
	enum uplink_trouble trouble[2]; /* [0] IPv4, [1] IPv6 */
	struct addr gateway[2];		/* in use; none where point to point or trouble */
};

struct route_plan {
	struct netstate *wanted; /* its routes and rules are the plan; its links are a
				  * copy of the snapshot's, for printing */
	struct uplink_plan uplinks[UPLINKS_MAX];
	size_t n_uplinks;    /* in the configuration's order */
	uint32_t link_group; /* that the uplinks' interfaces are to be in; 0: none is needed */
};

/* Update *learnt from the default routes of table main in s that are not ours (dhcp, ra, ppp,
 * static, routing daemons). Routes gone from main are forgotten; with balance = "main" they
 * are kept, or taken from our own routes in the uplinks' tables. */
void learnt_gateways_update(struct learnt_gateways *learnt, const struct config *c,
			    const struct netstate *s);
/* Return the default route for any source, or the first for one prefix; NULL: none. */
const struct learnt_default *learnt_default_find(const struct learnt_gateways *learnt, uint8_t slot,
						 unsigned f);

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

/* The changes that lead from s to the plan. 'remove': our unexpected routes and rules; 'add': our
 * missing ones; 'displaced': foreign routes in the place of a wanted one (same table, destination
 * and metric, as main's default route). IPv4 allows our route to follow a foreign one in that
 * place: then ours is in 'add', too, the routes before ours are deleted, and ours is in 'remove'
 * unless it is as planned. All are copies. Returns NULL with errno. */
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
