/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netstate.h - a snapshot of links, addresses, routes and rules as the kernel has them. The
 * rtnetlink adapter fills it; the planner reads it.
 */
#ifndef WAYMARK_PLAN_NETSTATE_H
#define WAYMARK_PLAN_NETSTATE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "waymark/base/addr.h"

/* rtm_protocol and FRA_PROTOCOL of every route and rule that Waymark makes. Routes and rules with
 * this number are ours, all others are foreign. The number is not assigned in linux/rtnetlink.h or
 * iproute2's rt_protos. */
#define ROUTE_PROTOCOL_WAYMARK 87

#define NEXTHOPS_MAX	       64

/* Maximum number of alternative names (ip link property add altname) per interface in a snapshot.
 * Names of IFNAMSIZ or more characters are skipped, because the configuration cannot name them. */
#define ALTNAMES_MAX 4

/* Maximum size of route_state.extra. */
#define ROUTE_EXTRA_MAX 1024

struct link_state {
	uint32_t index;
	char name[IFNAMSIZ];
	bool is_up;	  /* IFF_UP */
	bool has_carrier; /* IFF_LOWER_UP, and not IFF_DORMANT */
	bool is_loopback;
	bool is_pointopoint;
	/* WireGuard, tun, gre, ...; such an interface sends its packets inside other packets */
	bool is_tunnel;
	uint32_t group;
	char altnames[ALTNAMES_MAX][IFNAMSIZ]; /* "": end of the list */
};

struct addr_state {
	uint32_t ifindex;
	struct prefix prefix; /* the local address with its prefix length */
	/* the address of the other end of a point-to-point address; otherwise none */
	struct addr peer;
	bool is_link_local;
	/* deprecated, tentative or temporary; Waymark does not use such an address as a source */
	bool is_deprecated;
};

struct nexthop {
	uint32_t ifindex;
	struct addr gateway; /* none: the destination is on the link */
	uint32_t weight;     /* 1 to 256 */
	bool is_onlink;
};

struct route_state {
	uint8_t family;
	uint32_t table;
	uint8_t type;	  /* RTN_... */
	uint8_t protocol; /* RTPROT_... */
	uint8_t scope;	  /* RT_SCOPE_... */
	uint8_t tos;
	uint32_t metric;
	struct prefix dst; /* len 0: default */
	/* source prefix of the packets that the route is for (IPv6 only); len 0: any source */
	struct prefix from;
	struct addr prefsrc; /* preferred source, or none */
	uint32_t nexthop_id; /* id of the kernel's nexthop object; 0: none */
	uint16_t n_nexthops;
	uint16_t extra_size;
	struct nexthop *nexthops; /* malloc'd, n_nexthops of them */
	uint8_t *extra;		  /* malloc'd: other attributes (metrics, realms, ...) in the
				   * kernel's format */
};

/* Members of a rule that are rarely used. Most are selectors that our own rules never have. They
 * are kept so that foreign rules can be printed and compared. */
struct rule_extra {
	bool is_l3mdev; /* the rule looks up the table of the packet's VRF (l3mdev) */
	bool has_uids, has_suppress_ifgroup;
	uint8_t tos, ip_proto;	       /* 0: any */
	uint16_t sports[2], dports[2]; /* first and last port; 0: any */
	uint32_t uids[2];	       /* first and last user; valid if has_uids */
	uint32_t suppress_ifgroup;
	uint32_t target; /* FR_ACT_GOTO: the priority of the rule to jump to */
	uint64_t tun_id;
};

struct rule_state {
	uint8_t family;
	uint32_t priority;
	uint8_t action;	  /* FR_ACT_... */
	uint8_t protocol; /* FRA_PROTOCOL */
	uint32_t table;
	uint32_t fwmark, fwmask; /* mask 0: no mark selector */
	struct prefix src, dst;	 /* len 0: any */
	char iifname[IFNAMSIZ], oifname[IFNAMSIZ];
	int32_t suppress_prefixlength; /* -1: the rule suppresses no routes by prefix length */
	bool is_inverted;	       /* "not": the rule matches if its selectors do not match */
	bool has_other; /* the rule has a selector besides those above (uid, ports, tos, ...); most
			   * are in `extra` */
	struct rule_extra extra;
};

struct netstate {
	struct link_state *links;
	size_t n_links;
	struct addr_state *addrs;
	size_t n_addrs;
	struct route_state *routes; /* routes of every table except table local */
	size_t n_routes;
	struct rule_state *rules;
	size_t n_rules;
};

struct netstate *netstate_new(void);
void netstate_free(struct netstate *s);

/* Append a copy of the element (of a route: a deep copy). Return the new element, or NULL if memory
 * is short. */
struct link_state *netstate_add_link(struct netstate *s, const struct link_state *l);
struct addr_state *netstate_add_addr(struct netstate *s, const struct addr_state *a);
struct route_state *netstate_add_route(struct netstate *s, const struct route_state *r);
struct rule_state *netstate_add_rule(struct netstate *s, const struct rule_state *r);

const struct link_state *netstate_link_by_name(const struct netstate *s, const char *name);
/* Return the interface with this index, or NULL. */
const struct link_state *netstate_link_by_index(const struct netstate *s, uint32_t index);

/* route_copy() makes a deep copy of a route; it returns 0 or -ENOMEM. route_clear() frees the
 * memory of a copy. */
int route_copy(struct route_state *to, const struct route_state *from);
void route_clear(struct route_state *r);

/* Return whether a and b are equal in every field. Two routes are equal only if their next hops
 * have the same order. */
bool route_is_equal(const struct route_state *a, const struct route_state *b);
bool rule_is_equal(const struct rule_state *a, const struct rule_state *b);

/* Return whether both routes have the same place: family, table, destination, source prefix, tos
 * and metric. The kernel distinguishes routes by their place. */
bool route_is_same_place(const struct route_state *a, const struct route_state *b);
/* Return whether packets take the same path by both routes: the routes have the same type and the
 * same next hops, in any order. */
bool route_is_same_way(const struct route_state *a, const struct route_state *b);

/* Format a route or rule as iproute2 does, without "add" or "del": "192.168.1.0/24 dev wan1 table
 * 251 proto 87 scope link src 192.168.1.10". The names of interfaces come from the links of s.
 * Return the length as snprintf() does. */
int route_format(char *buf, size_t size, const struct route_state *r, const struct netstate *s);
int rule_format(char *buf, size_t size, const struct rule_state *r);

/* Print a line for a shell to read. Special characters are escaped, because the kernel allows them
 * in names of interfaces. */
void shell_print(FILE *out, const char *line);

#endif
