/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack_decode.c - decodes one ctnetlink message as a struct ct_event, in one pass.
 *
 * A dump can have a million entries, and events wait while the entries are decoded. Therefore this
 * decoder reads attributes in place. libnetfilter_conntrack's parser copies all attributes into an
 * object, takes three times as long, and has no getter for the ICMP numbers of the reply. This file
 * opens no socket, decides nothing, and skips unknown attributes.
 */
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <string.h>

#include "kernel/mnl_attrs.h"

#include "kernel/conntrack_decode.h"

/* What has been decoded so far. */
struct decoding {
	struct ct_event *ev;
	bool has_id;
	bool has_proto;
	bool is_bad; /* an attribute is too short for its type */
};

/* --- values ----------------------------------------------------------------- */

static const void *payload_of(struct decoding *d, const struct nlattr *attr, size_t size)
{
	if (mnl_attr_get_payload_len(attr) >= size)
		return mnl_attr_get_payload(attr);
	d->is_bad = true;
	return NULL;
}

/* Return the number in an attribute. The number has `size` bytes (at most 8) in network byte
 * order. */
static inline uint64_t attr_number(struct decoding *d, const struct nlattr *attr, size_t size)
{
	const void *p = payload_of(d, attr, size);
	uint64_t value = 0;

	if (p)
		memcpy((uint8_t *)&value + sizeof(value) - size, p, size);
	return be64toh(value);
}

static void attr_addr(struct decoding *d, const struct nlattr *attr, int family, struct addr *a)
{
	const void *p = payload_of(d, attr, addr_size(family));

	if (p)
		addr_set(a, family, p);
}

/* --- nests ------------------------------------------------------------------- */

typedef void attr_fn(struct decoding *d, const struct nlattr *attr, enum direction direction);

/* Call fn for each attribute. libmnl's loop over a nest computes the end of the nest again for each
 * attribute. This loop computes it once. */
static inline void each_attr(struct decoding *d, const void *attrs, size_t size, attr_fn *fn,
			     enum direction direction)
{
	const struct nlattr *attr;

	mnl_attr_for_each_payload(attrs, size) fn(d, attr, direction);
}

static inline void each_nested(struct decoding *d, const struct nlattr *nest, attr_fn *fn,
			       enum direction direction)
{
	each_attr(d, mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), fn, direction);
}

/* --- tuples ------------------------------------------------------------------- */

static void decode_ip(struct decoding *d, const struct nlattr *attr, enum direction direction)
{
	struct endpoints *e = &d->ev->tuple[direction];

	switch (mnl_attr_get_type(attr)) {
	case CTA_IP_V4_SRC:
		attr_addr(d, attr, AF_INET, &e->src);
		break;
	case CTA_IP_V4_DST:
		attr_addr(d, attr, AF_INET, &e->dst);
		break;
	case CTA_IP_V6_SRC:
		attr_addr(d, attr, AF_INET6, &e->src);
		break;
	case CTA_IP_V6_DST:
		attr_addr(d, attr, AF_INET6, &e->dst);
		break;
	}
}

static void decode_proto(struct decoding *d, const struct nlattr *attr, enum direction direction)
{
	struct endpoints *e = &d->ev->tuple[direction];

	switch (mnl_attr_get_type(attr)) {
	case CTA_PROTO_NUM:
		d->ev->proto = (uint8_t)attr_number(d, attr, 1);
		d->has_proto = true;
		break;
	case CTA_PROTO_SRC_PORT:
	case CTA_PROTO_ICMP_ID:
	case CTA_PROTO_ICMPV6_ID:
		e->sport = (uint16_t)attr_number(d, attr, 2);
		break;
	case CTA_PROTO_DST_PORT:
		e->dport = (uint16_t)attr_number(d, attr, 2);
		break;
	case CTA_PROTO_ICMP_TYPE:
	case CTA_PROTO_ICMPV6_TYPE:
		e->dport = (uint16_t)(attr_number(d, attr, 1) << 8 | (e->dport & 0xff));
		break;
	case CTA_PROTO_ICMP_CODE:
	case CTA_PROTO_ICMPV6_CODE:
		e->dport = (uint16_t)((e->dport & 0xff00) | attr_number(d, attr, 1));
		break;
	}
}

static void decode_tuple(struct decoding *d, const struct nlattr *attr, enum direction direction)
{
	switch (mnl_attr_get_type(attr)) {
	case CTA_TUPLE_IP:
		each_nested(d, attr, decode_ip, direction);
		break;
	case CTA_TUPLE_PROTO:
		each_nested(d, attr, decode_proto, direction);
		break;
	case CTA_TUPLE_ZONE:
		/* The zone is for this direction only. A zone for both directions is in CTA_ZONE of
		 * the entry. ct_event has one zone, so a zone for replies only is ignored. */
		if (direction == DIR_ORIGINAL)
			d->ev->zone = (uint16_t)attr_number(d, attr, 2);
		break;
	}
}

