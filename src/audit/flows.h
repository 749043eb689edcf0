/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flows.h - the flow table: live flows, and flows that ended a moment ago, in a bounded hash table
 * for millions of flows. It stores and finds flows; the audit decides about them.
 *
 * One index serves both kinds of evidence, conntrack events and logged packets. Its key is the
 * unordered pair {original source, reply source} with their ports. A conntrack event contains this
 * pair. At postrouting priority -150, after destination NAT and before source NAT, the source and
 * destination of a packet of either direction are this pair.
 */
#ifndef WAYMARK_SRC_AUDIT_FLOWS_H
#define WAYMARK_SRC_AUDIT_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/base/event.h"
#include "waymark/base/record.h"

/* Reference to a flow. Keep references, never pointers. */
typedef uint32_t flow_ref;
#define FLOW_REF_NONE UINT32_MAX

/* One entry of the flow table. It has 52 bytes, and is followed by addresses and ports: 24 bytes
 * for IPv4, 36 for IPv6, 72 for IPv6 with NAT. The alignment of 4 avoids padding. */
struct flow {
	flow_ref next; /* next in the hash bucket; only flows.c sets it */
	flow_ref link; /* next in a flow_queue; only flows.c sets it */
	uint32_t ct_id;
	uint32_t mark; /* masked */
	int64_t id;
	uint64_t started_ms : 43;
	uint64_t state : 2;	    /* enum flow_state */
	uint64_t is_used : 1;	    /* the entry holds a flow; only flows.c sets it */
	uint64_t is_queued : 1;	    /* in the queue of flows to write */
	uint64_t is_entered : 1;    /* the flow came in by an uplink and has not turned
				     * (flow_has_turned()) */
	uint64_t is_from_dump : 1;  /* a dump showed it first; no event of it has been read yet */
	uint64_t is_from_store : 1; /* read from the history, not yet seen in a dump */
	uint64_t has_gap : 1;	    /* evidence about it may have been lost */
	uint64_t is_offloaded : 1;
	uint64_t is_predating : 1;    /* began before evidence was collected */
	uint64_t had_mismatch : 1;    /* a mismatch was recorded for this flow */
	uint64_t had_mark_change : 1; /* its mark has changed from a mark other than 0 */
	uint64_t is_seen : 1;	      /* seen in an event or dump entry since the latest dump
				       * began */
	uint64_t is_reported : 1;     /* an alert for its verdict (not for a mismatch) was raised,
				       * or must not be raised */
	uint64_t is_flushed : 1;      /* Waymark deleted its conntrack entry */
	uint64_t is_disowned : 1;     /* a reload removed the uplink of its mark, and no packet has
				       * been seen to leave since then: the mark still names this
				       * uplink */
	uint64_t is_born_astray : 1;  /* its NEW event already had the label of an uplink that its
				       * mark does not name */
	uint64_t is_set_back : 1;     /* the clock was set back during its life */
	uint64_t is_unseen : 1;	      /* may have sent packets while no rules were installed */
	uint64_t is_closed : 1;	      /* TCP: the connection has closed, the entry still exists */
	uint64_t is_counted : 1;      /* counted in the sums of the running dump or, if none runs,
				       * of the last dump (audit_coverage.c) */
	uint16_t zone;
	uint16_t egress_seen; /* interned set (flows_set()): uplinks that labels show as egress */
	uint16_t stray[2];    /* interned sets, by enum direction: uplinks that stray packets left
			       * by */
	uint16_t other[2];    /* interned sets, by enum direction: numbers of interfaces that are no
			       * uplinks and that stray packets left by */
	uint8_t proto;
	uint8_t shape;	   /* which addresses follow (enum shape of flows.c); only flows.c sets
			    * it */
	uint8_t ingress;   /* slot of the uplink that it came in by, or SLOT_NONE */
	uint8_t verdict;   /* verdict in the latest row of the flow */
	uint16_t reported; /* interned set: uplinks that are the egress of a recorded mismatch */
	uint8_t reason;	   /* reason of its latest mismatch */
	uint8_t former;	   /* slot of the uplink that its previous mark named, or SLOT_NONE */
} __attribute__((packed, aligned(4)));

struct flow_queue {
	flow_ref head, tail;
	uint32_t length;
};

struct flows;

/* Create a table for at most max_flows flows, including ended flows that are kept for late
 * evidence. Return NULL with errno on failure. */
struct flows *flows_new(uint32_t max_flows);
void flows_free(struct flows *t);

/* Add a flow with these tuples. Return FLOW_REF_NONE with errno if the table is full (ENOSPC) or
 * memory is short. A pointer from flows_get() is valid until the next flow is added or removed. */
flow_ref flows_add(struct flows *t, uint8_t proto, uint16_t zone, const struct endpoints tuple[2]);
/* Add a flow even if the table is full: max_flows grows. */
flow_ref flows_add_beyond(struct flows *t, uint8_t proto, uint16_t zone,
			  const struct endpoints tuple[2]);
void flows_remove(struct flows *t, flow_ref ref);
struct flow *flows_get(const struct flows *t, flow_ref ref);
void flows_tuples(const struct flows *t, flow_ref ref, struct endpoints tuple[2]);

/* Return the next flow of a conntrack entry (same original tuple, protocol, zone and id), newest
 * first. In the first call, `after` is FLOW_REF_NONE. In each later call, `after` is the flow that
 * the previous call returned. */
flow_ref flows_find(const struct flows *t, const struct ct_event *ev, flow_ref after);

/* Load the flows of at most 32 events into the CPU cache. Call before looking the flows up. This
 * only saves time: in a table with millions of flows, each look-up waits for memory. */
void flows_prefetch(const struct flows *t, const struct ct_event *ev, size_t n);

/* Return the next flow that a logged packet can belong to, newest first. `after` has the same
 * meaning as in flows_find(). *direction is set to the packet's direction in that flow. */
flow_ref flows_find_packet(const struct flows *t, const struct stray_packet *p, flow_ref after,
			   enum direction *direction);

/* Call fn for each flow, in no defined order. fn may change the flow, but must not add or remove
 * flows. */
typedef void flows_fn(void *data, flow_ref ref, struct flow *f);
void flows_each(struct flows *t, flows_fn *fn, void *data);

uint32_t flows_count(const struct flows *t);
size_t flows_bytes(const struct flows *t);

/* Return the number that stands for a set: a bitmap of slots or of interface numbers. A flow holds
 * this 16-bit number instead of 64 bits. Number 0 is the empty set. Return -1 if there are no more
 * numbers (65,535 different sets) or no memory. flows_set() returns the set of a number. */
int flows_set_intern(struct flows *t, uint64_t set);
uint64_t flows_set(const struct flows *t, uint16_t number);

/* Queues of flows (first in, first out), linked through flow.link. A flow is in at most one
 * queue. */
void flow_queue_init(struct flow_queue *q);
void flow_queue_push(struct flows *t, struct flow_queue *q, flow_ref ref);
/* Append all flows of the queue `more` to q, and leave `more` empty. */
void flow_queue_append(struct flows *t, struct flow_queue *q, struct flow_queue *more);
flow_ref flow_queue_pop(struct flows *t, struct flow_queue *q); /* FLOW_REF_NONE if empty */

#endif
