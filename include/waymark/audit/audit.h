/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit.h - the pure core of Waymark: kernel events go in, records come out.
 *
 * It keeps the flows, joins the two sources of evidence (labels in conntrack
 * events, logged packets), which have no order between them, decides verdicts
 * and says what has to be written. Time is passed in; nothing is read.
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

/* A packet that left by an interface that its flow's mark does not name. */
struct audit_stray {
	uint8_t expected;     /* slot that the mark names */
	bool is_marked;	      /* it carried its flow's mark, so that routing is in question;
			   * else what puts the mark on packets is in question */
	uint32_t mark;	      /* the packet's mark, unmasked; the flow's if there is no packet */
	struct addr src, dst; /* as it was routed: after DNAT, before SNAT */
	uint32_t iifindex;    /* 0: the router's own, or not known */
};

/* Callbacks of the audit. */
struct audit_port {
	void *data;
	/* A row to write. Copied by the callee. */
	void (*emit)(void *data, const struct record *r);
	/* Return how many rows there is room for; records that can wait then wait. NULL:
	 * unlimited. */
	uint32_t (*room)(void *data);
	/* A new mismatch (is_first), or another verdict that is reported once per flow: f->verdict
	 * says which. */
	void (*alert)(void *data, const struct flow_record *f, const struct mismatch_record *m);
	/* More packets of a mismatch whose alert was raised; m is the record as it was then. At
	 * most once per tick. Return false if that alert is over or was never raised: the audit
	 * then raises another one. NULL: as if it always returned true. */
	bool (*goes_on)(void *data, const struct mismatch_record *m);
	/* Why it may have left elsewhere: by the kernel's rules, routes, links and
	 * ruleset as they are now. REASON_UNEXPLAINED: they are as they should be. object
	 * gets the rule or route that it is about, or "". */
	enum reason (*diagnose)(void *data, const struct audit_stray *stray,
				char object[OBJECT_MAX]);
};

struct audit_ids {
	int64_t flow, mismatch, gap; /* the highest in use */
};

struct audit_stats {
	uint64_t events;     /* conntrack events taken, dump entries apart */
	uint64_t packets;    /* logged packets taken */
	uint64_t flows;	     /* flows begun */
	uint64_t orphans;    /* logged packets whose flow never showed up */
	uint64_t ambiguous;  /* logged packets that matched more than one flow */
	uint64_t untracked;  /* flows that found the table full: written, not followed */
	uint64_t duplicates; /* events already processed, or of flows that have ended */
	uint64_t mismatches; /* recorded */
	uint64_t lost;	     /* flows that vanished without a word */
	uint64_t verdicts[VERDICT_OK + 1]; /* of flows that ended */
	uint32_t live, lingering, pending;
	uint64_t gaps; /* since the start */
	uint32_t gaps_open;
	size_t bytes; /* of the flow table */
};

/* NULL with errno. The port is copied. */
struct audit *audit_new(const struct audit_port *port, const struct audit_ids *ids,
			uint32_t max_flows);
void audit_free(struct audit *a);

/* Set the uplinks; emits RECORD_UPLINKS. Flows keep their state: a flow whose mark no longer names
 * an uplink keeps its verdict until another packet of it is seen to leave. */
int audit_set_config(struct audit *a, const struct config *c, int64_t now_ms);

/* Set the addresses of the uplinks, to find the uplink of a source address. Copied; former
 * addresses are remembered for the flows that began with them. */
struct audit_address {
	struct addr addr;
	uint8_t slot;
};
int audit_set_addresses(struct audit *a, const struct audit_address *list, size_t n,
			int64_t now_ms);

/* Flows that began earlier have no evidence unless they show some. */
void audit_set_evidence_since(struct audit *a, int64_t since_ms);

/* Ignore labels while labels with an earlier meaning are being cleared. */
void audit_set_labels_stale(struct audit *a, bool are_stale);

/* A flow that the history holds as live, also beyond max_flows; before the first dump.
 * 0 or -errno. */
int audit_preload(struct audit *a, const struct flow_record *f);

/* Process one conntrack event, or an entry of a dump between audit_dump_begin and _end. */
void audit_ct_event(struct audit *a, const struct ct_event *ev, int64_t now_ms);
/* The same for entries of a dump, whose order defeats the cache. */
void audit_ct_entries(struct audit *a, const struct ct_event *entries, size_t n, int64_t now_ms);

/* We have marked the flow of this entry ourselves, for which the kernel may send no event. */
void audit_marked(struct audit *a, const struct ct_event *ev, uint32_t mark, bool is_entered,
		  int64_t now_ms);

/* Return whether that entry (tuple, zone, id) is of that flow, which lives as far as is known. */
bool audit_is_live(const struct audit *a, const struct ct_event *entry, int64_t flow_id);

