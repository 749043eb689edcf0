/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit.h - the pure core of Waymark: kernel events go in, records come out.
 *
 * The audit keeps the flow table, decides the flows' verdicts, and emits the records that are
 * written to the history. It joins two kinds of evidence, which arrive in no defined order: labels
 * in conntrack events, and logged packets. The audit reads nothing from the system: callers pass in
 * events, packets and the time.
 */
#ifndef WAYMARK_AUDIT_AUDIT_H
#define WAYMARK_AUDIT_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/config/config.h"
#include "waymark/base/event.h"
#include "waymark/base/record.h"

struct audit;

/* The packet that diagnose() or is_undrained() has to explain. For is_undrained(), only expected,
 * is_marked, src and dst are set. */
struct audit_stray {
	uint8_t expected;     /* slot of the uplink that the flow's mark names */
	bool is_marked;	      /* true: the packet carried its flow's mark, so the cause is probably
			       * an ip rule or a route; false: the cause is probably in the nftables
			       * rules that restore marks */
	uint32_t mark;	      /* the packet's whole mark; if the packet was not logged, but only a
			       * label shows it, the flow's mark under mark-mask */
	struct addr src, dst; /* as routing saw them: after DNAT, before SNAT */
	uint8_t proto;
	uint16_t sport, dport; /* as routing saw them, too; 0: the protocol has no ports */
	uint32_t iifindex;     /* interface that the packet came in by; 0: sent by this host, or
			       * unknown */
};

/* Callbacks of the audit. */
struct audit_port {
	void *data;
	/* Write a record to the history. The callee copies *r and takes over the memory that the
	 * record owns (record_clear()). */
	void (*emit)(void *data, const struct record *r);
	/* Return how many more flow records the writer can take now. The records of changed and
	 * lost flows wait until the writer can take them. All other records are emitted at once.
	 * NULL: unlimited. */
	uint32_t (*room)(void *data);
	/* Raise an alert: for the mismatch m or, if m is NULL, for the flow's verdict (f->verdict).
	 * At most one alert for a verdict is raised per flow. */
	void (*alert)(void *data, const struct flow_record *f, const struct mismatch_record *m);
	/* Called if more packets of a mismatch were seen after its alert was raised, at most once
	 * per tick and mismatch. m->reason is the reason that the alert named. Return false if the
	 * alert is over or was never raised: the audit then raises another alert. NULL: no mismatch
	 * gets a second alert. */
	bool (*goes_on)(void *data, const struct mismatch_record *m);
	/* Return why the packet may have left by the wrong interface. The callee checks the current
	 * ip rules, routes, links and ruleset. It returns REASON_UNEXPLAINED if all of them are as
	 * they should be. It sets `object` to the rule or route that is the cause, or to "". */
	enum reason (*diagnose)(void *data, const struct audit_stray *stray,
				char object[OBJECT_MAX]);
	/* Called for a new flow that left by the uplink stray->expected, although new flows should
	 * avoid that uplink. Return true if a rule or route led the flow there although another
	 * uplink was usable, and set `object` to this rule or route, or to "". NULL: such flows are
	 * not recorded as mismatches. */
	bool (*is_undrained)(void *data, const struct audit_stray *stray, char object[OBJECT_MAX]);
};

struct audit_ids {
	int64_t flow, mismatch, gap; /* for each kind of record, the highest id that is in use */
};

struct audit_stats {
	uint64_t events;     /* conntrack events that were processed; dump entries do not count */
	uint64_t packets;    /* logged packets that were processed */
	uint64_t flows;	     /* flows added to the flow table */
	uint64_t orphans;    /* logged packets dropped: no flow matched within a second, or too many
			      * packets waited for their flow */
	uint64_t ambiguous;  /* logged packets that matched several flows equally well */
	uint64_t untracked;  /* events and dump entries of flows that did not fit into the flow
			      * table; only the ends of such flows are recorded */
	uint64_t duplicates; /* events that repeat an earlier event, or that arrived after the
			      * DESTROY of their flow */
	uint64_t mismatches;
	uint64_t lost;			   /* flows that vanished and whose DESTROY event has not
					    * been read * */
	uint64_t verdicts[VERDICT_OK + 1]; /* ended and lost flows, by verdict */
	uint32_t live, lingering, pending; /* live: live flows, except TCP connections that have
					    * closed; lingering: ended and lost flows that are kept
					    * for late evidence; pending: logged packets that wait
					    * for their flow */
	uint64_t gaps;			   /* gaps recorded since waymarkd started */
	uint32_t gaps_open;
	size_t bytes; /* memory of the flow table */
};

