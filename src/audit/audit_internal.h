/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_internal.h - what the files of the audit share: audit_uplinks.c knows the
 * marks, audit.c takes conntrack events, audit_duplicates.c knows those that came
 * before, audit_dump.c takes dumps, audit_packet.c logged packets, audit_mismatch.c
 * keeps the mismatches, audit_emit.c makes the records, audit_gap.c knows the gaps,
 * audit_flow.c where packets left, audit_coverage.c adds up what the flows account for.
 */
#ifndef WAYMARK_SRC_AUDIT_AUDIT_INTERNAL_H
#define WAYMARK_SRC_AUDIT_AUDIT_INTERNAL_H

#include "waymark/audit/audit.h"
#include "audit/flows.h"
#include "audit/verdict.h"

#define NS_PER_MS 1000000

/* Evidence may come after its flow's end: an ended flow is kept for 2 s. */
#define LINGER_TICKS 40
/* ... and one that was given up as lost for 30 s, in turns of the other's time. */
#define LOST_TURNS 16

/* A logged packet may come before its flow's event: it is kept for 1 s. Counted in
 * ticks, for a clock that is set must neither end that nor make it last. */
#define PENDING_MAX   4096
#define PENDING_TICKS 20

/* A time that is this much later than that of an event read after it predates a clock step. */
#define CLOCK_SET_MS 60000

struct mark_slot {
	uint32_t mark;
	uint8_t slot;
};

/* Where a packet left: by an uplink, or, with slot SLOT_NONE, by another interface. */
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

/* An uplink's address, from when to when. */
struct owned_address {
	struct addr addr;
	uint8_t slot;
	int64_t from_ms, to_ms; /* to_ms 0: still */
};

/* A mismatch that is still growing: one per flow, direction and uplink. */
struct mismatch {
	struct mismatch *next;	     /* in its bucket */
	struct mismatch *next_dirty; /* to be written at the next tick */
	bool is_dirty;
	flow_ref flow;
	enum reason reported; /* the reason that the alert named */
	struct mismatch_record record;
};

#define MISMATCH_BUCKETS 4096u

/* The latest gaps, to say of a flow whether it lived in one. */
#define GAPS_MAX 64
struct known_gap {
	int64_t id, started_ms;
	int64_t ended_ms; /* INT64_MAX: it is open */
	bool is_ruleless; /* events were received; only the egress of packets was not seen */
	bool is_blind;	  /* no rules saw packets leave, and no dump has shown since which flows
			   * sent */
};
struct audit_gaps {
	struct known_gap list[GAPS_MAX];
	unsigned n, n_open;
	int64_t latest_ms;    /* no gap ends later */
	int64_t forgotten_ms; /* ... nor one that has left the list */
	int64_t set_back_ms;  /* the clock's time after it was last set back */
};

/* Sums over flows, an uplink each. */
struct audit_sums {
	struct tally ended[UPLINKS_MAX][FLOW_SHARES];
	struct tally live[UPLINKS_MAX][FLOW_SHARES];	  /* at the last whole dump */
	struct tally dumped[UPLINKS_MAX][FLOW_SHARES];	  /* in the running dump */
	struct tally overtaken[UPLINKS_MAX][FLOW_SHARES]; /* ended while in it, after their entry */
	struct tally lost[UPLINKS_MAX][FLOW_SHARES];	  /* flows, as packets */
	uint64_t uncounted;
	bool is_dumping;
};

/* UDP answers from an address that was not asked, since they were taken. */
struct unasked {
	uint64_t answers;
	struct endpoints example; /* the latest */
};

/* Flows of one batch of events whose labels show a mismatch. */
#define SUSPECTS_MAX 512u

struct audit {
	struct audit_port port;
	struct audit_ids ids;
	struct audit_stats stats;

	uint32_t mask, label_base;
	struct mark_slot marks[UPLINKS_MAX];
	size_t n_marks;
	char interfaces[INTERFACE_REST][IFNAMSIZ]; /* number n is at n - 1 */
	unsigned n_interfaces;
	struct mark_slot former[UPLINKS_MAX]; /* that a reload took away, newest last */
	size_t n_former;
	struct owned_address *addresses; /* sorted by address */
	size_t n_addresses;
	int64_t evidence_since_ms;
	bool are_labels_stale;
	struct audit_gaps gaps;
	int64_t dump_started_ms;
	int64_t heard_since_ms; /* flows that began later were reported and followed; 0: not known */

