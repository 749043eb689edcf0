/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nflog_decode.c - decodes the addresses and ports of an IPv4 or IPv6 packet that was truncated to
 * its first bytes.
 *
 * Pure: decodes bytes into a tuple. Reads only the bytes that were copied. A field that was not
 * copied is 0.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "waymark/kernel/nflog.h"

/* RFC 791 */
#define IPV4_HEADER_BYTES 20
#define IPV4_OFFSET_MASK  0x1fff

/* RFC 8200, 4.2 to 4.6 and 3; RFC 4302, 2.2 */
#define IPV6_HEADER_BYTES	 40
#define IPV6_EXTENSION_MIN_BYTES 8
#define IPV6_FRAGMENT_BYTES	 8
#define IPV6_OFFSET_MASK	 0xfff8
#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

/* RFC 792, RFC 4443. The header has the type, the code, the checksum and 4 more bytes. In a query,
 * these 4 bytes begin with the identifier. In an error, they are ignored. */
#define ICMP_HEADER_BYTES 8

/* The bytes that have not been read yet. */
struct cursor {
	const uint8_t *at;
	size_t left;
};

/* The fields of one packet's headers, as they are in the packet. If the packet is a reply, or is
 * inside an ICMP error, its tuple is reversed later. */
struct headers {
	struct addr src, dst;
	uint8_t proto;
	struct cursor payload; /* empty if the packet is a later fragment, or has no byte left */
};

static uint16_t read_u16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void cursor_skip(struct cursor *c, size_t size)
{
	size = size < c->left ? size : c->left;
	c->at += size;
	c->left -= size;
}

static void cursor_end(struct cursor *c)
{
	cursor_skip(c, c->left);
}

/* --- IP ------------------------------------------------------------------- */

static int ipv4_decode(struct cursor c, struct headers *h)
{
	size_t size;

	if (c.left < IPV4_HEADER_BYTES)
		return -EBADMSG;
	size = (size_t)(c.at[0] & 0xf) * 4;
	if (size < IPV4_HEADER_BYTES)
		return -EBADMSG;
	addr_set(&h->src, AF_INET, c.at + 12);
	addr_set(&h->dst, AF_INET, c.at + 16);
	h->proto = c.at[9];
	h->payload = c;
	cursor_skip(&h->payload, size);
	if (read_u16(c.at + 6) & IPV4_OFFSET_MASK)
		cursor_end(&h->payload);
	return 0;
}

static bool is_extension(uint8_t proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_DSTOPTS ||
	       proto == IPPROTO_FRAGMENT || proto == IPPROTO_AH;
}

/* Return the length of an extension header, of which at least 8 bytes are present. */
static size_t extension_size(uint8_t proto, const uint8_t *at)
{
	switch (proto) {
	case IPPROTO_FRAGMENT:
		return IPV6_FRAGMENT_BYTES;
	case IPPROTO_AH:
		return ((size_t)at[1] + 2) * 4;
	default:
		return ((size_t)at[1] + 1) * 8;
	}
}

/* Skip extension headers. Each has at least 8 bytes, so the loop ends. If a header is truncated,
 * the protocol after it is unknown, and h->proto stays the number of that header. */
static void extensions_skip(struct headers *h)
{
	struct cursor *c = &h->payload;

	while (is_extension(h->proto)) {
		bool is_later_fragment;
		size_t size;

		if (c->left < IPV6_EXTENSION_MIN_BYTES) {
			cursor_end(c);
			return;
		}
		is_later_fragment =
			h->proto == IPPROTO_FRAGMENT && (read_u16(c->at + 2) & IPV6_OFFSET_MASK);
		size = extension_size(h->proto, c->at);
		h->proto = c->at[0];
		cursor_skip(c, size);
		if (is_later_fragment) {
			cursor_end(c);
			return;
		}
	}
}

static int ipv6_decode(struct cursor c, struct headers *h)
{
	if (c.left < IPV6_HEADER_BYTES)
		return -EBADMSG;
	addr_set(&h->src, AF_INET6, c.at + 8);
	addr_set(&h->dst, AF_INET6, c.at + 24);
	h->proto = c.at[6];
	h->payload = c;
	cursor_skip(&h->payload, IPV6_HEADER_BYTES);
	extensions_skip(h);
	return 0;
}

static int headers_decode(struct cursor c, struct headers *h)
{
	if (c.left < 1)
		return -EBADMSG;
	switch (c.at[0] >> 4) {
	case 4:
		return ipv4_decode(c, h);
	case 6:
		return ipv6_decode(c, h);
	default:
		return -EBADMSG;
	}
}

/* --- ICMP ----------------------------------------------------------------- */

enum icmp_class {
	ICMP_CLASS_OTHER,
	ICMP_CLASS_REQUEST,
	ICMP_CLASS_REPLY,
	ICMP_CLASS_ERROR,
};

struct icmp_type {
	uint8_t proto, type;
	enum icmp_class class;
	uint8_t request; /* for a reply: the type that it answers */
};

/* The requests and replies that conntrack tracks (nf_conntrack_proto_icmp.c,
 * nf_conntrack_proto_icmpv6.c), and the errors that contain a packet. */