/* Create an audit. The port and the ids are copied. Return NULL with errno on failure. */
struct audit *audit_new(const struct audit_port *port, const struct audit_ids *ids,
			uint32_t max_flows);
void audit_free(struct audit *a);

/* Set the uplinks and emit RECORD_UPLINKS. A flow whose mark no longer names an uplink keeps its
 * verdict until another of its packets is seen to leave. Return 0 or -errno. */
int audit_set_config(struct audit *a, const struct config *c, int64_t now_ms);

/* Set the current addresses of the uplinks. They show which uplink a source address belongs to. The
 * list is copied. Former addresses are kept for flows that began while the addresses were in use.
 * Return 0 or -errno. */
struct audit_address {
	struct addr addr;
	uint8_t slot;
};
int audit_set_addresses(struct audit *a, const struct audit_address *list, size_t n,
			int64_t now_ms);

/* Set the time from which new flows from inside avoid this uplink, because the uplink is drained or
 * down by decision; 0: new flows can use the uplink. If a new flow leaves by an avoided uplink and
 * is_undrained() returns true, the flow is a mismatch (REASON_NOT_DRAINED). */
void audit_set_avoided(struct audit *a, uint8_t slot, int64_t since_ms);

/* Set the time from which evidence is collected. If a dump shows an unknown flow without a label,
 * and the flow began before that time or at an unknown time, the flow counts as predating
 * (REASON_PREDATES). */
void audit_set_evidence_since(struct audit *a, int64_t since_ms);

/* Set whether the audit ignores labels. It must ignore them while waymarkd clears the labels of an
 * earlier configuration, in which the labels stood for other uplinks. */
void audit_set_labels_stale(struct audit *a, bool are_stale);

/* Add a flow that the history lists as live, even if the flow table is full. Call this for each
 * such flow before the first dump. Return 0 or -errno. */
int audit_preload(struct audit *a, const struct flow_record *f);

/* Process one conntrack event, or one dump entry between audit_dump_begin() and
 * audit_dump_end(). */
void audit_ct_event(struct audit *a, const struct ct_event *ev, int64_t now_ms);
/* Process n dump entries. This function first loads their flows into the CPU cache, because flows
 * that follow each other in a dump are far apart in the flow table. */
void audit_ct_entries(struct audit *a, const struct ct_event *entries, size_t n, int64_t now_ms);

/* Call when waymarkd has set the ct mark of this entry to the value `mark` (adopt.h), because the
 * kernel might send no event for this change. If is_entered is true, the flow came in by the uplink
 * that the mark names. */
void audit_marked(struct audit *a, const struct ct_event *ev, uint32_t mark, bool is_entered,
		  int64_t now_ms);

/* Return whether this entry (tuple, zone, id) belongs to this flow and the flow is live. */
bool audit_is_live(const struct audit *a, const struct ct_event *entry, int64_t flow_id);

/* Return the id of the live flow of an entry (tuple, zone, id); 0: there is none. */
int64_t audit_live_id(const struct audit *a, const struct ct_event *entry);

/* Process one stray packet that left by an uplink; `egress` is the slot of this uplink. */
void audit_packet(struct audit *a, const struct stray_packet *p, uint8_t egress, int64_t now_ms);
/* Process one stray packet that left by an interface that is no uplink. */
void audit_packet_elsewhere(struct audit *a, const struct stray_packet *p, const char *ifname,
			    int64_t now_ms);

/* Return the number of an interface that is no uplink. A new interface gets the next number, and
 * the audit emits RECORD_INTERFACE. If no number is free, return INTERFACE_REST. */
uint16_t audit_interface(struct audit *a, const char *ifname);
/* Return the name of the interface with this number, or NULL. */
const char *audit_interface_name(const struct audit *a, uint16_t number);

/* Call after a batch of conntrack events. Match the logged packets that waited for an event with
 * the flows of the batch, and record the mismatches that labels show. */
void audit_settle(struct audit *a, int64_t now_ms);
/* Return whether labels of this batch show a mismatch that is not recorded yet. If so, first read
 * all logged packets that have arrived, and then call audit_settle(): one of them might be a packet
 * of the same flow, which shows more than the label. */