/* --- the rest of the entry ------------------------------------------------------ */

static void decode_counters(struct decoding *d, const struct nlattr *attr, enum direction direction)
{
	switch (mnl_attr_get_type(attr)) {
	case CTA_COUNTERS_PACKETS:
		d->ev->packets[direction] = attr_number(d, attr, 8);
		d->ev->has_counters = true;
		break;
	case CTA_COUNTERS_BYTES:
		d->ev->bytes[direction] = attr_number(d, attr, 8);
		break;
	}
}

static void decode_timestamp(struct decoding *d, const struct nlattr *attr,
			     enum direction direction)
{
	(void)direction;
	switch (mnl_attr_get_type(attr)) {
	case CTA_TIMESTAMP_START:
		d->ev->start_ns = (int64_t)attr_number(d, attr, 8);
		break;
	case CTA_TIMESTAMP_STOP:
		d->ev->stop_ns = (int64_t)attr_number(d, attr, 8);
		break;
	}
}

static void decode_tcp(struct decoding *d, const struct nlattr *attr, enum direction direction)
{
	(void)direction;
	if (mnl_attr_get_type(attr) == CTA_PROTOINFO_TCP_STATE)
		d->ev->tcp_state = (uint8_t)attr_number(d, attr, 1);
}

static void decode_protoinfo(struct decoding *d, const struct nlattr *attr,
			     enum direction direction)
{
	if (mnl_attr_get_type(attr) == CTA_PROTOINFO_TCP)
		each_nested(d, attr, decode_tcp, direction);
}

/* Decode CTA_LABELS, a bitmap in words of 32 bits. */
static void decode_labels(struct ct_event *ev, const struct nlattr *attr)
{
	uint32_t words[4] = {0};
	size_t size = mnl_attr_get_payload_len(attr);

	memcpy(words, mnl_attr_get_payload(attr), size < sizeof(words) ? size : sizeof(words));
	ev->has_labels = true;
	ev->labels.word[0] = words[0] | (uint64_t)words[1] << 32;
	ev->labels.word[1] = words[2] | (uint64_t)words[3] << 32;
}

static void decode_entry(struct decoding *d, const struct nlattr *attr, enum direction direction)
{
	(void)direction;
	switch (mnl_attr_get_type(attr)) {
	case CTA_TUPLE_ORIG:
		each_nested(d, attr, decode_tuple, DIR_ORIGINAL);
		break;
	case CTA_TUPLE_REPLY:
		each_nested(d, attr, decode_tuple, DIR_REPLY);
		break;
	case CTA_STATUS:
		d->ev->status = (uint32_t)attr_number(d, attr, 4);
		break;
	case CTA_MARK:
		d->ev->mark = (uint32_t)attr_number(d, attr, 4);
		break;
	case CTA_COUNTERS_ORIG:
		each_nested(d, attr, decode_counters, DIR_ORIGINAL);
		break;
	case CTA_COUNTERS_REPLY:
		each_nested(d, attr, decode_counters, DIR_REPLY);
		break;
	case CTA_ID:
		d->ev->id = (uint32_t)attr_number(d, attr, 4);
		d->has_id = true;
		break;
	case CTA_ZONE:
		d->ev->zone = (uint16_t)attr_number(d, attr, 2);
		break;
	case CTA_TIMESTAMP:
		each_nested(d, attr, decode_timestamp, DIR_ORIGINAL);
		break;
	case CTA_TIMEOUT:
		d->ev->has_timeout = true;
		d->ev->timeout_s = (uint32_t)attr_number(d, attr, 4);
		break;
	case CTA_LABELS:
		decode_labels(d->ev, attr);
		break;
	case CTA_PROTOINFO:
		each_nested(d, attr, decode_protoinfo, DIR_ORIGINAL);
		break;
	}
}

/* --- the message ---------------------------------------------------------------- */

bool conntrack_is_event(const struct nlmsghdr *nlh, enum ct_event_type *type)
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

/* Return whether all four addresses are present and have the same family. */
static bool is_tuple_whole(const struct ct_event *ev)
{
	uint8_t family = ev->tuple[DIR_ORIGINAL].src.family;

	return !addr_is_none(&ev->tuple[DIR_ORIGINAL].src) &&
	       ev->tuple[DIR_ORIGINAL].dst.family == family &&
	       ev->tuple[DIR_REPLY].src.family == family &&
	       ev->tuple[DIR_REPLY].dst.family == family;
}

int conntrack_decode(const struct nlmsghdr *nlh, struct ct_event *ev)
{
	struct decoding d = {.ev = ev};

	*ev = (struct ct_event){.type = ev->type};
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg))
		return -EBADMSG;
	each_attr(&d, mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg)),
		  mnl_attrs_size(nlh, sizeof(struct nfgenmsg)), decode_entry, DIR_ORIGINAL);
	return d.is_bad || !d.has_id || !d.has_proto || !is_tuple_whole(ev) ? -EBADMSG : 0;
}
