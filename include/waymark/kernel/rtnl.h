/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnl.h - reads links, addresses, routes and rules over rtnetlink with libmnl, and changes routes,
 * rules and the groups of links.
 */
#ifndef WAYMARK_KERNEL_RTNL_H
#define WAYMARK_KERNEL_RTNL_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/plan/fib.h"
#include "waymark/plan/netstate.h"

struct rtnl;

struct rtnl *rtnl_open(void); /* NULL with errno */
void rtnl_close(struct rtnl *r);
/* Return the socket's netlink port. The notice about a change that was made over this socket has
 * this port as `pid` (struct rtnl_notice). */
uint32_t rtnl_port(const struct rtnl *r);
/* Return the kernel's message about the last refused request, or ""; valid until the next call. */
const char *rtnl_error(const struct rtnl *r);

/* Take a snapshot of links, addresses, routes (all tables except local, both families) and rules. A
 * dump that the kernel marks as inconsistent (NLM_F_DUMP_INTR) is repeated. Return NULL with errno
 * on failure. */
struct netstate *rtnl_snapshot(struct rtnl *r);

/* Add or delete a route or rule. Return 0 or the kernel's -errno: -EEXIST if the route or rule
 * exists, -ESRCH or -ENOENT if it is missing. If replace is set, rtnl_route_add() replaces an
 * existing route (NLM_F_REPLACE) instead of failing. */
int rtnl_route_add(struct rtnl *r, const struct route_state *route, bool replace);
int rtnl_route_delete(struct rtnl *r, const struct route_state *route);
int rtnl_rule_add(struct rtnl *r, const struct rule_state *rule);
int rtnl_rule_delete(struct rtnl *r, const struct rule_state *rule);

/* Set the group of an interface. Return 0 or -errno. */
int rtnl_link_set_group(struct rtnl *r, uint32_t ifindex, uint32_t group);

/* Ask the kernel which route a packet takes now. Set *route to this route's table and to the one
 * next hop that the kernel chooses; the caller frees it with route_clear(). q->iifname: "lo" and ""
 * mean that this host sends the packet. Return 0, or the error that the sender of the packet would
 * get: -ENETUNREACH, -EHOSTUNREACH, -EACCES, -EXDEV (the reverse path filter refuses the source
 * address), ... */
int rtnl_route_get(struct rtnl *r, const struct fib_query *q, struct route_state *route);

/* A monitor receives, on a socket of its own, notices about the changes that any process makes. */
enum rtnl_change {
	RTNL_LINK,
	RTNL_ADDR,
	RTNL_ROUTE,
	RTNL_RULE,
	RTNL_RP_FILTER, /* reverse path filter of an interface, or of all interfaces */
};
struct rtnl_notice {
	enum rtnl_change what;
	bool is_delete;
	uint32_t pid;		  /* netlink port of the process that made the change; 0: the
				   * kernel */
	uint32_t ifindex;	  /* valid if `what` is RTNL_LINK or RTNL_ADDR */
	struct link_state link;	  /* valid if `what` is RTNL_LINK */
	struct rule_state rule;	  /* valid if `what` is RTNL_RULE */
	struct route_state route; /* valid if `what` is RTNL_ROUTE; nexthops and extra are valid
				   * only during the callback */
};
typedef void rtnl_notice_fn(void *data, const struct rtnl_notice *n);

struct rtnl_monitor;
struct rtnl_monitor *rtnl_monitor_open(void); /* NULL with errno */
void rtnl_monitor_close(struct rtnl_monitor *m);
int rtnl_monitor_fd(const struct rtnl_monitor *m);
/* Return the number of messages read (0: none left), -ENOBUFS if notices were lost (take a
 * snapshot), or another -errno. */
int rtnl_monitor_receive(struct rtnl_monitor *m, rtnl_notice_fn *fn, void *data);

#endif
