/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnl.c - reads links, addresses, routes and rules from rtnetlink, and adds and deletes routes and
 * rules. Sends one request at a time over one socket.
 *
 * Must not know what the routes are for. rtnl_monitor.c receives the notices of changes.
 */
#include "waymark/kernel/rtnl.h"
#include "kernel/mnl_attrs.h"
#include "kernel/trace_internal.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/mnl_replies.h"
#include "kernel/rtnl_decode.h"

/* Number of attempts at a dump. An attempt fails if the kernel marks the dump as inconsistent
 * (NLM_F_DUMP_INTR), because something changed meanwhile. */
#define DUMP_TRIES 10
/* Size of the largest request: NEXTHOPS_MAX next hops of 28 bytes, and the other attributes. */
#define REQUEST_BYTES 8192

struct rtnl {
	struct mnl_socket *socket;
	uint32_t port;
	uint32_t seq;
	char error[128];
	char *buffer; /* of MNLREPLIES_BYTES */
};

struct rtnl *rtnl_open(void)
{
	struct rtnl *r = calloc(1, sizeof(*r));
	int on = 1;

	if (!r)
		return NULL;
	r->buffer = malloc(MNLREPLIES_BYTES);
	r->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!r->buffer || !r->socket || mnl_socket_bind(r->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int saved = errno;

		rtnl_close(r);
		errno = saved;
		return NULL;
	}
	r->port = mnl_socket_get_portid(r->socket);
	/* Ask for error texts. Kernels before 4.12 refuse this, and send only error numbers. */
	mnl_socket_setsockopt(r->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	return r;
}

void rtnl_close(struct rtnl *r)
{
	if (!r)
		return;
	if (r->socket)
		mnl_socket_close(r->socket);
	free(r->buffer);
	free(r);
}

uint32_t rtnl_port(const struct rtnl *r)
{
	return r->port;
}

const char *rtnl_error(const struct rtnl *r)
{
	return r->error;
}

/* --- dumps ------------------------------------------------------------------ */

typedef int message_fn(struct netstate *s, const struct nlmsghdr *nlh);

static int take_link(struct netstate *s, const struct nlmsghdr *nlh)
{
	struct link_state link;
	int err = rtnl_decode_link(&link, nlh);

	return err ? err : netstate_add_link(s, &link) ? 0 : -ENOMEM;
}

static int take_addr(struct netstate *s, const struct nlmsghdr *nlh)
{
	struct addr_state addr;
	int err = rtnl_decode_addr(&addr, nlh);

	return err ? err : netstate_add_addr(s, &addr) ? 0 : -ENOMEM;
}

static int take_route(struct netstate *s, const struct nlmsghdr *nlh)
{
	struct rtnl_route_room room;
	struct route_state route;
	int err = rtnl_decode_route(&route, nlh, &room);

	return err ? err : netstate_add_route(s, &route) ? 0 : -ENOMEM;
}

static int take_rule(struct netstate *s, const struct nlmsghdr *nlh)
{
	struct rule_state rule;
	int err = rtnl_decode_rule(&rule, nlh);

	return err ? err : netstate_add_rule(s, &rule) ? 0 : -ENOMEM;
}

/* The dumps of a snapshot; each covers both address families. */
static const struct dump {
	uint16_t type;
	size_t header;
	message_fn *take;
} dumps[] = {
	{RTM_GETLINK, sizeof(struct ifinfomsg), take_link},
	{RTM_GETADDR, sizeof(struct ifaddrmsg), take_addr},
	{RTM_GETROUTE, sizeof(struct rtmsg), take_route},
	{RTM_GETRULE, sizeof(struct fib_rule_hdr), take_rule},
};

struct dump_job {
	const struct dump *dump;
	struct netstate *s;
};

static int dump_message(const struct nlmsghdr *nlh, void *data)
{
	struct dump_job *job = data;
	int err = job->dump->take(job->s, nlh);

	if (err != -ENOMEM)
		return MNL_CB_OK; /* skip messages that cannot be decoded or are of no interest */
	errno = ENOMEM;
	return MNL_CB_ERROR;
}

static int dump_run(struct rtnl *r, struct netstate *s, const struct dump *d)
{
	char request[MNL_ALIGN(sizeof(struct nlmsghdr)) + MNL_ALIGN(sizeof(struct ifinfomsg))] = {
		0};
	struct dump_job job = {d, s};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);