	struct flows *flows;
	struct flow_queue changed, changing;	     /* last tick's, this tick's */
	int64_t changed_since_ms, changing_since_ms; /* no change in them is older */
	int64_t event_ms; /* of the flows that are written now; 0: not known */
	struct flow_queue linger[LINGER_TICKS];
	uint64_t ticks; /* so far */
	int64_t now_ms; /* of the latest, or of the start */
	unsigned linger_now;
	struct flow_queue lost[LOST_TURNS];
	unsigned lost_now;

	struct mismatch *mismatches[MISMATCH_BUCKETS];
	struct mismatch *dirty;
	flow_ref suspects[SUSPECTS_MAX];
	unsigned n_suspects;

	struct unasked unasked[UPLINKS_MAX];
	struct stray_packet flowless[UPLINKS_MAX]; /* the latest; tuple of family 0: none */

	struct pending_packet *pending;
	uint32_t n_pending;

	uint32_t live[UPLINKS_MAX];
	uint64_t uplink_mismatches[UPLINKS_MAX];
	uint64_t uplink_reasons[UPLINKS_MAX][REASONS]; /* of them, by reason as first found */
	uint64_t uplink_bytes[UPLINKS_MAX];
	struct audit_sums sums;
};

/* audit.c */
/* Return whether the event has labels of ours that are not stale. */
bool audit_has_labels(const struct audit *a, const struct ct_event *ev);
/* The newest flow of this entry in that state, or FLOW_REF_NONE. */
flow_ref flow_find(const struct audit *a, const struct ct_event *ev, enum flow_state state);
/* A flow of which nothing else is known yet, alive; FLOW_REF_NONE: no room. */
flow_ref flow_begin(struct audit *a, const struct ct_event *ev, int64_t now_ms);
/* Apply an event to its live flow. */
void flow_apply(struct audit *a, flow_ref ref, const struct ct_event *ev, int64_t now_ms);
/* End a flow that vanished without a DESTROY event. */
void flow_lose(struct audit *a, flow_ref ref);
/* Revive the event's flow, which was given up as lost; FLOW_REF_NONE: there is none. */
flow_ref flow_revive(struct audit *a, const struct ct_event *ev, int64_t now_ms);
/* Return whether the entry is of another flow with the same id and tuple. */
bool flow_is_other(const struct flow *f, const struct ct_event *ev, int64_t now_ms);

/* audit_unasked.c */
/* Count a flow that has begun where it answers for another of the router's addresses. */
void unasked_note(struct audit *a, const struct flow *f, const struct ct_event *ev);

/* audit_dump.c */
void dump_take(struct audit *a, const struct ct_event *ev, int64_t now_ms);

/* audit_uplinks.c */
uint8_t audit_slot_of_mark(const struct audit *a, uint32_t mark);
/* The uplink that a flow's mark names, or named until a reload took it away and no
 * packet of the flow has been seen to leave since. */
uint8_t audit_slot_of_flow(const struct audit *a, const struct flow *f);
/* Count live flows of the uplink that the mark names. */
void audit_live_count(struct audit *a, uint32_t mark, int by);
/* The same for a flow, unless it is closed. */
void flow_live_count(struct audit *a, const struct flow *f, int by);
/* Apply the TCP state of an event or entry: a closed connection gets its end. */
void flow_apply_tcp(struct audit *a, flow_ref ref, const struct ct_event *ev, int64_t now_ms);

/* audit_gap.c */
/* Return whether a flow that ended then (0: it lives) has lived in a gap. */
bool audit_is_in_gap(const struct audit *a, const struct flow *f, int64_t ended_ms);
/* Return whether a flow that lives may have sent in a gap without rules that no dump has settled
 * yet. */
bool gaps_may_hide(const struct audit *a, const struct flow *f);
/* The same of a flow whose entry a dump shows, or that ends: from then on it is known. */
void gaps_settle_entry(struct audit *a, struct flow *f, const struct ct_event *ev, int64_t now_ms);
void gaps_settle_end(struct audit *a, struct flow *f, int64_t ended_ms);
/* A dump is complete: gaps that had ended when it began are settled. Return whether there
 * were some. */
