/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query.h - reads the history over read-only connections. The daemon may be running, stopped or
 * killed.
 *
 * A query calls a function of the caller for each row. A row consists of named, typed values, one
 * per column of the view, in the view's order. While this function runs, no read transaction is
 * open, because an open one would prevent the writer from truncating the write-ahead log.
 */
#ifndef WAYMARK_STORE_QUERY_H
#define WAYMARK_STORE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "waymark/base/addr.h"
#include "waymark/base/record.h"

enum value_kind { VALUE_NULL, VALUE_INTEGER, VALUE_TEXT, VALUE_REAL };

struct value {
	const char *name; /* name of the column */
	enum value_kind kind;
	int64_t integer;  /* valid if kind is VALUE_INTEGER */
	const char *text; /* valid if kind is VALUE_TEXT, and only in the callback */
	double real;	  /* valid if kind is VALUE_REAL */
};

/* Called for each row. A return value other than 0 ends the query, which returns that value. */
typedef int query_row_fn(void *data, const struct value *values, size_t n);

/* Conditions on rows; a row must match all of them. query_filter_init() sets no condition. */
struct query_filter {
	bool is_live;	    /* only live flows */
	bool is_unanswered; /* only flows without a packet in the reply direction */
	/* flows and gaps: ended at or after this time, or have not ended; other rows: happened at
	 * or after this time; 0: any */
	int64_t since_ms;
	/* flows and gaps: began before this time; other rows: happened before this time; 0: any */
	int64_t until_ms;
	int64_t at_ms;		  /* flows: live at this time; 0: any */
	int64_t started_since_ms; /* flows: began at or after this time; 0: any */
	int64_t now_ms; /* the current time, from which the duration of live flows is computed */
	int64_t min_duration_ms; /* flows: minimum duration; 0: any */
	uint64_t min_bytes;	 /* flows: minimum sum of the bytes of both directions; 0: any */
	/* source or destination, before or after translation; family AF_UNSPEC: any */
	struct prefix host;
	struct prefix src, dst; /* addresses before or after translation; family AF_UNSPEC: any */
	/* source or destination port, before or after translation; -1: any */
	int32_t port;
	int16_t proto; /* an IPPROTO_ number; -1: any */
	/* flows: the uplink that the mark names; mismatches: the uplink that the mark names, or the
	 * uplink that the packet left by; NULL: any */
	const char *uplink;
	const char *ingress; /* flows: the uplink that the flow entered by; NULL: any */
	/* an interface that packets left by, or the name of its uplink; NULL: any */
	const char *egress;
	enum verdict verdict; /* VERDICT_NONE: any */
	enum reason reason;   /* REASON_NONE: any */
	uint64_t limit;	      /* maximum number of rows to show; 0: all */
};
void query_filter_init(struct query_filter *f);

struct query;

/* Open the history at `path` for reading only. On failure print one line to `errors`, and return
 * NULL with errno: ENOENT (no history exists yet), EPROTO (not a history of Waymark, or its schema
 * has another version than this program's), EACCES, ... */
struct query *query_open(const char *path, FILE *errors);
void query_close(struct query *q);

/* An address, a port (-1: any) and a protocol (-1: any) at a point in time. */
struct query_endpoint {
	struct addr addr;
	int32_t port;
	int16_t proto;
	int64_t at_ms;
};
/* Call fn for each flow that was live at e->at_ms and had this address and port as its source, its
 * translated source or its destination. Set *is_unsure to true if e->at_ms is in an interval of
 * query_unseen(): flows of that time might be missing from the history. */
int query_who(struct query *q, const struct query_endpoint *e, query_row_fn *fn, void *data,
	      bool *is_unsure);

/* Group the flows that match the filter by n columns (1 to STATS_COLUMNS), and call fn for each
 * group. A row has these columns, then flows, bytes (both directions), bytes_reply, mismatches
 * (number of flows with a mismatch), unanswered (number of flows without a reply). Groups with most
 * bytes come first. The filter's limit is the maximum number of groups. Return -EINVAL if a column
 * or n is invalid. */
