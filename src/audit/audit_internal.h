/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_internal.h - what the files of the audit share. audit.c processes conntrack events,
 * audit_dump.c processes dumps, and audit_packet.c processes logged packets. audit_duplicates.c
 * recognizes events that were processed before. audit_uplinks.c maps marks to uplinks. audit_flow.c
 * keeps the interfaces by which a flow's packets left. audit_mismatch.c keeps the mismatches, and
 * audit_gap.c keeps the gaps. audit_emit.c makes the records. audit_tick.c writes changed flows and
 * forgets ended ones. audit_coverage.c sums the counters of flows.
 */
#ifndef WAYMARK_SRC_AUDIT_AUDIT_INTERNAL_H
#define WAYMARK_SRC_AUDIT_AUDIT_INTERNAL_H

#include "waymark/audit/audit.h"
#include "audit/flows.h"
#include "audit/verdict.h"

#define NS_PER_MS   1000000
#define MS_PER_HOUR 3600000

/* An ended flow is kept for this many ticks (2 s), because evidence about it may still arrive. */
#define LINGER_TICKS 40
/* A lost flow is kept for at least 30 s, because its DESTROY may arrive late. It waits in one of
 * LOST_TURNS queues. Every LINGER_TICKS ticks, the oldest queue is emptied. */
#define LOST_TURNS 16

/* A logged packet may arrive before its flow's event, so the packet waits for up to 1 s. The wait
 * is counted in ticks, because the clock may be set meanwhile. */
#define PENDING_MAX   4096
#define PENDING_TICKS 20

/* A flow cannot begin after its packets arrive. If its start time is this much later than a packet,
 * the clock was set in between. */
#define CLOCK_SET_MS 60000

struct mark_slot {
	uint32_t mark;
	uint8_t slot;
};

/* The interface that a packet left by. If it is an uplink, `slot` is the uplink's slot. Otherwise
 * `slot` is SLOT_NONE, and `other` is the interface's number (audit_interface()). */
struct egress {
	uint8_t slot;
	uint16_t other;
};

struct pending_packet {
	struct stray_packet packet;
	struct egress egress;
	int64_t arrived_ms;
	uint64_t due_tick;
};

/* An address of an uplink, and the time during which the uplink had it. */
struct owned_address {
	struct addr addr;
	uint8_t slot;
	int64_t from_ms, to_ms; /* to_ms 0: the uplink still has the address */
};

/* A recorded mismatch: one per flow, direction and egress. It is kept as long as its flow is in the
 * flow table, to count further packets. */
struct mismatch {
	struct mismatch *next;	     /* next in the hash bucket */
	struct mismatch *next_dirty; /* next in the list of mismatches to write at the next tick */
	bool is_dirty;
	flow_ref flow;
	enum reason reported; /* the reason that the latest alert named */
	struct mismatch_record record;
};

#define MISMATCH_BUCKETS 4096u

/* One of the latest gaps. A flow lived in a gap if it existed at any time during the gap. */
#define GAPS_MAX 64
struct known_gap {
	int64_t id, started_ms;
	int64_t ended_ms; /* INT64_MAX: the gap is open */
	bool is_ruleless; /* events were received, but no rules were installed */
	bool is_blind;	  /* any flow may have sent packets in this gap unseen. Set together with
			   * is_ruleless, cleared when a complete dump after the gap has shown which
			   * flows were idle */
};
struct audit_gaps {
	struct known_gap list[GAPS_MAX];
	unsigned n, n_open;
	int64_t latest_ms; /* latest end of a closed gap or start of an open gap. If no gap is open,
			    * a flow that began later lived in no gap */
	int64_t forgotten_ms; /* latest end of a gap that was dropped from the list; 0: none */
	int64_t set_back_ms;  /* time to which the clock was last set back; 0: never */
};

