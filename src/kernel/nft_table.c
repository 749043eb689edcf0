/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_table.c - reads the flags of an nftables table. libnftables before 1.1 does not know the flag
 * persist: to list a table with this flag, it reads memory that is not its own.
 */
#include "waymark/kernel/nft_table.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdint.h>

#include "kernel/mnl_attrs.h"
#include "kernel/mnl_replies.h"

#ifndef NFT_TABLE_F_PERSIST
#define NFT_TABLE_F_PERSIST 0x4
#endif
#define FLAG_OWNER 0x2
#define SEQUENCE   1

static int flags_take(const struct nlmsghdr *nlh, void *data)
{
	uint32_t *flags = data;
	const struct nlattr *attr;

	mnl_attrs_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFTA_TABLE_FLAGS &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			*flags = ntohl(mnl_attr_get_u32(attr));
	}
	return MNL_CB_OK;
}

static int table_ask(struct mnl_socket *socket, char *buffer, const char *table)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETTABLE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = SEQUENCE;
	nfg->nfgen_family = NFPROTO_INET;
	nfg->version = NFNETLINK_V0;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	return mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0 ? -1 : 0;
}

bool nft_table_is_left(const char *table)
{
	_Alignas(struct nlmsghdr) char buffer[MNLREPLIES_BYTES];
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	uint32_t flags = 0;

	if (!socket)
		return false;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) || table_ask(socket, buffer, table) ||
	    mnl_replies_read(socket, buffer, SEQUENCE, flags_take, &flags))
		flags = 0;
	mnl_socket_close(socket);
	return flags & NFT_TABLE_F_PERSIST && !(flags & FLAG_OWNER);
}