#define STATS_COLUMNS 4
int query_stats(struct query *q, const struct query_filter *f, const char *const *columns, size_t n,
		query_row_fn *fn, void *data);

/* Read how much each uplink carried: one row per uplink and period. `by` is the length of a period:
 * "5min", "hour", "day" or "month" (UTC); return -EINVAL for any other text. Only since_ms,
 * until_ms, uplink and limit of the filter are used. The columns are time, time_ms, uplink,
 * bytes_sent, bytes_received, packets_sent, packets_received, flows_started, flows_answered,
 * peak_bps and p95_bps. The last two are the maximum and the 95th percentile of the rates (bit/s)
 * of the period's five-minute bins. The rate of a bin is the rate of its busier direction. */
int query_usage(struct query *q, const struct query_filter *f, const char *by, query_row_fn *fn,
		void *data);

/* Call fn for each matching row, newest first. Return 0, the result of fn, or -errno; query_error()
 * then has the message. */
int query_flows(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data);
int query_mismatches(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data);

/* query_gaps() and query_tampering() use only since_ms, until_ms and limit of the filter. */
int query_gaps(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data);
int query_tampering(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data);

/* Read the view coverage: one row per hour and uplink. Only since_ms, until_ms, uplink and limit of
 * the filter are used. An hour matches if it overlaps the time from since_ms to until_ms. */
int query_coverage(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data);

/* Count, per uplink, the packets without a conntrack entry. Only hours that end after since_ms are
 * counted. The columns are uplink, packets, example (one such packet; NULL: none was logged) and
 * hour_ms (the hour of the example). */
int query_untracked(struct query *q, int64_t since_ms, query_row_fn *fn, void *data);
/* Count, per uplink, the UDP replies from addresses that no flow had sent to. Only hours that end
 * after since_ms are counted. The columns are uplink, answers, example (one such reply) and hour_ms
 * (the hour of the example). */
int query_unasked(struct query *q, int64_t since_ms, query_row_fn *fn, void *data);

/* Set *id to the id of the oldest flow in the history (0: no flow). Set *started_ms to the start of
 * this flow (0: unknown). Return 0 or -errno. */
int query_oldest(struct query *q, int64_t *id, int64_t *started_ms);

/* Call fn for each uplink that is configured, and then for those that were configured earlier. */
int query_uplinks(struct query *q, query_row_fn *fn, void *data);
/* Call fn for the name of each interface that is an uplink's or that packets of a flow left by. */
int query_interfaces(struct query *q, query_row_fn *fn, void *data);

/* Call fn for the flow with this id. Return -ENOENT if it is not in the history. */
int query_flow(struct query *q, int64_t id, query_row_fn *fn, void *data);
/* Three queries about one flow: its mismatches, the changes of its mark, and when Waymark deleted
 * it. Rows come oldest first. */
int query_flow_mismatches(struct query *q, int64_t id, query_row_fn *fn, void *data);
int query_flow_mark_changes(struct query *q, int64_t id, query_row_fn *fn, void *data);
int query_flow_deletions(struct query *q, int64_t id, query_row_fn *fn, void *data);

/* Numbers of flows, mismatches and gaps. The fields `flows`, `live` and `by_verdict` count the
 * flows that began between since_ms and until_ms of the filter; its other conditions are not used.
 * The fields `mismatches` and `gaps` count the whole history. by_verdict[VERDICT_NONE] is the
 * number of flows that have no verdict yet. */
struct query_totals {
	uint64_t flows, live, mismatches, gaps;
	uint64_t by_verdict[VERDICT_OK + 1];
};
int query_totals(struct query *q, const struct query_filter *f, struct query_totals *out);

/* --- summary.c: what a report shows for a span of time ---------------------------- */

struct summary_span {
	int64_t since_ms, until_ms; /* until_ms is not part of the span */
	int64_t step_ms;	    /* queries with a column `step` divide the span into steps of
				     * this length; or SUMMARY_BY_HOUR */
};

