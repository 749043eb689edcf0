/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctnl_decode.c - one ctnetlink message as a struct ct_event.
 *
 * libnetfilter_conntrack parses. What it parses but gives no getter for (the
 * ICMP numbers of the reply) or no fast one (labels, a call a bit) is taken from
 * the same message with libmnl. Opens no socket, decides nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/ctnl_decode.h"

struct ctnl_decoder {
	struct nf_conntrack *ct;
};

/* What is read below. The library never clears what the last message set. */
static const enum nf_conntrack_attr wanted[] = {
	ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV4_DST, ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV4_DST,
	ATTR_ORIG_IPV6_SRC, ATTR_ORIG_IPV6_DST, ATTR_REPL_IPV6_SRC, ATTR_REPL_IPV6_DST,
	ATTR_ORIG_PORT_SRC, ATTR_ORIG_PORT_DST, ATTR_REPL_PORT_SRC, ATTR_REPL_PORT_DST,
	ATTR_ORIG_L3PROTO, ATTR_REPL_L3PROTO, ATTR_ORIG_L4PROTO,
	ATTR_ICMP_TYPE, ATTR_ICMP_CODE, ATTR_ICMP_ID,
	ATTR_ID, ATTR_MARK, ATTR_STATUS, ATTR_ZONE, ATTR_ORIG_ZONE,
	ATTR_ORIG_COUNTER_PACKETS, ATTR_ORIG_COUNTER_BYTES,
	ATTR_REPL_COUNTER_PACKETS, ATTR_REPL_COUNTER_BYTES,
	ATTR_TIMESTAMP_START, ATTR_TIMESTAMP_STOP,
};

/* The attributes of a tuple, by direction. */
struct tuple_attrs {
	enum nf_conntrack_attr ipv4_src, ipv4_dst, ipv6_src, ipv6_dst, sport, dport;
};

static const struct tuple_attrs tuple_attrs[2] = {
	[DIR_ORIGINAL] = { ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_SRC,
			   ATTR_ORIG_IPV6_DST, ATTR_ORIG_PORT_SRC, ATTR_ORIG_PORT_DST },
	[DIR_REPLY] = { ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_SRC,
			ATTR_REPL_IPV6_DST, ATTR_REPL_PORT_SRC, ATTR_REPL_PORT_DST },
};

struct ctnl_decoder *ctnl_decoder_new(void)
{
	struct ctnl_decoder *d = malloc(sizeof(*d));

	if (!d)
		return NULL;
	d->ct = nfct_new();
	if (!d->ct) {
		free(d);
		errno = ENOMEM;
		return NULL;
	}
	return d;
}

void ctnl_decoder_free(struct ctnl_decoder *d)
{
	if (!d)
		return;
	nfct_destroy(d->ct);
	free(d);
}

/* The library would lose the strings of the last message on the next one, so an
 * object that holds some is replaced; few flows have any. */
static int decoder_reset(struct ctnl_decoder *d)
{
	struct nf_conntrack *ct;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		nfct_attr_unset(d->ct, wanted[i]);
	if (!nfct_attr_is_set(d->ct, ATTR_SECCTX) && !nfct_attr_is_set(d->ct, ATTR_HELPER_INFO))
		return 0;
	ct = nfct_new();
	if (!ct)
		return -ENOMEM;
	nfct_destroy(d->ct);
	d->ct = ct;
	return 0;
}

static int attr_addr(const struct nf_conntrack *ct, int family, enum nf_conntrack_attr ipv4,
		     enum nf_conntrack_attr ipv6, struct addr *a)
{
	const void *bytes = nfct_get_attr(ct, family == AF_INET ? ipv4 : ipv6);

	if (!bytes)
		return -EBADMSG;
	addr_set(a, family, bytes);
	return 0;
}

static uint16_t attr_port(const struct nf_conntrack *ct, enum nf_conntrack_attr attr)
{
	return nfct_attr_is_set(ct, attr) ? ntohs(nfct_get_attr_u16(ct, attr)) : 0;
}

static int decode_tuple(const struct nf_conntrack *ct, const struct tuple_attrs *t,
			struct endpoints *e)
{
	int family = nfct_get_attr_u8(ct, ATTR_ORIG_L3PROTO);

	if ((family != AF_INET && family != AF_INET6) ||
	    attr_addr(ct, family, t->ipv4_src, t->ipv6_src, &e->src) ||
	    attr_addr(ct, family, t->ipv4_dst, t->ipv6_dst, &e->dst))
		return -EBADMSG;
	e->sport = attr_port(ct, t->sport);
	e->dport = attr_port(ct, t->dport);
	return 0;
}

/* Of CTA_TUPLE_ORIG or CTA_TUPLE_REPLY, which the library has validated. */
static void decode_icmp(const struct nlattr *tuple, struct endpoints *e)
{
	const struct nlattr *part, *attr;
	uint8_t type = 0, code = 0;

	mnl_attr_for_each_nested(part, tuple) {
		if (mnl_attr_get_type(part) != CTA_TUPLE_PROTO)
			continue;
		mnl_attr_for_each_nested(attr, part) {
			switch (mnl_attr_get_type(attr)) {
			case CTA_PROTO_ICMP_ID:
			case CTA_PROTO_ICMPV6_ID:
				e->sport = ntohs(mnl_attr_get_u16(attr));
				break;
			case CTA_PROTO_ICMP_TYPE:
			case CTA_PROTO_ICMPV6_TYPE:
				type = mnl_attr_get_u8(attr);
				break;
			case CTA_PROTO_ICMP_CODE:
			case CTA_PROTO_ICMPV6_CODE:
				code = mnl_attr_get_u8(attr);
				break;
			}
		}
	}
	e->dport = (uint16_t)(type << 8 | code);
}

