/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnl_decode.h - decodes rtnetlink messages into the structs of netstate.h, for dumps (rtnl.c) and
 * notices (rtnl_monitor.c).
 */
#ifndef WAYMARK_SRC_KERNEL_RTNL_DECODE_H
#define WAYMARK_SRC_KERNEL_RTNL_DECODE_H

#include <linux/netlink.h>

#include "waymark/plan/netstate.h"

/* Storage for the arrays of one decoded route. */
struct rtnl_route_room {
	struct nexthop nexthops[NEXTHOPS_MAX];
	uint8_t extra[ROUTE_EXTRA_MAX];
};

/* Decode one message of type RTM_NEW... or RTM_DEL... Return 0, -EBADMSG if it is malformed, or
 * -ENOENT if it is of no interest (another family, a route of table local or of the cache). The
 * arrays of a decoded route are stored in *room. */
int rtnl_decode_link(struct link_state *out, const struct nlmsghdr *nlh);
int rtnl_decode_addr(struct addr_state *out, const struct nlmsghdr *nlh);
int rtnl_decode_route(struct route_state *out, const struct nlmsghdr *nlh,
		      struct rtnl_route_room *room);
/* Decode the kernel's reply to RTM_GETROUTE for one destination. Routes of table local and of the
 * cache are accepted, and the source prefix is ignored. */
int rtnl_decode_answer(struct route_state *out, const struct nlmsghdr *nlh,
		       struct rtnl_route_room *room);
int rtnl_decode_rule(struct rule_state *out, const struct nlmsghdr *nlh);

#endif
