/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ct_entries.c - creates conntrack entries through ctnetlink.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ct_entries.h"
#include "waymark/base/addr.h"

static void entry_set_ip(struct nf_conntrack *ct, int family, enum nf_conntrack_attr v4,
			 enum nf_conntrack_attr v6, const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	assert_int_equal(a.family, family);
	nfct_set_attr(ct, family == AF_INET ? v4 : v6, a.bytes);
}

static void entry_set_proto(struct nf_conntrack *ct, const struct ct_entry *e)
{
	nfct_set_attr_u8(ct, ATTR_ORIG_L4PROTO, e->proto);
	nfct_set_attr_u8(ct, ATTR_REPL_L4PROTO, e->proto);
	if (e->proto == IPPROTO_ICMP || e->proto == IPPROTO_ICMPV6) {
		nfct_set_attr_u8(ct, ATTR_ICMP_TYPE, (uint8_t)(e->dport >> 8));
		nfct_set_attr_u8(ct, ATTR_ICMP_CODE, (uint8_t)e->dport);
		nfct_set_attr_u16(ct, ATTR_ICMP_ID, htons(e->sport));
		nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
		return;
	}
	nfct_set_attr_u16(ct, ATTR_ORIG_PORT_SRC, htons(e->sport));
	nfct_set_attr_u16(ct, ATTR_ORIG_PORT_DST, htons(e->dport));
	nfct_set_attr_u16(ct, ATTR_REPL_PORT_SRC, htons(e->dport));
	nfct_set_attr_u16(ct, ATTR_REPL_PORT_DST,
			  htons(e->reply_dport ? e->reply_dport : e->sport));
	if (e->proto == IPPROTO_TCP)
		nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
}

static struct nf_conntrack *entry_object(const struct ct_entry *e)
{
	struct nf_conntrack *ct = nfct_new();
	uint8_t family = strchr(e->src, ':') ? AF_INET6 : AF_INET;
	const char *reply_dst = e->reply_dst ? e->reply_dst : e->src;

	assert_non_null(ct);
	nfct_set_attr_u8(ct, ATTR_ORIG_L3PROTO, family);
	nfct_set_attr_u8(ct, ATTR_REPL_L3PROTO, family);
	entry_set_ip(ct, family, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC, e->src);
	entry_set_ip(ct, family, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST, e->dst);
	entry_set_ip(ct, family, ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC, e->dst);
	entry_set_ip(ct, family, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST, reply_dst);
	entry_set_proto(ct, e);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 600);
	if (e->mark)
		nfct_set_attr_u32(ct, ATTR_MARK, e->mark);
	if (e->zone)
		nfct_set_attr_u16(ct, ATTR_ZONE, e->zone);
	if (e->orig_zone)
		nfct_set_attr_u16(ct, ATTR_ORIG_ZONE, e->orig_zone);
	return ct;
}

size_t ct_entry_put(void *buffer, const struct ct_entry *e)
{
	struct nf_conntrack *ct = entry_object(e);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nf;

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
	nf = mnl_nlmsg_put_extra_header(nlh, sizeof(*nf));
	nf->nfgen_family = nfct_get_attr_u8(ct, ATTR_ORIG_L3PROTO);
	assert_int_equal(nfct_nlmsg_build(nlh, ct), 0);
	nfct_destroy(ct);
	return nlh->nlmsg_len;
}

struct mnl_socket *ct_socket_open(void)
{
	struct mnl_socket *s = mnl_socket_open(NETLINK_NETFILTER);

	assert_non_null(s);
	assert_int_equal(mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID), 0);
	return s;
}

void ct_entry_create(const struct ct_entry *e)
{
	struct mnl_socket *s = ct_socket_open();
	uint8_t buffer[1024] = {0};
	struct nlmsghdr *nlh = (struct nlmsghdr *)buffer;
	size_t size = ct_entry_put(buffer, e);

	assert_true(mnl_socket_sendto(s, buffer, size) > 0);
	assert_true(mnl_socket_recvfrom(s, buffer, sizeof(buffer)) > 0);
	assert_int_equal(nlh->nlmsg_type, NLMSG_ERROR);
	assert_int_equal(((struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->error, 0);
	mnl_socket_close(s);
}

void ct_entries_create(int n)
{
	struct mnl_socket *s = ct_socket_open();

	for (int i = 0; i < n; i++) {
		uint8_t buffer[1024] = {0};
		const struct ct_entry e = {.proto = IPPROTO_UDP,
					   .src = "10.9.9.9",
					   .dst = "10.9.9.10",
					   .sport = (uint16_t)(2000 + i),
					   .dport = 53};
		size_t size = ct_entry_put(buffer, &e);

		((struct nlmsghdr *)buffer)->nlmsg_flags &= ~NLM_F_ACK;
		assert_true(mnl_socket_sendto(s, buffer, size) > 0);
	}
	mnl_socket_close(s);
}

void ct_flush(void)
{
	struct mnl_socket *s = ct_socket_open();
	uint8_t buffer[256] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	assert_true(mnl_socket_sendto(s, nlh, nlh->nlmsg_len) > 0);
	mnl_socket_close(s);
}
