/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flows.h - the flows that live now, or ended a moment ago: a bounded hash
 * table made for millions. It stores and finds; the audit decides.
 *
 * One index serves both sources of evidence. Its key is the unordered pair
 * {original source, reply source} with their ports: that is what conntrack
 * events say of a flow, and what a packet carries at postrouting -150 in either
 * direction, after destination NAT and before source NAT.
 */
#ifndef WAYMARK_SRC_AUDIT_FLOWS_H
#define WAYMARK_SRC_AUDIT_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/base/event.h"
#include "waymark/base/record.h"

/* A flow is named by a reference, not a pointer, in all that is kept. */
typedef uint32_t flow_ref;
#define FLOW_REF_NONE UINT32_MAX

/* 52 bytes, then the addresses: 24 of IPv4, 36 of IPv6, 72 of IPv6 with NAT. Aligned
 * to 4, so that the 84 bytes of IPv6 need not be 88. */
struct flow {
	flow_ref next; /* in its hash bucket; the table's */
	flow_ref link; /* in a flow_queue; the table's */
	uint32_t ct_id;
	uint32_t mark; /* masked */
	int64_t id;
	uint64_t started_ms : 43;
	uint64_t state : 2;	    /* enum flow_state */
	uint64_t is_used : 1;	    /* the table's */
	uint64_t is_queued : 1;	    /* on the list of flows to write */
	uint64_t is_entered : 1;    /* its first packet came by an uplink */
	uint64_t is_from_dump : 1;  /* seen in a dump, not yet in an event */
	uint64_t is_from_store : 1; /* of the history, not yet seen in the kernel */
	uint64_t has_gap : 1;	    /* evidence of it may have been lost */
	uint64_t is_offloaded : 1;
	uint64_t is_predating : 1;    /* began before evidence was collected */
	uint64_t had_mismatch : 1;    /* a mismatch of it has been recorded */
	uint64_t had_mark_change : 1; /* from one uplink's mark to another's */
	uint64_t is_seen : 1;	      /* in the dump that is running */
	uint64_t is_reported : 1;     /* an alert other than mismatch was raised for it */
	uint64_t is_flushed : 1;      /* ended by our own request */
	uint64_t is_disowned : 1;     /* its mark named an uplink until a reload */
	uint64_t is_born_astray : 1;  /* its NEW event had another uplink's label already */
	uint64_t is_set_back : 1;     /* the clock was set back during its life */
	uint64_t is_unseen : 1;	      /* may have sent packets while no rules were installed */
	uint64_t is_closed : 1;	      /* TCP: the connection has ended, the entry lives on */
	uint64_t is_counted : 1;      /* in the sums of the dump that is running, or the last */
	uint16_t zone;
	uint16_t egress_seen; /* set of uplinks; number of an interned set */
	uint16_t stray[2];    /* sets of uplinks that stray packets left by, by enum direction */
	uint16_t other[2];    /* ... and of other interfaces, by their numbers */
	uint8_t proto;
	uint8_t shape;	   /* the table's: which addresses follow */
	uint8_t ingress;   /* slot, or SLOT_NONE */
	uint8_t verdict;   /* as last written */
	uint16_t reported; /* set of uplinks of which a mismatch has been recorded */
	uint8_t reason;	   /* of the latest mismatch */
	uint8_t former;	   /* slot of the mark before this one, or SLOT_NONE */
} __attribute__((packed, aligned(4)));

struct flow_queue {
	flow_ref head, tail;
	uint32_t length;
};

struct flows;

/* max_flows bounds the table (live and lingering). NULL with errno. */
struct flows *flows_new(uint32_t max_flows);
void flows_free(struct flows *t);

/* Add a flow with these tuples. FLOW_REF_NONE: full (ENOSPC) or no memory. A pointer from flows_get
 * is valid until the next add or remove. */
flow_ref flows_add(struct flows *t, uint8_t proto, uint16_t zone, const struct endpoints tuple[2]);
/* The same for one that is there whether there is room or not: max_flows grows. */
flow_ref flows_add_beyond(struct flows *t, uint8_t proto, uint16_t zone,
			  const struct endpoints tuple[2]);
void flows_remove(struct flows *t, flow_ref ref);
struct flow *flows_get(const struct flows *t, flow_ref ref);
void flows_tuples(const struct flows *t, flow_ref ref, struct endpoints tuple[2]);

/* Return the flow of a conntrack entry: same tuple, zone and id, newest first; after: the flow
 * found last (FLOW_REF_NONE: start). */
flow_ref flows_find(const struct flows *t, const struct ct_event *ev, flow_ref after);

/* Load the flows of at most 32 events into the cache before they are looked up. This only saves
 * time: in a table of millions each look-up waits for memory. */
void flows_prefetch(const struct flows *t, const struct ct_event *ev, size_t n);

/* The flows that a logged packet can belong to, newest first. *direction is the
 * packet's in that flow. */
flow_ref flows_find_packet(const struct flows *t, const struct stray_packet *p, flow_ref after,
			   enum direction *direction);

/* Call fn for each flow, in no order; fn may change it but not add or remove flows. */
typedef void flows_fn(void *data, flow_ref ref, struct flow *f);
void flows_each(struct flows *t, flows_fn *fn, void *data);

uint32_t flows_count(const struct flows *t);
size_t flows_bytes(const struct flows *t);

/* Sets of slots are interned: a flow holds a number of 16 bits for 64. Number 0
 * is the empty set. -1: no more numbers (65,535 different sets). */
int flows_set_intern(struct flows *t, uint64_t set);
uint64_t flows_set(const struct flows *t, uint16_t number);

/* First in, first out, through flow.link: a flow is on one queue at most. */
void flow_queue_init(struct flow_queue *q);
void flow_queue_push(struct flows *t, struct flow_queue *q, flow_ref ref);
/* Append all of more to q; more is empty then. */
void flow_queue_append(struct flows *t, struct flow_queue *q, struct flow_queue *more);
flow_ref flow_queue_pop(struct flows *t, struct flow_queue *q); /* or FLOW_REF_NONE */

#endif