/* Sums of the flows' counters, per uplink. */
struct audit_sums {
	struct tally ended[UPLINKS_MAX][FLOW_SHARES];
	struct tally live[UPLINKS_MAX][FLOW_SHARES];	  /* live flows, as listed by the last
							   * complete dump */
	struct tally dumped[UPLINKS_MAX][FLOW_SHARES];	  /* live flows, as listed by the running
							   * dump so far */
	struct tally overtaken[UPLINKS_MAX][FLOW_SHARES]; /* flows that ended after the running dump
							   * had listed them */
	struct tally lost[UPLINKS_MAX][FLOW_SHARES]; /* lost flows: tally.packets is their number,
						      * tally.bytes is not used */
	uint64_t uncounted; /* ended flows and dump entries without counters */
	bool is_dumping;
};

/* UDP answers whose source is not the address that the request was sent to. Counted since the last
 * audit_unasked_take(). */
struct unasked {
	uint64_t answers;
	struct endpoints example; /* the latest answer */
};

/* A suspect is a flow whose labels show a mismatch that is not recorded yet. SUSPECTS_MAX is the
 * maximum number of suspects in one batch of events. The mismatches of further suspects are
 * recorded at once (mismatch_suspect()). */
#define SUSPECTS_MAX 512u

struct audit {
	struct audit_port port;
	struct audit_ids ids;
	struct audit_stats stats;

	uint32_t mask, label_base;
	struct mark_slot marks[UPLINKS_MAX];
	size_t n_marks;
	char interfaces[INTERFACE_REST][IFNAMSIZ]; /* the interface with number n has index n - 1 */
	unsigned n_interfaces;
	struct mark_slot former[UPLINKS_MAX]; /* marks that a reload removed, and their uplinks;
					       * newest last */
	size_t n_former;
	struct owned_address *addresses; /* sorted by address */
	size_t n_addresses;
	int64_t evidence_since_ms;
	bool are_labels_stale;
	struct audit_gaps gaps;
	int64_t dump_started_ms;
	int64_t heard_since_ms; /* since this time every NEW was read (except in gaps), and the flow
				 * table had room for each flow; 0: unknown */

	struct flows *flows;
	struct flow_queue changed, changing;	     /* flows to write. changed: flows that changed
						      * before the latest tick; changing: flows that
						      * changed since then */
	int64_t changed_since_ms, changing_since_ms; /* each flow in `changed` (`changing`) changed
						      * at this time or later */
	int64_t event_ms; /* time of the event whose record is being emitted; 0: unknown */
	struct flow_queue linger[LINGER_TICKS];
	uint64_t ticks; /* number of ticks so far */
	int64_t now_ms; /* time of the latest tick or reload */
	unsigned linger_now;
	struct flow_queue lost[LOST_TURNS];
	unsigned lost_now;

	struct mismatch *mismatches[MISMATCH_BUCKETS];
	struct mismatch *dirty;
	flow_ref suspects[SUSPECTS_MAX];
	unsigned n_suspects;

	struct unasked unasked[UPLINKS_MAX];
	struct stray_packet flowless[UPLINKS_MAX]; /* per uplink, the latest packet that left by it
						    * without a flow; address family 0: none */

	struct pending_packet *pending;
	uint32_t n_pending;

	uint32_t live[UPLINKS_MAX];
	uint64_t uplink_mismatches[UPLINKS_MAX];
	/* number of mismatches by their first reason: a reason that replaces it later is not
	 * counted */
	uint64_t uplink_reasons[UPLINKS_MAX][REASONS];
	uint64_t uplink_bytes[UPLINKS_MAX];
	int64_t avoided_since_ms[UPLINKS_MAX]; /* since when new flows should avoid the uplink; 0:
						* they can use it */
	struct audit_sums sums;
};

/* audit.c */
/* Return whether the event has labels of Waymark that are not stale. */
bool audit_has_labels(const struct audit *a, const struct ct_event *ev);
/* Return the newest flow that has this state and belongs to the conntrack entry ev, or
 * FLOW_REF_NONE. */
flow_ref flow_find(const struct audit *a, const struct ct_event *ev, enum flow_state state);
/* Add a live flow with the tuples, id and mark of an entry. Return FLOW_REF_NONE if there is no
 * room. */
flow_ref flow_begin(struct audit *a, const struct ct_event *ev, int64_t now_ms);
/* Apply an event to its live flow. */
void flow_apply(struct audit *a, flow_ref ref, const struct ct_event *ev, int64_t now_ms);
/* Give up a flow as lost: it vanished without a DESTROY event. */
void flow_lose(struct audit *a, flow_ref ref);
/* If the event's flow was given up as lost, make the flow live again and return its new reference.
 * Return FLOW_REF_NONE if the flow was not lost, or if there is no room. */
