/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event.h - what the kernel says, decoded: the typed structs that adapters emit
 * and the core takes. Nothing here decides anything.
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
	CT_DUMP, /* an entry of a dump: it lives now */
};

/* One conntrack event or dump entry (KERNEL: ctnetlink). */
struct ct_event {
	enum ct_event_type type;
	bool is_flushed; /* conntrack_delete_marked of this process caused it */
	uint32_t id;
	uint16_t zone;		   /* of the original direction, where the two differ */
	uint8_t proto;		   /* IPPROTO_ */
	struct endpoints tuple[2]; /* by enum direction */
	uint32_t mark;		   /* whole; 0 when the kernel left it out, which means 0 */
	uint32_t status;	   /* IPS_ bits */
	bool has_labels;
	struct connlabels labels;
	uint8_t tcp_state; /* the kernel's TCP_CONNTRACK_; 0: not said */
	bool has_counters;
	uint64_t packets[2], bytes[2]; /* by enum direction */
	int64_t start_ns, stop_ns;     /* CLOCK_REALTIME; 0: not said */
	bool has_timeout;
	uint32_t timeout_s; /* that remain */
	int64_t idle_ms;    /* dump entries: minimum time since the last packet; -1: unknown */
};

/* What our rules say of a logged packet, by its log prefix. */
enum stray_kind {
	STRAY_MISMATCH,	 /* it leaves by an uplink that its flow's mark does not name */
	STRAY_UNMARKED,	 /* ... with mark 0, of a flow that has no room for labels */
	STRAY_TRANSIT,	 /* original direction of a flow that entered by an uplink */
	STRAY_ELSEWHERE, /* it leaves by no uplink, though its flow's mark names one */
	STRAY_FLOWLESS,	 /* it leaves by an uplink and belongs to no flow */
	STRAY_OTHER,	 /* not a prefix of ours */
};

/* One logged packet. tuple is {original source, reply source} of the flow, in either order, as
 * seen at postrouting -150 (after DNAT, before SNAT). Ports are 0 for GRE, later fragments and
 * truncated packets.
 *
 * For ICMP and ICMPv6 queries (echo and the like) tuple is always that of the request: src asked,
 * dst was asked, sport is the identifier, dport the request's type << 8 | code. is_icmp_reply:
 * the packet travels against tuple.
 *
 * For an ICMP error is_icmp_error is set, and proto and tuple describe the embedded packet, with
 * src and dst swapped: dst is its sender, who gets the error. An embedded query keeps the
 * direction of its request; is_icmp_reply then says that the error travels against tuple. */
struct stray_packet {
	enum stray_kind kind;
	int8_t direction; /* enum direction as the kernel's rule saw it; -1: unknown */
	uint8_t proto;
	bool is_icmp_error;
	bool is_icmp_reply; /* the packet goes against tuple: an echo reply, ... */
	struct endpoints tuple;
	uint32_t mark;		     /* the packet's; 0: not in the message */
	uint32_t iifindex, oifindex; /* 0: none */
	bool has_ct_id;
	uint32_t ct_id; /* with NFULA_CT, where the kernel has it */
	uint32_t seq;
};

#endif