bool audit_is_in_doubt(const struct audit *a);

/* Begin and end a dump of the conntrack table. At the end of a complete dump, live flows that the
 * dump does not contain count as lost. After an incomplete dump (is_torn) no flow counts as
 * lost. */
void audit_dump_begin(struct audit *a, int64_t now_ms);
void audit_dump_end(struct audit *a, bool is_torn, int64_t now_ms);

/* Record a gap: between started_ms and ended_ms (0: the gap is open), events or evidence might have
 * been missed. `lost` is the number of missed messages; -1: unknown. A flow that lived in the gap
 * and has no evidence of an egress gets the verdict unknown. Return the id of the gap. */
int64_t audit_gap(struct audit *a, enum gap_source source, int64_t started_ms, int64_t ended_ms,
		  int64_t lost, const char *reason);
/* Call for an open gap during which our nftables rules are missing. If a flow might have sent
 * packets in the gap, it gets the verdict unknown, although evidence may show that its packets
 * before and after the gap left by the right uplink. The first complete dump after the end of the
 * gap shows which flows were idle in the gap. Idle flows keep their verdict. */
void audit_gap_set_blind(struct audit *a, int64_t id);
/* End an open gap. */
void audit_gap_end(struct audit *a, int64_t id, enum gap_source source, int64_t started_ms,
		   int64_t ended_ms, int64_t lost, const char *reason);

/* Call every AUDIT_TICK_MS. Emit the flows that changed before the previous tick. Forget flows that
 * ended so long ago that no more evidence about them is expected. */
#define AUDIT_TICK_MS 50
void audit_tick(struct audit *a, int64_t now_ms);

/* Emit the flows that wait to be written, as many as the writer can take (room()). Return how many
 * still wait. Live flows stay live in the history. */
uint32_t audit_flush(struct audit *a, int64_t now_ms);

/* Call when the history has lost its rows: queue all live flows to be emitted again. Each tick
 * emits as many of them as the writer can take (room()). */
void audit_write_live(struct audit *a);

void audit_stats(const struct audit *a, struct audit_stats *out);

/* Packets and bytes that left by an uplink, as conntrack counted them. `ended`: sums of the flows
 * that ended since waymarkd started. `live`: sums of the flows that were live in the last complete
 * dump. `ended` plus `live` is exact from the end of a dump until the next event is processed. If a
 * flow ends during a dump that has already listed it, `ended` has its final counters. So that the
 * flow does not count twice, they are subtracted from `live`, which can therefore wrap below 0. */
struct audit_coverage {
	struct tally ended[FLOW_SHARES], live[FLOW_SHARES];
	uint64_t lost[FLOW_SHARES]; /* number of flows that vanished; no sum contains their
				     * counters */
};
void audit_coverage(const struct audit *a, uint8_t slot, struct audit_coverage *out);
/* Set *out to the latest logged packet that left by this uplink and belongs to no flow, and forget
 * the packet. Return false if no such packet was logged since the last call of this function. */
bool audit_flowless_take(struct audit *a, uint8_t slot, struct stray_packet *out);
/* Return how many UDP answers with a wrong source address have left by this uplink since the last
 * call of this function: the request was sent to another address of this host (audit_unasked.c).
 * Set *example to the latest such answer. */
uint64_t audit_unasked_take(struct audit *a, uint8_t slot, struct endpoints *example);
/* Counts that show whether the sums in struct audit_coverage might be wrong. uncounted: ended flows
 * and dump entries without counters, which no sum contains. lost: flows that vanished, and events
 * of flows that did not fit into the flow table. gaps: the id of the latest gap. gaps_open: the
 * number of open gaps. */
struct audit_doubts {
	uint64_t uncounted, lost;
	int64_t gaps;
	uint32_t gaps_open;
};
void audit_coverage_doubts(const struct audit *a, struct audit_doubts *out);

/* Copy three counts of each uplink: its live flows, its mismatches, and the bytes of its ended
 * flows. The arrays are indexed by slot. */
void audit_uplink_counts(const struct audit *a, uint32_t live[UPLINKS_MAX],
			 uint64_t mismatches[UPLINKS_MAX], uint64_t bytes[UPLINKS_MAX]);

/* Copy how many mismatches of an uplink have each reason. The array is indexed by reason. */
void audit_uplink_reasons(const struct audit *a, uint8_t slot, uint64_t reasons[REASONS]);

#endif