flow_ref flow_revive(struct audit *a, const struct ct_event *ev, int64_t now_ms);
/* Return whether the entry belongs to a later flow with the same id and tuple as f. */
bool flow_is_other(const struct flow *f, const struct ct_event *ev, int64_t now_ms);

/* audit_unasked.c */
/* Count the new flow f if its packets answer a request that was sent to another address of this
 * host. */
void unasked_note(struct audit *a, const struct flow *f, const struct ct_event *ev);

/* audit_dump.c */
void dump_take(struct audit *a, const struct ct_event *ev, int64_t now_ms);

/* audit_uplinks.c */
uint8_t audit_slot_of_mark(const struct audit *a, uint32_t mark);
/* Return the uplink that a flow's mark names. If a reload removed that uplink and no packet of the
 * flow has been seen to leave since then, return the removed uplink. */
uint8_t audit_slot_of_flow(const struct audit *a, const struct flow *f);
/* Add n to the number of live flows of the uplink that the mark names. */
void audit_live_count(struct audit *a, uint32_t mark, int n);
/* In audit.c: if the flow is not closed, add `by` to the number of live flows of its uplink. */
void flow_live_count(struct audit *a, const struct flow *f, int by);
/* In audit.c: apply the TCP state of an event or dump entry to a live flow. If the connection has
 * closed, set is_closed and emit the flow with an end time. If the connection is open again, clear
 * is_closed. */
void flow_apply_tcp(struct audit *a, flow_ref ref, const struct ct_event *ev, int64_t now_ms);

/* audit_gap.c */
/* Return whether a flow has lived in a gap in which events may have been missed (is_ruleless is
 * false). ended_ms 0: the flow is live. */
bool audit_is_in_gap(const struct audit *a, const struct flow *f, int64_t ended_ms);
/* Return whether a live flow may have sent packets in a gap whose is_blind is still set. */
bool gaps_may_hide(const struct audit *a, const struct flow *f);
/* Set is_unseen if the flow may have sent packets in a gap whose is_blind is set. Call
 * gaps_settle_entry() for a flow that a dump shows, and gaps_settle_end() for a flow that ends. */
void gaps_settle_entry(struct audit *a, struct flow *f, const struct ct_event *ev, int64_t now_ms);
void gaps_settle_end(struct audit *a, struct flow *f, int64_t ended_ms);
/* At the end of a complete dump, clear is_blind of the gaps that had ended when the dump began.
 * Return whether there was such a gap. */
bool gaps_settle_dump(struct audit *a);
/* Note the current time. If the clock was set back, earlier times are no longer comparable: set
 * has_gap of the live flows that have lived in a gap, and let open gaps begin at the new time. */
void gaps_note_time(struct audit *a, int64_t now_ms);

/* audit_tick.c */
/* Keep an ended or lost flow for late evidence, and forget it afterwards. */
void flow_linger(struct audit *a, flow_ref ref);

/* audit_addresses.c: return the uplink that had the address at the time at_ms. If several uplinks
 * had it then, prefer the uplink in `slot`. If none had it then, return an uplink that had it at
 * another time, or SLOT_NONE. */
uint8_t audit_slot_of_address(const struct audit *a, const struct addr *addr, int64_t at_ms,
			      uint8_t slot);

/* audit_flow.c */
/* Return the set of uplinks that the flow's packets left by in one direction. */
uint64_t flow_egress(const struct audit *a, const struct flow *f, enum direction d);
/* Return whether the flow has turned: it came in by an uplink and was pinned to the uplink that it
 * left by. */
bool flow_has_turned(const struct flow *f);
/* flow_has_left() returns whether a packet of the flow was seen to leave by this interface.
 * flow_note_egress() notes such a packet, and returns false if such a packet was noted before. */