/* Return the id of the flow of an entry (tuple, zone, id) that is live as far as known; 0: none. */
int64_t audit_live_id(const struct audit *a, const struct ct_event *entry);

/* Process one stray packet; egress is the slot of the uplink that it left by. */
void audit_packet(struct audit *a, const struct stray_packet *p, uint8_t egress, int64_t now_ms);
/* The same for a packet that left by an interface of no uplink. */
void audit_packet_elsewhere(struct audit *a, const struct stray_packet *p, const char *ifname,
			    int64_t now_ms);

/* Return the number of an interface of no uplink (RECORD_INTERFACE, emitted once before);
 * INTERFACE_REST: there are too many. */
uint16_t audit_interface(struct audit *a, const char *ifname);
/* The name that a number stands for; NULL: none. */
const char *audit_interface_name(const struct audit *a, uint16_t number);

/* Call after a batch of conntrack events: packets that waited for their flow's
 * event find it now. */
void audit_settle(struct audit *a, int64_t now_ms);
/* Return whether a logged packet that is older than the events of the batch would say more of them:
 * read those before it is settled. */
bool audit_is_in_doubt(const struct audit *a);

/* A dump brings the table in step with the kernel: flows that it does not name
 * are lost, or, with is_torn, kept for the next. */
void audit_dump_begin(struct audit *a, int64_t now_ms);
void audit_dump_end(struct audit *a, bool is_torn, int64_t now_ms);

/* Something may have been missed between two times. The flows of that time have
 * no proof but evidence. Returns the gap's id; ended_ms 0 leaves it open. */
int64_t audit_gap(struct audit *a, enum gap_source source, int64_t started_ms, int64_t ended_ms,
		  int64_t lost, const char *reason);
/* Note that no rules saw what left in this open gap: flows that may have sent in it become
 * unknown, whatever else is seen of them. The first dump that begins after its end shows which
 * flows were idle. */
void audit_gap_set_blind(struct audit *a, int64_t id);
/* End an open gap. */
void audit_gap_end(struct audit *a, int64_t id, enum gap_source source, int64_t started_ms,
		   int64_t ended_ms, int64_t lost, const char *reason);

/* Call every AUDIT_TICK_MS: emits the flows that changed in the tick before
 * last, forgets ended flows whose late evidence has had its time. */
#define AUDIT_TICK_MS 50
void audit_tick(struct audit *a, int64_t now_ms);

/* Emit everything that waits, as far as there is room; return how many flows still wait. The flows
 * stay live in the history. */
uint32_t audit_flush(struct audit *a, int64_t now_ms);

/* Emit every live flow again after the history lost them: as many per tick as there is room for. */
void audit_write_live(struct audit *a);

void audit_stats(const struct audit *a, struct audit_stats *out);

/* The id of the flow that lives as this entry; 0: none. */
int64_t audit_flow_id(const struct audit *a, const struct ct_event *ev);

/* Packets and bytes that left by an uplink, by the flows' own counters: flows that ended since the
 * start, and flows that lived in the last complete dump. Their sum is exact at the end of a dump,
 * before the next event is processed. "live" may be below 0 (as two's complement) by the flows that
 * ended while the dump ran. */
struct audit_coverage {
	struct tally ended[FLOW_SHARES], live[FLOW_SHARES];
	uint64_t lost[FLOW_SHARES]; /* flows that vanished: their counters are in no sum */
};
void audit_coverage(const struct audit *a, uint8_t slot, struct audit_coverage *out);
/* The latest packet of no flow that left by this uplink, once. False: none since. */
bool audit_flowless_take(struct audit *a, uint8_t slot, struct stray_packet *out);
/* Return how many UDP answers left by this uplink from an address that was not asked, since the
 * last call; example is set to the latest. */
uint64_t audit_unasked_take(struct audit *a, uint8_t slot, struct endpoints *example);
/* For all uplinks together: ends and entries without counters, which no sum contains; flows
 * that vanished, and flows that the table had no room for; the latest gap's id, and how many
 * gaps are open. */
struct audit_doubts {
	uint64_t uncounted, lost;
	int64_t gaps;
	uint32_t gaps_open;
};
void audit_coverage_doubts(const struct audit *a, struct audit_doubts *out);

/* Live flows and mismatches per uplink, for status; arrays by slot. */
void audit_uplink_counts(const struct audit *a, uint32_t live[UPLINKS_MAX],
			 uint64_t mismatches[UPLINKS_MAX], uint64_t bytes[UPLINKS_MAX]);

/* Copy the number of an uplink's mismatches by reason. */
void audit_uplink_reasons(const struct audit *a, uint8_t slot, uint64_t reasons[REASONS]);

#endif
