/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit.h - the pure core of Waymark: kernel events go in, records come out.
 *
 * The audit keeps the flows and decides their verdicts. It joins two kinds of evidence: labels in
 * conntrack events, and logged packets. The two kinds arrive in no defined order. The audit emits
 * the records to write to the history. Time is passed in. The audit reads nothing from the system.
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

/* The packet that diagnose() or is_undrained() has to explain. */
struct audit_stray {
	uint8_t expected;     /* slot of the uplink that the flow's mark names */
	bool is_marked;	      /* true: the packet carried its flow's mark, so suspect routing;
			       * false: suspect the rules that restore marks */
	uint32_t mark;	      /* the packet's whole mark; if a label is the only evidence of the
			       * packet, the flow's mark under mark-mask */
	struct addr src, dst; /* as routing saw them: after DNAT, before SNAT */
	uint8_t proto;
	uint16_t sport, dport; /* as src and dst; 0: the protocol has none */
	uint32_t iifindex;     /* interface that the packet came in by; 0: sent by this host, or
			       * unknown */
};

/* Callbacks of the audit. */
struct audit_port {
	void *data;
	/* Write a record to the history. The callee copies *r and takes over the memory that the
	 * record owns (record_clear()). */
	void (*emit)(void *data, const struct record *r);
	/* Return how many more flows the writer can take now. Flows that changed or were lost wait
	 * until there is room. All other records are emitted at once. NULL: unlimited. */
	uint32_t (*room)(void *data);
	/* Raise an alert: for the mismatch m or, if m is NULL, for the flow's verdict (f->verdict).
	 * At most one alert for a verdict is raised per flow. */
	void (*alert)(void *data, const struct flow_record *f, const struct mismatch_record *m);
	/* Note that more packets of a mismatch were seen after its alert was raised. m->reason is
	 * the reason that the alert named. Called at most once per tick and mismatch. Return false
	 * if the alert is over or was never raised: the audit then raises another alert. NULL: no
	 * mismatch gets a second alert. */
	bool (*goes_on)(void *data, const struct mismatch_record *m);
	/* Return why the packet may have left by the wrong interface. The callee checks the current
	 * ip rules, routes, links and ruleset. It returns REASON_UNEXPLAINED if all of them are as
	 * they should be. object is set to the rule or route that is the cause, or to "". */
	enum reason (*diagnose)(void *data, const struct audit_stray *stray,
				char object[OBJECT_MAX]);
	/* Called for a new flow that left by the uplink stray->expected, although new flows should
	 * avoid that uplink. Return whether routing should have led the flow to another uplink.
	 * object is set to the rule or route that is the cause, or to "". NULL: such flows are not
	 * recorded as mismatches. */
	bool (*is_undrained)(void *data, const struct audit_stray *stray, char object[OBJECT_MAX]);
};

