/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event.h - decoded messages of the kernel. The adapters in src/kernel/ emit these structs,
 * and the audit processes them.
 */
#ifndef WAYMARK_BASE_EVENT_H
#define WAYMARK_BASE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/base/endpoints.h"

enum direction { DIR_ORIGINAL = 0, DIR_REPLY = 1 };

/* A connlabel bitmap: bit n is word[n / 64] >> (n % 64) & 1. */
struct connlabels {
	uint64_t word[2];
};

enum ct_event_type {
	CT_NEW,
	CT_UPDATE,
	CT_DESTROY,
	CT_DUMP, /* an entry of a table dump: the flow exists */
};

/* One conntrack event or one entry of a table dump. */
struct ct_event {
	enum ct_event_type type;
	bool is_flushed; /* conntrack_delete_marked() of this process removed the entry */
	uint32_t id;
	/* conntrack zone; if the directions have different zones, the zone of the original
	 * direction */
	uint16_t zone;
	uint8_t proto;		   /* an IPPROTO_ constant */
	struct endpoints tuple[2]; /* by enum direction */
	uint32_t mark;		   /* the whole ct mark; 0 if the message has no mark, as the
				    * kernel omits a mark of 0 */
	uint32_t status;	   /* bits of enum ip_conntrack_status (IPS_) */
	bool has_labels;
	struct connlabels labels;
	uint8_t tcp_state; /* a TCP_CONNTRACK_ constant of the kernel; 0: missing in the message */
	bool has_counters;
	uint64_t packets[2], bytes[2]; /* by enum direction */
	int64_t start_ns, stop_ns;     /* CLOCK_REALTIME; 0: missing in the message */
	bool has_timeout;
	uint32_t timeout_s; /* remaining seconds */
	int64_t idle_ms;    /* only in CT_DUMP: the flow's last packet came at least this long ago;
			     * -1: unknown */
};

/* Why an nftables rule logged a packet. The log prefix of the rule shows the kind. */
enum stray_kind {
	STRAY_MISMATCH, /* left by an uplink that its flow's mark does not name */
	STRAY_UNMARKED, /* left by an uplink, but its flow has mark 0; logged only if the conntrack
			 * entry has no room for labels */
	/* left by an uplink, in the original direction of a flow that entered by an uplink */
	STRAY_TRANSIT,
	STRAY_ELSEWHERE, /* left by no uplink, although its flow's mark names one */
	STRAY_FLOWLESS,	 /* left by an uplink and belongs to no flow */
	STRAY_OTHER,	 /* logged by a rule of another program */
};

/* One logged packet. `tuple` has the packet's source and destination at postrouting priority -150,
 * which is after DNAT and before SNAT. In the original direction, they are the source of the flow's
 * original tuple and the source of its reply tuple. In the reply direction, the two are swapped.
 * Ports are 0 for GRE, for fragments other than the first, and for truncated packets.
 *
 * For ICMP and ICMPv6 queries (echo and the like), `tuple` describes the request, even if the
 * packet is the reply: src sent the request, dst is its destination, sport is the identifier, and
 * dport is the request's type << 8 | code. If the packet is the reply, is_icmp_reply is set.
 *
 * For an ICMP error, is_icmp_error is set, and proto and `tuple` describe the packet that the error
 * embeds, with source and destination swapped: dst is the sender of the embedded packet, which is
 * the receiver of the error. But if the embedded packet belongs to an ICMP query, `tuple` describes
 * the request, as above. In this case is_icmp_reply is set if the error travels from dst to src. */
struct stray_packet {
	enum stray_kind kind;
	int8_t direction; /* enum direction of the packet, from the log prefix or NFULA_CT_INFO; -1:
			   * unknown */
	uint8_t proto;
	bool is_icmp_error;
	bool is_icmp_reply; /* the packet travels from tuple.dst to tuple.src */
	struct endpoints tuple;
	uint32_t mark;		     /* packet mark; 0: missing in the message */
	uint32_t iifindex, oifindex; /* 0: none */
	bool has_ct_id;
	uint32_t ct_id; /* conntrack id, from NFULA_CT, which some kernels do not send */
	uint32_t seq;
};

#endif
