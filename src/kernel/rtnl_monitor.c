/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnl_monitor.c - receives rtnetlink's notices about changed links, addresses, routes, rules and
 * reverse path filters.
 *
 * Must not know how Waymark reacts to a change. Every process with CAP_NET_ADMIN can send to the
 * socket, so only messages from the kernel's port 0 are accepted. nlmsg_pid is the port of the
 * process that made the change, or 0 for the kernel itself.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/rtnl_decode.h"
#include "kernel/mnl_attrs.h"
#include "kernel/trace_internal.h"
#include "waymark/kernel/rtnl.h"

#define RECEIVE_BYTES 32768
/* Size of the socket's receive buffer. The default size is enough for about 160 notices, but 60
 * flapping uplinks cause more. */
#define BUFFER_BYTES (1024 * 1024)

static const int groups[] = {
	RTNLGRP_LINK,	    RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
	RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,	 RTNLGRP_IPV6_RULE,   RTNLGRP_IPV4_NETCONF,
};

struct rtnl_monitor {
	struct mnl_socket *socket;
	char *buffer; /* of RECEIVE_BYTES */
};

static int monitor_subscribe(struct rtnl_monitor *m)
{
	int size = BUFFER_BYTES;

	if (mnl_socket_bind(m->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	/* SO_RCVBUFFORCE needs CAP_NET_ADMIN. If it fails, use SO_RCVBUF, which net.core.rmem_max
	 * limits. */
	if (setsockopt(mnl_socket_get_fd(m->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size,
		       sizeof(size)) < 0)
		setsockopt(mnl_socket_get_fd(m->socket), SOL_SOCKET, SO_RCVBUF, &size,
			   sizeof(size));
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(m->socket, NETLINK_ADD_MEMBERSHIP, &group,
					  sizeof(group)) < 0)
			return -errno;
	}
	return 0;
}

struct rtnl_monitor *rtnl_monitor_open(void)
{
	struct rtnl_monitor *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return NULL;
	m->buffer = malloc(RECEIVE_BYTES);
	m->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	err = m->buffer && m->socket ? monitor_subscribe(m) : -errno;
	if (!err)
		return m;
	rtnl_monitor_close(m);
	errno = -err;
	return NULL;
}

void rtnl_monitor_close(struct rtnl_monitor *m)
{
	if (!m)
		return;
	if (m->socket)
		mnl_socket_close(m->socket);
	free(m->buffer);
	free(m);
}

int rtnl_monitor_fd(const struct rtnl_monitor *m)
{
	return mnl_socket_get_fd(m->socket);
}

static int notice_link(struct rtnl_notice *n, const struct nlmsghdr *nlh)
{
	int err = rtnl_decode_link(&n->link, nlh);

	n->ifindex = n->link.index;
	return err;
}

static int notice_addr(struct rtnl_notice *n, const struct nlmsghdr *nlh)
{
	struct addr_state addr;
	int err = rtnl_decode_addr(&addr, nlh);

	n->ifindex = err ? 0 : addr.ifindex;
	return err;
}

/* Return 0 if the message is about the reverse path filter, and -ENOENT for all other netconf
 * settings. */
static int notice_netconf(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	mnl_attrs_for_each(attr, nlh, sizeof(struct netconfmsg)) if (mnl_attr_get_type(attr) ==
								     NETCONFA_RP_FILTER) return 0;
	return -ENOENT;
}

/* Decode a message. Return 0, or a negative number if the message is to be skipped. */
static int notice_decode(struct rtnl_notice *n, const struct nlmsghdr *nlh,
			 struct rtnl_route_room *room)
{
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		n->what = RTNL_LINK;
		n->is_delete = nlh->nlmsg_type == RTM_DELLINK;
		return notice_link(n, nlh);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		n->what = RTNL_ADDR;
		n->is_delete = nlh->nlmsg_type == RTM_DELADDR;
		return notice_addr(n, nlh);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		n->what = RTNL_ROUTE;
		n->is_delete = nlh->nlmsg_type == RTM_DELROUTE;
		return rtnl_decode_route(&n->route, nlh, room);
	case RTM_NEWRULE:
	case RTM_DELRULE:
		n->what = RTNL_RULE;
		n->is_delete = nlh->nlmsg_type == RTM_DELRULE;
		return rtnl_decode_rule(&n->rule, nlh);
	case RTM_NEWNETCONF:
		n->what = RTNL_RP_FILTER;
		return notice_netconf(nlh);
	default:
		return -ENOENT;
	}
}

struct receiver {
	rtnl_notice_fn *fn;
	void *data;
	int n_messages;
};

static int message_take(const struct nlmsghdr *nlh, void *data)
{
	struct receiver *to = data;
	struct rtnl_route_room room;
	struct rtnl_notice notice;

	memset(&notice, 0, sizeof(notice));
	notice.pid = nlh->nlmsg_pid;
	to->n_messages++;
	if (!notice_decode(&notice, nlh, &room))
		to->fn(to->data, &notice);
	return MNL_CB_OK;
}

/* Receive a datagram, and set *is_kernel to whether the kernel sent it. This calls recvfrom()
 * because libmnl's function does not return the sender. Return the datagram's size, or -errno
 * (-EAGAIN: no datagram is waiting). */
static ssize_t datagram_receive(struct rtnl_monitor *m, bool *is_kernel)
{
	struct sockaddr_nl from = {.nl_family = AF_NETLINK};
	socklen_t size = sizeof(from);
	ssize_t n;

	do {
		n = recvfrom(mnl_socket_get_fd(m->socket), m->buffer, RECEIVE_BYTES, 0,
			     (struct sockaddr *)&from, &size);
	} while (n < 0 && errno == EINTR);
	*is_kernel = from.nl_pid == 0;
	return n < 0 ? -errno : n;
}

int rtnl_monitor_receive(struct rtnl_monitor *m, rtnl_notice_fn *fn, void *data)
{
	struct receiver to = {.fn = fn, .data = data};
	bool is_kernel;

	for (;;) {
		ssize_t n = datagram_receive(m, &is_kernel);

		if (n == -EAGAIN)
			return to.n_messages;
		if (n < 0)
			return (int)n;
		if (!is_kernel)
			continue;
		trace_datagram(mnl_socket_get_fd(m->socket), TRACE_RECEIVED, m->buffer, (size_t)n);
		mnl_cb_run(m->buffer, (size_t)n, 0, 0, message_take, &to);
	}
}