#define SUMMARY_TALKERS	     10 /* maximum number of sources that query_talkers() lists */
#define SUMMARY_DESTINATIONS 3	/* maximum number of destinations per source */
/* A value of step_ms: query_talkers() reads the hourly sums, which is faster than reading the flows
 * but less exact. It also does so for a span longer than SUMMARY_EXACT_MS. */
#define SUMMARY_BY_HOUR	 (-1)
#define SUMMARY_EXACT_MS INT64_C(172800000)
/* If the last sign of life that a daemon wrote to the history is older, no daemon runs. */
#define SUMMARY_ALIVE_MS 30000

/* Sum the flows that began in the span, per step, uplink and verdict. Columns: step (0: the step
 * that begins at since_ms), uplink (the uplink that the mark names; NULL: none), flows, bytes,
 * bytes_reply, verdict (NULL: none yet). Ordered by verdict, then by step. Steps without a flow are
 * omitted. */
int query_steps(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* List the sources with most bytes. Columns: src, flows, bytes, bytes_reply. A flow counts if it
 * began in the span. When the hourly sums are read (SUMMARY_BY_HOUR), a flow counts in the hour in
 * which it ended, and only hosts of the inside network are listed. */
int query_talkers(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* Compare, per uplink, the packets that left with the packets in the history. Columns: uplink, left
 * (number of packets that left by the uplink; NULL: unknown), missing (how many of these packets
 * the history does not contain), and one column per cause of missing packets, named after the
 * cause. */
int query_covered(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* Read the intervals for which the history might lack flows: the gaps, and the times at which no
 * daemon ran. Columns: started (ms), ended (ms; NULL: still open), source, lost, reason. Ordered by
 * time. */
int query_unseen(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);

/* Group the mismatches by expected uplink, egress and reason: one row per group, most mismatches
 * first. The columns are expected, egress, reason, mismatches, packets, first_ms, last_ms, hosts
 * (number of inside hosts), then direction, flow_id, proto, src, sport, dst, dport of the group's
 * first mismatch, then egress_uplink (the uplink of the egress; NULL: none). */
int query_causes(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* Like query_causes(), but one row per group and step. The columns are step, mismatches, expected,
 * egress, reason, first_ms, last_ms, egress_uplink (NULL: none). Ordered by expected uplink, egress
 * and reason, then by step. Steps without a mismatch are omitted. */
int query_mismatch_steps(struct query *q, const struct summary_span *span, query_row_fn *fn,
			 void *data);
/* Read the changes of uplink states. Columns: time (ms), uplink, state, cause, user, process.
 * Ordered by uplink and time. If an uplink's state at the beginning of the span is known, the
 * uplink's first row contains that state. */
int query_states(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* Read the changes of uplink addresses. Columns: time (ms), uplink, was (the old addresses),
 * addresses (the new ones). */
int query_moves(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* Read when uplinks in use got another gateway. Columns: time (ms), uplink. */
int query_gateways(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* Read the raised alerts about subjects that no other query of a report covers: quotas, health,
 * backups, flows with verdict unmarked, foreign or wrong-source, other programs' routes and rules
 * that divert flows, and other writers of marks. Columns: time (ms), kind, text. Oldest first. */
int query_troubles(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* Read how much each uplink carried in each step. Columns: step, uplink, bytes_sent,
 * bytes_received, flows_started, flows_answered. The bytes come from the interface's counters, the
 * flows from counters in Waymark's nftables rules. */
int query_rates(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* List the destinations with most bytes for each source of query_talkers(). Columns: src, dst,
 * bytes, flows. */
int query_destinations(struct query *q, const struct summary_span *span, query_row_fn *fn,
		       void *data);

/* Set *flow, *mismatch and *gap to the highest ids in the history. A caller that follows the
 * history then queries for rows with higher ids. Return 0 or -errno. */
int query_last_ids(struct query *q, int64_t *flow, int64_t *mismatch, int64_t *gap);

/* Return the message of the last failure. */
const char *query_error(const struct query *q);

#endif