bool flow_has_left(const struct audit *a, const struct flow *f, enum direction d, struct egress e);
bool flow_note_egress(struct audit *a, struct flow *f, enum direction d, struct egress e);
/* `number` points to the number of one of the flow's interned sets (flows_set_intern()). Add the
 * bits of `add` to this set: *number becomes the number of the enlarged set. Return false if the
 * set has the bits already, or if the new set cannot be stored. */
bool flow_set_add(struct audit *a, uint16_t *number, uint64_t add);

/* audit_emit.c */
/* Emit the flow's current row. If ev is not NULL, the row gets the counters of ev. If ended_ms is
 * 0, the row has no end. */
void flow_emit(struct audit *a, flow_ref ref, const struct ct_event *ev, int64_t ended_ms);
/* Return whether a flow with this verdict gets an alert. A mismatch is not included: it has its own
 * alert. */
bool audit_is_alert_worthy(enum verdict v);
/* If the flow is live, queue it: the second tick from now writes its row. If it is not live, write
 * its row at once. */
void flow_touch(struct audit *a, flow_ref ref);

/* audit_mismatch.c */
/* mismatch_is_suspect() returns whether the flow's labels show a mismatch that is not recorded yet.
 * Call mismatch_suspect() after each event of a flow. Such a flow then waits until
 * mismatch_settle() records the mismatch at the end of the batch, because a logged packet that is
 * read meanwhile shows more than the labels. If the labels come from a dump (is_old), no packet is
 * expected, and the mismatch is recorded at once. */
bool mismatch_is_suspect(const struct audit *a, const struct flow *f);
void mismatch_suspect(struct audit *a, flow_ref ref, bool is_old, int64_t now_ms);
void mismatch_settle(struct audit *a, int64_t now_ms);
/* Record the mismatch that a logged packet of the flow shows. */
void mismatch_add_packet(struct audit *a, flow_ref ref, enum direction d, struct egress egress,
			 const struct stray_packet *p, int64_t now_ms);
/* Record a mismatch: the flow left by the uplink in `slot`, which its mark names, but new flows
 * should avoid this uplink. `object` is the rule or route that led the flow there, or "". */
void mismatch_add_undrained(struct audit *a, flow_ref ref, uint8_t slot, const char *object,
			    int64_t now_ms);
void mismatch_forget(struct audit *a, flow_ref ref);
void mismatch_emit_dirty(struct audit *a);
void mismatch_free_all(struct audit *a);

/* audit_drain.c */
/* Record a mismatch if this new flow should have avoided the uplink that it left by. */
void drain_check(struct audit *a, flow_ref ref, const struct ct_event *ev, int64_t now_ms);

/* audit_duplicates.c */
/* Return whether this NEW event of a live flow has been processed before. */
bool duplicate_is_begin(const struct audit *a, const struct flow *f, const struct ct_event *ev);
/* Call these functions for an event that matches no live flow. duplicate_has_ended() returns
 * whether the event is about a flow whose DESTROY was processed. duplicate_is_end() returns whether
 * this DESTROY was processed before. */
bool duplicate_has_ended(const struct audit *a, const struct ct_event *ev);
bool duplicate_is_end(const struct audit *a, const struct ct_event *ev, int64_t now_ms);

/* audit_coverage.c */
void sums_dump_begin(struct audit *a);
/* Add the counters of a live flow's dump entry to the sums, at most once per flow and dump. */
void sums_take_entry(struct audit *a, flow_ref ref, const struct ct_event *ev);
/* Undo sums_take_entry(). Call before a change after which the flow counts for another uplink. */
void sums_take_back(struct audit *a, flow_ref ref, const struct ct_event *ev);
/* Add the counters of a flow that ended. */
void sums_take_end(struct audit *a, flow_ref ref, const struct ct_event *ev);
/* Count a flow that is about to be given up as lost. */
void sums_take_loss(struct audit *a, flow_ref ref);
void sums_dump_end(struct audit *a, bool is_torn);

/* audit_packet.c */
/* When pending_settle() is called: SETTLE_SOME between ticks, SETTLE_TICK at each tick, SETTLE_LAST
 * when no packet may wait any longer (audit_flush()). */
enum settle { SETTLE_SOME, SETTLE_TICK, SETTLE_LAST };
void pending_settle(struct audit *a, int64_t now_ms, enum settle how);

#endif