	nlh->nlmsg_type = d->type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++r->seq;
	mnl_nlmsg_put_extra_header(nlh, d->header);
	trace_datagram(mnl_socket_get_fd(r->socket), TRACE_SENT, nlh, nlh->nlmsg_len);
	if (mnl_socket_sendto(r->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	return mnl_replies_read(r->socket, r->buffer, nlh->nlmsg_seq, dump_message, &job);
}

/* Replace the socket after an inconsistent dump. libmnl stops reading at the flag NLM_F_DUMP_INTR,
 * so the old socket still contains unread replies. */
static int rtnl_reopen(struct rtnl *r)
{
	struct rtnl *fresh = rtnl_open();

	if (!fresh)
		return -errno;
	mnl_socket_close(r->socket);
	r->socket = fresh->socket;
	r->port = fresh->port;
	fresh->socket = NULL;
	rtnl_close(fresh);
	return 0;
}

static int snapshot_fill(struct rtnl *r, struct netstate *s)
{
	for (size_t i = 0; i < sizeof(dumps) / sizeof(*dumps); i++) {
		int err = dump_run(r, s, &dumps[i]);

		if (err < 0)
			return err;
	}
	return 0;
}

struct netstate *rtnl_snapshot(struct rtnl *r)
{
	int err = -EINTR;

	for (int i = 0; i < DUMP_TRIES && err == -EINTR; i++) {
		struct netstate *s = netstate_new();

		if (!s)
			return NULL;
		err = snapshot_fill(r, s);
		if (!err)
			return s;
		netstate_free(s);
		if (err == -EINTR && rtnl_reopen(r) < 0)
			return NULL;
	}
	errno = -err;
	return NULL;
}

/* --- changes ----------------------------------------------------------------- */

/* Store the kernel's error text (NLMSGERR_ATTR_MSG) for rtnl_error(). The attributes follow a copy
 * of the request or, if the message has the flag NLM_F_CAPPED, only its header. */
static void error_keep(struct rtnl *r, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	size_t header = sizeof(*e);

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		header += MNL_ALIGN(e->msg.nlmsg_len) - MNL_NLMSG_HDRLEN;
	if (mnl_nlmsg_get_payload_len(nlh) < header)
		return;
	mnl_attrs_for_each(attr, nlh, header)
	{
		if (mnl_attr_get_type(attr) != NLMSGERR_ATTR_MSG)
			continue;
		snprintf(r->error, sizeof(r->error), "%.*s", (int)mnl_attr_get_payload_len(attr),
			 (const char *)mnl_attr_get_payload(attr));
	}
}

/* Send one request and read the answer. If type is 0, the answer is an acknowledgement. Otherwise
 * it is a message of this type, which stays in the buffer. Return 0 or the kernel's -errno. */
static int request_run_for(struct rtnl *r, struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlmsghdr *reply;
	const struct nlmsgerr *e;
	ssize_t n;

	r->error[0] = '\0';
	nlh->nlmsg_flags |= NLM_F_REQUEST | (type ? 0 : NLM_F_ACK);
	nlh->nlmsg_seq = ++r->seq;
	trace_datagram(mnl_socket_get_fd(r->socket), TRACE_SENT, nlh, nlh->nlmsg_len);
	if (mnl_socket_sendto(r->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		n = mnl_replies_receive(r->socket, r->buffer, MNLREPLIES_BYTES);
		if (n < 0)
			return (int)n;
		reply = (const struct nlmsghdr *)(const void *)r->buffer;
		if (!mnl_nlmsg_ok(reply, (int)n) || reply->nlmsg_seq != nlh->nlmsg_seq)
			continue;
		if (type && reply->nlmsg_type == type)
			return 0;
		if (reply->nlmsg_type == NLMSG_ERROR &&
		    mnl_nlmsg_get_payload_len(reply) >= sizeof(*e))
			break;
	}
	e = mnl_nlmsg_get_payload(reply);
	if (e->error)
		error_keep(r, reply);
	return e->error;
}

static int request_run(struct rtnl *r, struct nlmsghdr *nlh)
{
	return request_run_for(r, nlh, 0);
}

static void put_addr(struct nlmsghdr *nlh, uint16_t type, const struct addr *a)
{
	mnl_attr_put(nlh, type, addr_size(a->family), a->bytes);
}

static void put_gateway(struct nlmsghdr *nlh, int family, const struct addr *gateway)
{
	struct {
		uint16_t family; /* same layout as struct rtvia, whose address has no fixed size */
		uint8_t bytes[16];
	} via;

	if (addr_is_none(gateway))
		return;
	if (gateway->family == family) {
		put_addr(nlh, RTA_GATEWAY, gateway);
		return;
	}
	via.family = gateway->family;
	memcpy(via.bytes, gateway->bytes, sizeof(via.bytes));
	mnl_attr_put(nlh, RTA_VIA, sizeof(via.family) + addr_size(gateway->family), &via);
}

static void put_multipath(struct nlmsghdr *nlh, const struct route_state *route)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, RTA_MULTIPATH);

	/* Each next hop is a struct rtnexthop followed by attributes. libmnl has no function that
	 * writes one. */
	nest->nla_type = RTA_MULTIPATH;
	for (size_t i = 0; i < route->n_nexthops; i++) {
		const struct nexthop *n = &route->nexthops[i];
		struct rtnexthop *rtnh = mnl_nlmsg_get_payload_tail(nlh);

		memset(rtnh, 0, sizeof(*rtnh));
		rtnh->rtnh_ifindex = (int)n->ifindex;
		rtnh->rtnh_hops = (uint8_t)(n->weight - 1);
		rtnh->rtnh_flags = n->is_onlink ? RTNH_F_ONLINK : 0;
		nlh->nlmsg_len += sizeof(*rtnh);
		put_gateway(nlh, route->family, &n->gateway);
		rtnh->rtnh_len = (uint16_t)((char *)mnl_nlmsg_get_payload_tail(nlh) - (char *)rtnh);
	}
	mnl_attr_nest_end(nlh, nest);
}

static void put_nexthops(struct nlmsghdr *nlh, struct rtmsg *rtm, const struct route_state *route)
{
	const struct nexthop *only = route->nexthops;

	if (route->nexthop_id) {
		mnl_attr_put_u32(nlh, RTA_NH_ID, route->nexthop_id);
	} else if (route->n_nexthops > 1) {
		put_multipath(nlh, route);
	} else if (route->n_nexthops == 1) {
		put_gateway(nlh, route->family, &only->gateway);
		if (only->ifindex)
			mnl_attr_put_u32(nlh, RTA_OIF, only->ifindex);
		rtm->rtm_flags = only->is_onlink ? RTNH_F_ONLINK : 0;
	}
}

/* Put a route without its next hops into a request. */
static struct rtmsg *put_route(struct nlmsghdr *nlh, const struct route_state *route)
{
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = route->family;
	rtm->rtm_dst_len = route->dst.len;
	rtm->rtm_src_len = route->from.len;
	rtm->rtm_tos = route->tos;
	rtm->rtm_table = route->table < 256 ? (uint8_t)route->table : RT_TABLE_UNSPEC;
	rtm->rtm_protocol = route->protocol;
	rtm->rtm_scope = route->scope;
	rtm->rtm_type = route->type;
	mnl_attr_put_u32(nlh, RTA_TABLE, route->table);
	if (route->dst.len)
		put_addr(nlh, RTA_DST, &route->dst.addr);
	if (route->from.len)
		put_addr(nlh, RTA_SRC, &route->from.addr);
	if (route->metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, route->metric);
	return rtm;
}

static bool route_is_sendable(const struct route_state *route)
{
	return route->n_nexthops <= NEXTHOPS_MAX && route->extra_size <= ROUTE_EXTRA_MAX;
}

int rtnl_route_add(struct rtnl *r, const struct route_state *route, bool replace)
{
	char request[REQUEST_BYTES] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct rtmsg *rtm;

	if (!route_is_sendable(route))
		return -E2BIG;
	nlh->nlmsg_type = RTM_NEWROUTE;
	nlh->nlmsg_flags = NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
	rtm = put_route(nlh, route);
	if (!addr_is_none(&route->prefsrc))
		put_addr(nlh, RTA_PREFSRC, &route->prefsrc);
	put_nexthops(nlh, rtm, route);
	if (route->extra_size) {
		memcpy(mnl_nlmsg_get_payload_tail(nlh), route->extra, route->extra_size);
		nlh->nlmsg_len += route->extra_size;
	}
	return request_run(r, nlh);
}

/* Delete a route. The request for a multipath route contains no next hops. Otherwise IPv6 would
 * delete the next hops one by one. Also, the request might not match the route, because the kernel
 * may have marked or removed next hops. */
int rtnl_route_delete(struct rtnl *r, const struct route_state *route)
{
	char request[REQUEST_BYTES] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct rtmsg *rtm;

	if (!route_is_sendable(route))
		return -E2BIG;
	nlh->nlmsg_type = RTM_DELROUTE;
	rtm = put_route(nlh, route);
	if (route->n_nexthops == 1)
		put_nexthops(nlh, rtm, route);
	return request_run(r, nlh);
}

/* Add the protocol and the ports of TCP and UDP. For most other protocols, the kernel refuses a
 * request that names the protocol. */
static void put_ports(struct nlmsghdr *nlh, const struct fib_query *q)
{
	if (q->proto != IPPROTO_TCP && q->proto != IPPROTO_UDP)
		return;
	mnl_attr_put_u8(nlh, RTA_IP_PROTO, q->proto);
	if (q->sport)
		mnl_attr_put_u16(nlh, RTA_SPORT, htons(q->sport));
	if (q->dport)
		mnl_attr_put_u16(nlh, RTA_DPORT, htons(q->dport));
}

int rtnl_route_get(struct rtnl *r, const struct fib_query *q, struct route_state *route)
{
	char request[256] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct rtnl_route_room room;
	struct route_state answer;
	struct rtmsg *rtm;
	bool is_own = !*q->iifname || !strcmp(q->iifname, "lo");
	uint32_t iifindex = is_own ? 0 : if_nametoindex(q->iifname);
	int err;

	nlh->nlmsg_type = RTM_GETROUTE;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = q->family;
	rtm->rtm_flags = RTM_F_LOOKUP_TABLE;
	rtm->rtm_dst_len = (uint8_t)(8 * addr_size(q->family));
	put_addr(nlh, RTA_DST, &q->dst);
	if (!addr_is_none(&q->src)) {
		rtm->rtm_src_len = rtm->rtm_dst_len;
		put_addr(nlh, RTA_SRC, &q->src);
	}
	if (q->mark)
		mnl_attr_put_u32(nlh, RTA_MARK, q->mark);
	if (iifindex)
		mnl_attr_put_u32(nlh, RTA_IIF, iifindex);
	put_ports(nlh, q);
	err = request_run_for(r, nlh, RTM_NEWROUTE);
	if (!err)
		err = rtnl_decode_answer(&answer, (const void *)r->buffer, &room);
	return err ? err : route_copy(route, &answer);
}

static int rule_change(struct rtnl *r, const struct rule_state *rule, uint16_t type, uint16_t flags)
{
	char request[REQUEST_BYTES] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct fib_rule_hdr *frh;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	frh = mnl_nlmsg_put_extra_header(nlh, sizeof(*frh));
	frh->family = rule->family;
	frh->action = rule->action;
	frh->table = rule->table < 256 ? (uint8_t)rule->table : RT_TABLE_UNSPEC;
	frh->src_len = rule->src.len;
	frh->dst_len = rule->dst.len;
	frh->flags = rule->is_inverted ? FIB_RULE_INVERT : 0;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, rule->priority);
	if (rule->table)
		mnl_attr_put_u32(nlh, FRA_TABLE, rule->table);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, rule->protocol);
	if (rule->src.len)
		put_addr(nlh, FRA_SRC, &rule->src.addr);
	if (rule->dst.len)
		put_addr(nlh, FRA_DST, &rule->dst.addr);
	if (rule->action == FR_ACT_GOTO)
		mnl_attr_put_u32(nlh, FRA_GOTO, rule->extra.target);
	if (rule->extra.has_suppress_ifgroup)
		mnl_attr_put_u32(nlh, FRA_SUPPRESS_IFGROUP, rule->extra.suppress_ifgroup);
	if (rule->fwmask) {
		mnl_attr_put_u32(nlh, FRA_FWMARK, rule->fwmark);
		mnl_attr_put_u32(nlh, FRA_FWMASK, rule->fwmask);
	}
	if (*rule->iifname)
		mnl_attr_put_strz(nlh, FRA_IIFNAME, rule->iifname);
	if (*rule->oifname)
		mnl_attr_put_strz(nlh, FRA_OIFNAME, rule->oifname);
	if (rule->suppress_prefixlength >= 0)
		mnl_attr_put_u32(nlh, FRA_SUPPRESS_PREFIXLEN,
				 (uint32_t)rule->suppress_prefixlength);
	return request_run(r, nlh);
}

int rtnl_rule_add(struct rtnl *r, const struct rule_state *rule)
{
	return rule->has_other ? -EOPNOTSUPP
			       : rule_change(r, rule, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
}

int rtnl_rule_delete(struct rtnl *r, const struct rule_state *rule)
{
	return rule->has_other ? -EOPNOTSUPP : rule_change(r, rule, RTM_DELRULE, 0);
}

int rtnl_link_set_group(struct rtnl *r, uint32_t ifindex, uint32_t group)
{
	char request[256] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = RTM_SETLINK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = (int)ifindex;
	mnl_attr_put_u32(nlh, IFLA_GROUP, group);
	return request_run(r, nlh);
}
