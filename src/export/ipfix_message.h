/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipfix_message.h - encodes flows as IPFIX messages (RFC 7011, with elements of RFC 7012 and RFC
 * 8158). Both directions are in one record (RFC 5103). Pure: the messages are only bytes in memory.
 *
 * Messages are appended to one buffer, without sequence number and export time. ipfix_stamp() sets
 * these when a message is sent, because only then they are known.
 */
#ifndef WAYMARK_SRC_EXPORT_IPFIX_MESSAGE_H
#define WAYMARK_SRC_EXPORT_IPFIX_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "waymark/base/addr.h"

/* Maximum length of a message. A message of this length fits into an Ethernet frame with IPv6 and a
 * tunnel header. */
#define IPFIX_MESSAGE_BYTES 1400
#define IPFIX_HEADER_BYTES  16

/* Values of the element flowEndReason: why a flow ended. */
enum ipfix_end_reason {
	IPFIX_END_IDLE = 1,
	IPFIX_END_ACTIVE = 2,
	IPFIX_END_DETECTED = 3,
	IPFIX_END_FORCED = 4,
};

struct ipfix_flow {
	uint64_t id;
	uint64_t started_ms, ended_ms;
	/* nat_src, nat_dst: their family is AF_UNSPEC if the flow is not translated */
	struct addr src, dst, nat_src, nat_dst;
	uint16_t sport, dport, nat_sport, nat_dport; /* for ICMP, dport is type and code */
	uint8_t proto;
	uint32_t ingress, egress;      /* ifindexes; 0: unknown */
	uint64_t bytes[2], packets[2]; /* [0]: original direction, [1]: replies */
	enum ipfix_end_reason end;
	/* enterprise elements */
	uint32_t mark;
	uint64_t version;
	const char *uplink, *verdict, *reason, *egress_names, *egress_reply_names; /* "": none */
	const char *router, *history;
};

struct ipfix_writer {
	uint32_t domain; /* observation domain */
	uint32_t pen;	 /* enterprise number; 0: no enterprise elements */
	uint8_t *bytes;
	size_t size, capacity;
	size_t message;	 /* offset of the last message */
	size_t set;	 /* offset of that message's last set */
	unsigned set_id; /* id of that set; 0: no message is open */
	int error;	 /* 0 or -ENOMEM */
};

/* Drop all messages; keep the memory. */
void ipfix_restart(struct ipfix_writer *w);
void ipfix_free(struct ipfix_writer *w);

/* Append messages with all templates. The receiver needs them before the first flow; resend them at
 * intervals. */
void ipfix_put_templates(struct ipfix_writer *w);

/* Append a flow to the last message. If the flow does not fit, begin a new message. */
void ipfix_put_flow(struct ipfix_writer *w, const struct ipfix_flow *f);

/* Return the length of the message. */
size_t ipfix_length(const uint8_t *message);

/* Set a message's export time and sequence number. Return the sequence number of the next
 * message. */
uint32_t ipfix_stamp(uint8_t *message, uint32_t time_s, uint32_t sequence);

#endif
