/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnl.h - links, addresses, routes and rules over rtnetlink with libmnl.
 */
#ifndef WAYMARK_KERNEL_RTNL_H
#define WAYMARK_KERNEL_RTNL_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/plan/fib.h"
#include "waymark/plan/netstate.h"

struct rtnl;

struct rtnl *rtnl_open(void); /* a request socket; NULL with errno */
void rtnl_close(struct rtnl *r);
/* Its netlink port: the pid of the notices that its changes cause. */
uint32_t rtnl_port(const struct rtnl *r);
/* What the kernel said of the last refusal, or ""; valid until the next call. */
const char *rtnl_error(const struct rtnl *r);

/* Dumps links, addresses, routes (all tables but local; both families) and
 * rules. Repeats a torn dump. NULL with errno. */
struct netstate *rtnl_snapshot(struct rtnl *r);

/* Add answers -EEXIST, delete -ESRCH or -ENOENT, as the kernel does. replace:
 * NLM_F_REPLACE in place of NLM_F_EXCL. */
int rtnl_route_add(struct rtnl *r, const struct route_state *route, bool replace);
int rtnl_route_delete(struct rtnl *r, const struct route_state *route);
int rtnl_rule_add(struct rtnl *r, const struct rule_state *rule);
int rtnl_rule_delete(struct rtnl *r, const struct rule_state *rule);

/* Set the group of an interface. 0 or -errno. */
int rtnl_link_set_group(struct rtnl *r, uint32_t ifindex, uint32_t group);

/* The kernel's own answer to which way such a packet goes now: the table, one next
 * hop, for the one destination. iifname "lo" or "": the host's own packet, from one
 * of its addresses. Free the route with route_clear. 0, or -errno as the packet
 * would get it: -ENETUNREACH, -EHOSTUNREACH, -EACCES, -EXDEV (its source is refused
 * by the reverse path filter), ... */
int rtnl_route_get(struct rtnl *r, const struct fib_query *q, struct route_state *route);

/* A second kind of socket: it receives notifications of changes. */
enum rtnl_change {
	RTNL_LINK,
	RTNL_ADDR,
	RTNL_ROUTE,
	RTNL_RULE,
	RTNL_RP_FILTER, /* an interface's reverse path filter, or that of all */
};
struct rtnl_notice {
	enum rtnl_change what;
	bool is_delete;
	uint32_t pid;		  /* netlink port of who did it; 0: the kernel */
	uint32_t ifindex;	  /* with RTNL_LINK, RTNL_ADDR */
	struct link_state link;	  /* with RTNL_LINK */
	struct rule_state rule;	  /* with RTNL_RULE */
	struct route_state route; /* with RTNL_ROUTE; nexthops valid in the callback only */
};
typedef void rtnl_notice_fn(void *data, const struct rtnl_notice *n);

struct rtnl_monitor;
struct rtnl_monitor *rtnl_monitor_open(void); /* NULL with errno */
void rtnl_monitor_close(struct rtnl_monitor *m);
int rtnl_monitor_fd(const struct rtnl_monitor *m);
/* Messages read, 0: nothing more, -ENOBUFS: notices were lost (take a snapshot). */
int rtnl_monitor_receive(struct rtnl_monitor *m, rtnl_notice_fn *fn, void *data);

#endif