struct audit_ids {
	int64_t flow, mismatch, gap; /* the highest id in use of each kind */
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
	uint64_t lost;			   /* flows that vanished without a DESTROY event */
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
 * down by decision; 0: new flows may use the uplink. If a new flow leaves by an avoided uplink and
 * is_undrained() returns true, the flow is a mismatch (REASON_NOT_DRAINED). */
void audit_set_avoided(struct audit *a, uint8_t slot, int64_t since_ms);

/* Set the time from which evidence is collected. Flows that have no label and began earlier, or at
 * an unknown time, count as predating (REASON_PREDATES). */
void audit_set_evidence_since(struct audit *a, int64_t since_ms);

/* Set whether the audit ignores labels. It must ignore them while waymarkd clears the labels of an
 * earlier configuration, in which the labels stood for other uplinks. */
void audit_set_labels_stale(struct audit *a, bool are_stale);

/* Add a flow that is live in the history, even if the flow table is full. Call before the first
 * dump. Return 0 or -errno. */
int audit_preload(struct audit *a, const struct flow_record *f);

/* Process one conntrack event, or one dump entry between audit_dump_begin() and
 * audit_dump_end(). */
void audit_ct_event(struct audit *a, const struct ct_event *ev, int64_t now_ms);
/* Process n dump entries. This function first loads their flows into the CPU cache, because flows
 * that follow each other in a dump are far apart in the flow table. */
void audit_ct_entries(struct audit *a, const struct ct_event *entries, size_t n, int64_t now_ms);

/* Note that waymarkd has set the ct mark of this entry to the value `mark` (adopt.h). If is_entered
 * is set, the flow came in by the uplink that the mark names. The kernel may send no event for this
 * change. */
void audit_marked(struct audit *a, const struct ct_event *ev, uint32_t mark, bool is_entered,
		  int64_t now_ms);

/* Return whether this entry (tuple, zone, id) belongs to this flow and the flow is live. */
bool audit_is_live(const struct audit *a, const struct ct_event *entry, int64_t flow_id);

/* Return the id of the live flow of an entry (tuple, zone, id); 0: there is none. */
int64_t audit_live_id(const struct audit *a, const struct ct_event *entry);

/* Process one stray packet; egress is the slot of the uplink that the packet left by. */
void audit_packet(struct audit *a, const struct stray_packet *p, uint8_t egress, int64_t now_ms);
/* Process one stray packet that left by an interface that is no uplink. */
void audit_packet_elsewhere(struct audit *a, const struct stray_packet *p, const char *ifname,
			    int64_t now_ms);

/* Return the number of an interface that is no uplink, or INTERFACE_REST if there are too many such
 * interfaces. The audit emits RECORD_INTERFACE for each new number. */
uint16_t audit_interface(struct audit *a, const char *ifname);
/* Return the name of the interface with this number, or NULL. */
const char *audit_interface_name(const struct audit *a, uint16_t number);

/* Call after a batch of conntrack events. Match the logged packets that waited for an event of
 * their flow, and record the mismatches that labels show. */
void audit_settle(struct audit *a, int64_t now_ms);
/* Return whether labels of this batch show a mismatch that is not recorded yet. The rules may also
 * have logged a packet of the flow, which shows more than the label. Therefore, before you call
 * audit_settle(), read all logged packets that have arrived. */
bool audit_is_in_doubt(const struct audit *a);

/* Begin and end a dump of the conntrack table. At the end of a complete dump, live flows that the
 * dump does not contain are lost. After an incomplete dump (is_torn) no flow counts as lost. */
void audit_dump_begin(struct audit *a, int64_t now_ms);
void audit_dump_end(struct audit *a, bool is_torn, int64_t now_ms);

/* Record a gap: events or evidence may have been missed between two times. A flow that lived in the
 * gap and has no evidence of an egress gets the verdict unknown. ended_ms 0: the gap is open.
 * Return the id of the gap. */
int64_t audit_gap(struct audit *a, enum gap_source source, int64_t started_ms, int64_t ended_ms,
		  int64_t lost, const char *reason);
/* Note that our nftables rules are missing during this open gap. A flow that may have sent packets
 * in the gap gets the verdict unknown, even if evidence shows that its packets before and after the
 * gap left by the right uplink. The first complete dump after the end of the gap shows which flows
 * were idle in the gap. Idle flows keep their verdict. */
void audit_gap_set_blind(struct audit *a, int64_t id);
/* End an open gap. */
void audit_gap_end(struct audit *a, int64_t id, enum gap_source source, int64_t started_ms,
		   int64_t ended_ms, int64_t lost, const char *reason);

/* Call every AUDIT_TICK_MS. Emit the flows that changed before the previous tick. Forget flows that
 * ended so long ago that no more evidence about them is expected. */
#define AUDIT_TICK_MS 50
void audit_tick(struct audit *a, int64_t now_ms);

/* Emit all flows that wait to be written, as far as there is room. Return how many still wait. Live
 * flows stay live in the history. */
uint32_t audit_flush(struct audit *a, int64_t now_ms);

/* Queue all live flows to be emitted again, because the history lost them. Each tick emits as many
 * of them as there is room for. */
void audit_write_live(struct audit *a);

void audit_stats(const struct audit *a, struct audit_stats *out);

/* Packets and bytes that left by an uplink, as conntrack counted them. ended: sums of the flows
 * that ended since waymarkd started. live: sums of the flows that were live in the last complete
 * dump. The sum of ended and live is exact from the end of a dump until the next event is
 * processed. If a flow ends during a dump that has already listed the flow, its final counters are
 * subtracted from live. Therefore live may wrap below 0. */
struct audit_coverage {
	struct tally ended[FLOW_SHARES], live[FLOW_SHARES];
	uint64_t lost[FLOW_SHARES]; /* number of flows that vanished; no sum contains their
				     * counters */
};
void audit_coverage(const struct audit *a, uint8_t slot, struct audit_coverage *out);
/* Set *out to the latest packet that left by this uplink and belongs to no flow, and forget the
 * packet. Return false if there was no such packet since the last call. */
bool audit_flowless_take(struct audit *a, uint8_t slot, struct stray_packet *out);
/* Return the number of UDP answers that left by this uplink since the last call and have a source
 * address that the request was not sent to (audit_unasked.c). example is set to the latest such
 * answer. */
uint64_t audit_unasked_take(struct audit *a, uint8_t slot, struct endpoints *example);
/* Counts that show whether the sums of all uplinks may be wrong. uncounted: ended flows and dump
 * entries without counters, which no sum contains. lost: flows that vanished, and events of flows
 * that did not fit into the flow table. gaps: the id of the latest gap. gaps_open: the number of
 * open gaps. */
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
