/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipfix_message.h - flows as IPFIX messages (RFC 7011, elements of RFC 7012 and 8158,
 * both directions in one record as RFC 5103 has it). Pure: bytes in memory.
 *
 * Messages are built one behind the other. Their sequence number and export time are
 * written when they are sent (ipfix_stamp), because both belong to the session.
 */
#ifndef WAYMARK_SRC_EXPORT_IPFIX_MESSAGE_H
#define WAYMARK_SRC_EXPORT_IPFIX_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "waymark/base/addr.h"

/* Fits an Ethernet frame with IPv6 and some tunnel around it. */
#define IPFIX_MESSAGE_BYTES 1400
#define IPFIX_HEADER_BYTES  16

enum ipfix_end_reason {
	IPFIX_END_IDLE = 1,
	IPFIX_END_ACTIVE = 2,
	IPFIX_END_DETECTED = 3,
	IPFIX_END_FORCED = 4,
};

struct ipfix_flow {
	uint64_t id;
	uint64_t started_ms, ended_ms;
	struct addr src, dst, nat_src, nat_dst;	     /* nat_: AF_UNSPEC without translation */
	uint16_t sport, dport, nat_sport, nat_dport; /* of ICMP dport is type and code */
	uint8_t proto;
	uint32_t ingress, egress; /* indexes of interfaces; 0: not known */
	uint64_t bytes[2], packets[2];
	enum ipfix_end_reason end;
	/* enterprise elements */
	uint32_t mark;
	uint64_t version;
	const char *uplink, *verdict, *reason, *egress_names, *egress_reply_names; /* or "" */
	const char *router, *history;
};

struct ipfix_writer {
	uint32_t domain; /* of observation */
	uint32_t pen;	 /* enterprise number; 0: no enterprise elements */
	uint8_t *bytes;
	size_t size, capacity;
	size_t message;	 /* where the last message begins */
	size_t set;	 /* where its last set begins */
	unsigned set_id; /* 0: no message is open */
	int error;	 /* -ENOMEM */
};

/* Forget all messages; the memory stays. */
void ipfix_restart(struct ipfix_writer *w);
void ipfix_free(struct ipfix_writer *w);

/* Append a message with every template, to be sent first and again from time to time. */
void ipfix_put_templates(struct ipfix_writer *w);

/* Append a flow to the last message, or to a new one. */
void ipfix_put_flow(struct ipfix_writer *w, const struct ipfix_flow *f);

/* The length of the message at bytes. */
size_t ipfix_length(const uint8_t *message);

/* Set a message's export time and sequence number; returns the number of the next one. */
uint32_t ipfix_stamp(uint8_t *message, uint32_t time_s, uint32_t sequence);

#endif
