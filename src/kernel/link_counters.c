/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link_counters.c - requests one interface's counters over rtnetlink.
 *
 * Must not know what the counters are compared with. Formats: linux/if_link.h.
 */
#include "waymark/kernel/link_counters.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/mnl_attrs.h"
#include "kernel/mnl_replies.h"

struct link_counters {
	struct mnl_socket *socket;
	uint32_t seq;
	char buffer[MNLREPLIES_BYTES];
};

struct link_counters *link_counters_open(void)
{
	struct link_counters *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return NULL;
	l->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (l->socket && !mnl_socket_bind(l->socket, 0, MNL_SOCKET_AUTOPID))
		return l;
	err = errno;
	link_counters_close(l);
	errno = err;
	return NULL;
}

void link_counters_close(struct link_counters *l)
{
	if (!l)
		return;
	if (l->socket)
		mnl_socket_close(l->socket);
	free(l);
}

struct answer {
	uint32_t ifindex;
	struct tally sent, received;
};

static int stats_take(const struct nlattr *attr, void *data)
{
	struct rtnl_link_stats64 stats;
	struct answer *a = data;

	/* Newer kernels append fields to this struct. Only its first fields are read here. */
	if (mnl_attr_get_type(attr) != IFLA_STATS64 ||
	    mnl_attr_get_payload_len(attr) < offsetof(struct rtnl_link_stats64, rx_errors))
		return MNL_CB_OK;
	memcpy(&stats, mnl_attr_get_payload(attr), offsetof(struct rtnl_link_stats64, rx_errors));
	a->sent = (struct tally){stats.tx_packets, stats.tx_bytes};
	a->received = (struct tally){stats.rx_packets, stats.rx_bytes};
	return MNL_CB_OK;
}

static int link_take(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct answer *a = data;

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return MNL_CB_OK;
	a->ifindex = (uint32_t)ifi->ifi_index;
	mnl_attrs_parse(nlh, sizeof(*ifi), stats_take, a);
	return MNL_CB_OK;
}

int link_counters_read(struct link_counters *l, const char *ifname, uint32_t *ifindex,
		       struct tally *sent, struct tally *received)
{
	char request[256] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct answer answer = {0};
	int err;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = ++l->seq;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	if (mnl_socket_sendto(l->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	err = mnl_replies_read(l->socket, l->buffer, nlh->nlmsg_seq, link_take, &answer);
	*ifindex = answer.ifindex;
	*sent = answer.sent;
	if (received)
		*received = answer.received;
	return err;
}