bool gaps_settle_dump(struct audit *a);
/* Note the time. If the clock was set back, mark flows that have lived in a gap, and continue open
 * gaps in the new time. */
void gaps_note_time(struct audit *a, int64_t now_ms);

/* audit_tick.c */
/* A flow that ended is kept for a while and then forgotten. */
void flow_linger(struct audit *a, flow_ref ref);

/* audit_addresses.c: return the uplink that had the address at that time (slot, if several had it);
 * SLOT_NONE: it never was an uplink's address. */
uint8_t audit_slot_of_address(const struct audit *a, const struct addr *addr, int64_t at_ms,
			      uint8_t slot);

/* audit_flow.c */
/* Uplinks that packets of the flow left by in one direction. */
uint64_t flow_egress(const struct audit *a, const struct flow *f, enum direction d);
/* Return whether the flow came in by an uplink and was pinned to the uplink that it left by. */
bool flow_has_turned(const struct flow *f);
/* Return whether a packet was seen to leave that way. Note it; false: it was noted already. */
bool flow_has_left(const struct audit *a, const struct flow *f, enum direction d, struct egress e);
bool flow_note_egress(struct audit *a, struct flow *f, enum direction d, struct egress e);
/* Add an uplink to one of the flow's sets; false: already in it. */
bool flow_set_add(struct audit *a, uint16_t *number, uint64_t add);

/* audit_emit.c */
/* Emit the flow's row as it is now; ev, unless NULL, has counters and times. */
void flow_emit(struct audit *a, flow_ref ref, const struct ct_event *ev, int64_t ended_ms);
/* Mismatches have alerts of their own; a flow of these verdicts has one. */
bool audit_is_alert_worthy(enum verdict v);
/* The row is to be written at the next tick but one. */
void flow_touch(struct audit *a, flow_ref ref);

/* audit_mismatch.c */
/* If the flow's labels show a mismatch, it is recorded when the batch is settled,
 * after the packet that may prove it and say more; with is_old, from a dump, which
 * has no packet, at once. */
bool mismatch_is_suspect(const struct audit *a, const struct flow *f);
void mismatch_suspect(struct audit *a, flow_ref ref, bool is_old, int64_t now_ms);
void mismatch_settle(struct audit *a, int64_t now_ms);
/* A logged packet of the flow proves one. */
void mismatch_add_packet(struct audit *a, flow_ref ref, enum direction d, struct egress egress,
			 const struct stray_packet *p, int64_t now_ms);
void mismatch_forget(struct audit *a, flow_ref ref);
void mismatch_emit_dirty(struct audit *a);
void mismatch_free_all(struct audit *a);

/* audit_duplicates.c */
/* Return whether the NEW event of a flow that lives has been processed before. */
bool duplicate_is_begin(const struct audit *a, const struct flow *f, const struct ct_event *ev);
/* For a flow that does not live: whether the event is about a flow whose DESTROY was processed,
 * and whether it is that DESTROY again. */
bool duplicate_has_ended(const struct audit *a, const struct ct_event *ev);
bool duplicate_is_end(const struct audit *a, const struct ct_event *ev, int64_t now_ms);

/* audit_coverage.c */
void sums_dump_begin(struct audit *a);
/* Take the dump's entry of a live flow; it counts once per dump. */
void sums_take_entry(struct audit *a, flow_ref ref, const struct ct_event *ev);
/* Take it back before a change of the flow that moves it to another sum. */
void sums_take_back(struct audit *a, flow_ref ref, const struct ct_event *ev);
/* The flow's end. */
void sums_take_end(struct audit *a, flow_ref ref, const struct ct_event *ev);
/* The flow is about to be given up as lost. */
void sums_take_loss(struct audit *a, flow_ref ref);
void sums_dump_end(struct audit *a, bool is_torn);

/* audit_packet.c */
enum settle { SETTLE_SOME, SETTLE_TICK, SETTLE_LAST };
void pending_settle(struct audit *a, int64_t now_ms, enum settle how);

#endif