/* The kernel's bitmap in words of 32 bits, as nft and the library write it. */
static void decode_labels(const struct nlattr *attr, struct ct_event *ev)
{
	uint32_t words[4] = { 0 };
	size_t size = mnl_attr_get_payload_len(attr);

	memcpy(words, mnl_attr_get_payload(attr), size < sizeof(words) ? size : sizeof(words));
	ev->has_labels = true;
	ev->labels.word[0] = words[0] | (uint64_t)words[1] << 32;
	ev->labels.word[1] = words[2] | (uint64_t)words[3] << 32;
}

static void decode_raw(const struct nlmsghdr *nlh, struct ct_event *ev)
{
	bool is_icmp = ev->proto == IPPROTO_ICMP || ev->proto == IPPROTO_ICMPV6;
	/* mnl_attr_for_each would round the message's length up. */
	const void *attrs = mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg));
	size_t size = mnl_nlmsg_get_payload_len(nlh) - sizeof(struct nfgenmsg);
	const struct nlattr *attr;

	mnl_attr_for_each_payload(attrs, size) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_TUPLE_ORIG:
			if (is_icmp)
				decode_icmp(attr, &ev->tuple[DIR_ORIGINAL]);
			break;
		case CTA_TUPLE_REPLY:
			if (is_icmp)
				decode_icmp(attr, &ev->tuple[DIR_REPLY]);
			break;
		case CTA_LABELS:
			decode_labels(attr, ev);
			break;
		}
	}
}

static void decode_counters(const struct nf_conntrack *ct, struct ct_event *ev)
{
	ev->has_counters = nfct_attr_is_set(ct, ATTR_ORIG_COUNTER_PACKETS) > 0;
	if (!ev->has_counters)
		return;
	ev->packets[DIR_ORIGINAL] = nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_PACKETS);
	ev->bytes[DIR_ORIGINAL] = nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_BYTES);
	ev->packets[DIR_REPLY] = nfct_get_attr_u64(ct, ATTR_REPL_COUNTER_PACKETS);
	ev->bytes[DIR_REPLY] = nfct_get_attr_u64(ct, ATTR_REPL_COUNTER_BYTES);
}

/* The getters answer 0 for what is not set, which is what it means here. */
static void decode_scalars(const struct nf_conntrack *ct, struct ct_event *ev)
{
	ev->id = nfct_get_attr_u32(ct, ATTR_ID);
	ev->proto = nfct_get_attr_u8(ct, ATTR_ORIG_L4PROTO);
	ev->mark = nfct_get_attr_u32(ct, ATTR_MARK);
	ev->status = nfct_get_attr_u32(ct, ATTR_STATUS);
	ev->start_ns = (int64_t)nfct_get_attr_u64(ct, ATTR_TIMESTAMP_START);
	ev->stop_ns = (int64_t)nfct_get_attr_u64(ct, ATTR_TIMESTAMP_STOP);
	ev->zone = nfct_attr_is_set(ct, ATTR_ZONE) ? nfct_get_attr_u16(ct, ATTR_ZONE)
						   : nfct_get_attr_u16(ct, ATTR_ORIG_ZONE);
}

bool ctnl_is_event(const struct nlmsghdr *nlh, enum ct_event_type *type)
{
	if (NFNL_SUBSYS_ID(nlh->nlmsg_type) != NFNL_SUBSYS_CTNETLINK)
		return false;
	switch (NFNL_MSG_TYPE(nlh->nlmsg_type)) {
	case IPCTNL_MSG_CT_NEW:
		*type = nlh->nlmsg_flags & NLM_F_CREATE ? CT_NEW : CT_UPDATE;
		return true;
	case IPCTNL_MSG_CT_DELETE:
		*type = CT_DESTROY;
		return true;
	default:
		return false;
	}
}

int ctnl_decode(struct ctnl_decoder *d, const struct nlmsghdr *nlh, struct ct_event *ev)
{
	enum ct_event_type type = ev->type;
	int err = decoder_reset(d);

	if (err)
		return err;
	/* The library subtracts without looking. */
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg) ||
	    nfct_nlmsg_parse(nlh, d->ct) < 0 || nfct_attr_is_set(d->ct, ATTR_ID) <= 0 ||
	    nfct_attr_is_set(d->ct, ATTR_ORIG_L4PROTO) <= 0)
		return -EBADMSG;
	memset(ev, 0, sizeof(*ev));
	ev->type = type;
	decode_scalars(d->ct, ev);
	if (decode_tuple(d->ct, &tuple_attrs[DIR_ORIGINAL], &ev->tuple[DIR_ORIGINAL]) ||
	    decode_tuple(d->ct, &tuple_attrs[DIR_REPLY], &ev->tuple[DIR_REPLY]))
		return -EBADMSG;
	decode_counters(d->ct, ev);
	decode_raw(nlh, ev);
	return 0;
}