static const struct icmp_type icmp_types[] = {
	{IPPROTO_ICMP, 8, ICMP_CLASS_REQUEST, 8}, /* echo */
	{IPPROTO_ICMP, 0, ICMP_CLASS_REPLY, 8},
	{IPPROTO_ICMP, 13, ICMP_CLASS_REQUEST, 13}, /* timestamp */
	{IPPROTO_ICMP, 14, ICMP_CLASS_REPLY, 13},
	{IPPROTO_ICMP, 15, ICMP_CLASS_REQUEST, 15}, /* information */
	{IPPROTO_ICMP, 16, ICMP_CLASS_REPLY, 15},
	{IPPROTO_ICMP, 17, ICMP_CLASS_REQUEST, 17}, /* address mask */
	{IPPROTO_ICMP, 18, ICMP_CLASS_REPLY, 17},
	{IPPROTO_ICMP, 3, ICMP_CLASS_ERROR, 0},		/* unreachable */
	{IPPROTO_ICMP, 4, ICMP_CLASS_ERROR, 0},		/* source quench */
	{IPPROTO_ICMP, 5, ICMP_CLASS_ERROR, 0},		/* redirect */
	{IPPROTO_ICMP, 11, ICMP_CLASS_ERROR, 0},	/* time exceeded */
	{IPPROTO_ICMP, 12, ICMP_CLASS_ERROR, 0},	/* parameter problem */
	{IPPROTO_ICMPV6, 128, ICMP_CLASS_REQUEST, 128}, /* echo */
	{IPPROTO_ICMPV6, 129, ICMP_CLASS_REPLY, 128},
	{IPPROTO_ICMPV6, 139, ICMP_CLASS_REQUEST, 139}, /* node information */
	{IPPROTO_ICMPV6, 140, ICMP_CLASS_REPLY, 139},
	{IPPROTO_ICMPV6, 1, ICMP_CLASS_ERROR, 0}, /* unreachable */
	{IPPROTO_ICMPV6, 2, ICMP_CLASS_ERROR, 0}, /* too big */
	{IPPROTO_ICMPV6, 3, ICMP_CLASS_ERROR, 0}, /* time exceeded */
	{IPPROTO_ICMPV6, 4, ICMP_CLASS_ERROR, 0}, /* parameter problem */
};

static const struct icmp_type *icmp_type_find(uint8_t proto, uint8_t type)
{
	for (size_t i = 0; i < sizeof(icmp_types) / sizeof(icmp_types[0]); i++)
		if (icmp_types[i].proto == proto && icmp_types[i].type == type)
			return &icmp_types[i];
	return NULL;
}

/* ICMP is valid in IPv4 only, ICMPv6 in IPv6 only. */
static bool is_icmp(const struct headers *h)
{
	return h->proto == (h->src.family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static const struct icmp_type *headers_icmp_type(const struct headers *h)
{
	if (!is_icmp(h) || h->payload.left < 1)
		return NULL;
	return icmp_type_find(h->proto, h->payload.at[0]);
}

static enum icmp_class icmp_class(const struct headers *h)
{
	const struct icmp_type *t = headers_icmp_type(h);

	return t ? t->class : ICMP_CLASS_OTHER;
}

/* --- tuples --------------------------------------------------------------- */

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ||
	       proto == IPPROTO_SCTP || proto == IPPROTO_DCCP;
}

static void endpoints_turn(struct endpoints *e)
{
	*e = (struct endpoints){.src = e->dst, .dst = e->src, .sport = e->dport, .dport = e->sport};
}

/* Set the tuple of an ICMP message. A reply gets the tuple of its request. */
static void icmp_tuple(const struct headers *h, struct endpoints *e)
{
	const struct icmp_type *t = headers_icmp_type(h);
	const struct cursor *c = &h->payload;
	uint8_t type = c->left >= 1 ? c->at[0] : 0;
	uint8_t code = c->left >= 2 ? c->at[1] : 0;

	if (t && t->class == ICMP_CLASS_REPLY) {
		endpoints_turn(e);
		type = t->request;
	}
	if (t && t->class != ICMP_CLASS_ERROR && c->left >= 6)
		e->sport = read_u16(c->at + 4);
	e->dport = (uint16_t)(type << 8 | code);
}

static void headers_tuple(const struct headers *h, struct endpoints *e)
{
	*e = (struct endpoints){.src = h->src, .dst = h->dst};
	if (has_ports(h->proto) && h->payload.left >= 4) {
		e->sport = read_u16(h->payload.at);
		e->dport = read_u16(h->payload.at + 2);
	} else if (is_icmp(h)) {
		icmp_tuple(h, e);
	}
}

/* Decode an ICMP error. The embedded packet travelled in the opposite direction, so the error gets
 * the reversed tuple of that packet. An exception is an embedded ICMP request or reply: then the
 * error gets the tuple of the request. An error about a request travels in the direction of the
 * reply, so is_icmp_reply is set. */
static int error_decode(struct stray_packet *p, const struct headers *outer)
{
	struct cursor c = outer->payload;
	struct headers inner;
	int err;

	cursor_skip(&c, ICMP_HEADER_BYTES);
	err = headers_decode(c, &inner);
	if (err)
		return err;
	p->is_icmp_error = true;
	p->proto = inner.proto;
	headers_tuple(&inner, &p->tuple);
	switch (icmp_class(&inner)) {
	case ICMP_CLASS_REQUEST:
		p->is_icmp_reply = true;
		break;
	case ICMP_CLASS_REPLY:
		break;
	default:
		endpoints_turn(&p->tuple);
		break;
	}
	return 0;
}

int nflog_decode_payload(struct stray_packet *p, const uint8_t *bytes, size_t size)
{
	struct headers h;
	int err = headers_decode((struct cursor){.at = bytes, .left = size}, &h);

	p->is_icmp_error = false;
	p->is_icmp_reply = false;
	if (err)
		return err;
	if (icmp_class(&h) == ICMP_CLASS_ERROR)
		return error_decode(p, &h);
	p->proto = h.proto;
	p->is_icmp_reply = icmp_class(&h) == ICMP_CLASS_REPLY;
	headers_tuple(&h, &p->tuple);
	return 0;
}
