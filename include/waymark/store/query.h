/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query.h - reads the history: read-only connections, while the daemon writes,
 * after it stopped, after it was killed.
 *
 * Rows are handed on as named, typed values with the columns of the views in
 * their order; how they are shown is the caller's. A query holds no transaction
 * while a row is shown, so a slow reader never makes the write-ahead log grow.
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
	const char *name; /* the column's */
	enum value_kind kind;
	int64_t integer;  /* with VALUE_INTEGER */
	const char *text; /* with VALUE_TEXT; valid in the callback only */
	double real;	  /* with VALUE_REAL */
};

/* One row. A return value other than 0 ends the query, which returns it. */
typedef int query_row_fn(void *data, const struct value *values, size_t n);

/* Conditions on rows; a row must match all of them. query_filter_init sets none. */
struct query_filter {
	bool is_live;		  /* flows that live */
	bool is_unanswered;	  /* flows that got no packet back */
	int64_t since_ms;	  /* flows, gaps: lived then or later; others: happened; 0: any */
	int64_t until_ms;	  /* ... before then; 0: any */
	int64_t at_ms;		  /* flows: lived at that moment; 0: any */
	int64_t started_since_ms; /* flows: began then or later; 0: any */
	int64_t now_ms;		  /* with min_duration_ms: how long live flows have lived */
	int64_t min_duration_ms;  /* flows: 0: any */
	uint64_t min_bytes;	  /* flows: both directions; 0: any */
	struct prefix host;	  /* on either side, as src and dst */
	struct prefix src, dst;	  /* of the flow as it began or after translation; the
				    * family AF_UNSPEC: any */
	int32_t port;		  /* on either side, before or after translation; -1: any */
	int16_t proto;		  /* IPPROTO_; -1: any */
	const char *uplink;	  /* flows: the uplink that the mark names; mismatches: that
				   * uplink or the egress; NULL: any */
	const char *ingress;	  /* flows: uplink that it entered by; NULL: any */
	const char *egress;	  /* any interface (or its uplink) that it left by; NULL: any */
	enum verdict verdict;	  /* VERDICT_NONE: any */
	enum reason reason;	  /* REASON_NONE: any */
	uint64_t limit;		  /* rows at most; 0: all */
};
void query_filter_init(struct query_filter *f);

struct query;

/* Open the history at path. On failure returns NULL with errno and prints one line to errors:
 * ENOENT (there is none yet), EPROTO (not ours, or newer), EACCES, ... Writes nothing. */
struct query *query_open(const char *path, FILE *errors);
void query_close(struct query *q);

/* Flows that used a public address (and port, protocol: -1 any) at a moment: after source
 * translation, before destination translation, or untranslated. *is_unsure: a gap, or a
 * time without a daemon, covers the moment, so that nothing found means nothing. */
struct query_endpoint {
	struct addr addr;
	int32_t port;
	int16_t proto;
	int64_t at_ms;
};
int query_who(struct query *q, const struct query_endpoint *e, query_row_fn *fn, void *data,
	      bool *is_unsure);

/* Sum the matching flows, grouped by up to STATS_COLUMNS columns. A row holds these columns, then
 * flows, bytes (both directions), bytes_reply, mismatches (flows), unanswered; most bytes first.
 * The filter's limit counts rows. -EINVAL: unknown column. */
#define STATS_COLUMNS 4
int query_stats(struct query *q, const struct query_filter *f, const char *const *columns, size_t n,
		query_row_fn *fn, void *data);

/* Read the usage of uplinks: time, time_ms, uplink, bytes_sent, bytes_received, packets_sent,
 * packets_received, flows_started, flows_answered, peak_bps and p95_bps (over bins of five minutes,
 * the greater direction). Uses since, until, uplink and limit of the filter. by: "5min", "hour",
 * "day" or "month" (UTC), else -EINVAL. */
int query_usage(struct query *q, const struct query_filter *f, const char *by, query_row_fn *fn,
		void *data);

/* Call fn for each matching row, newest first. Return 0, the result of fn, or -errno; query_error
 * then says more. */
int query_flows(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data);
int query_mismatches(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data);

/* Use since, until and limit of the filter. */
int query_gaps(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data);
int query_tampering(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data);

/* Read coverage by hour and uplink (view "coverage"). Uses since and until of the filter (hours
 * that overlap the span), uplink and limit. */
int query_coverage(struct query *q, const struct query_filter *f, query_row_fn *fn, void *data);

/* Packets of no flow since then: uplink, packets, example (NULL: none was logged), hour_ms. */
int query_untracked(struct query *q, int64_t since_ms, query_row_fn *fn, void *data);
/* UDP answers from an address that was not asked since then: uplink, answers, example, hour_ms. */
int query_unasked(struct query *q, int64_t since_ms, query_row_fn *fn, void *data);

/* Return the start of the oldest flow that retention has kept; 0: none, or unknown. */
int query_oldest(struct query *q, int64_t *id, int64_t *started_ms);

/* Read every uplink that ever existed, the valid ones first. */
int query_uplinks(struct query *q, query_row_fn *fn, void *data);
/* Read the interface of every uplink, and every other egress of a flow. */
int query_interfaces(struct query *q, query_row_fn *fn, void *data);

/* Read one flow; -ENOENT if it is not in the history. */
int query_flow(struct query *q, int64_t id, query_row_fn *fn, void *data);
/* Read the other rows of one flow, oldest first. */
int query_flow_mismatches(struct query *q, int64_t id, query_row_fn *fn, void *data);
int query_flow_mark_changes(struct query *q, int64_t id, query_row_fn *fn, void *data);
int query_flow_deletions(struct query *q, int64_t id, query_row_fn *fn, void *data);

/* Flows by verdict (by_verdict[VERDICT_NONE]: those with none yet). Reads the
 * whole history unless since or until narrow it. */
struct query_totals {
	uint64_t flows, live, mismatches, gaps;
	uint64_t by_verdict[VERDICT_OK + 1];
};
int query_totals(struct query *q, const struct query_filter *f, struct query_totals *out);

/* --- sums over a time (summary.c), of flows that began in it ---------------------- */

struct summary_span {
	int64_t since_ms, until_ms;
	int64_t step_ms; /* of query_steps */
};

#define SUMMARY_TALKERS	     10
#define SUMMARY_DESTINATIONS 3
#define SUMMARY_BY_HOUR	     (-1) /* step_ms of query_talkers: the sums by hour do */
#define SUMMARY_EXACT_MS     INT64_C(172800000)
#define SUMMARY_ALIVE_MS     30000 /* a live daemon writes its time more often than this */

/* step (from since_ms on, 0 the first), uplink (that the mark names; NULL: none), flows, bytes,
 * bytes_reply, verdict (NULL: none yet): by verdict, then by step. Steps without a flow are
 * omitted. */
int query_steps(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* src, flows, bytes, bytes_reply: those with the most bytes. Beyond SUMMARY_EXACT_MS of
 * inside hosts, by the hour in which their flows ended. */
int query_talkers(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* uplink, left (packets; NULL: not known), missing (of these in the history), and by its
 * cause, which is the column's name, how much. */
int query_covered(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* started, ended (ms; NULL: still open), source, lost, reason, by time: gaps, and the
 * times in which no daemon was there to see anything. */
int query_unseen(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);

/* One row per expected uplink, egress and reason, most mismatches first: expected, egress,
 * reason, mismatches, packets, first_ms, last_ms, hosts (inside), and of the first one
 * direction, flow_id, proto, src, sport, dst, dport; egress_uplink: NULL: none. */
int query_causes(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* step, mismatches, expected, egress, reason, first_ms, last_ms, egress_uplink (NULL: none): by
 * cause, then by step. Steps without a mismatch are omitted. */
int query_mismatch_steps(struct query *q, const struct summary_span *span, query_row_fn *fn,
			 void *data);
/* time (ms), uplink, state, cause, user, process: by uplink and time; the first of an
 * uplink is its state as the time begins, where that is known. */
int query_states(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* time (ms), uplink, the addresses before, the addresses since: changes of an uplink's addresses. */
int query_moves(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* time (ms), kind, text: alerts that were raised about what no other table has: quotas,
 * health, backups, flows without a right mark, routes and rules of others, who wrote marks;
 * oldest first. */
int query_troubles(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* step, uplink, bytes_sent, bytes_received, flows_started, flows_answered: from the
 * kernel's counters. */
int query_rates(struct query *q, const struct summary_span *span, query_row_fn *fn, void *data);
/* src, dst, bytes, flows: the destinations with the most bytes of each talker. */
int query_destinations(struct query *q, const struct summary_span *span, query_row_fn *fn,
		       void *data);

/* Return the highest ids in the history; a follower queries for rows above them. */
int query_last_ids(struct query *q, int64_t *flow, int64_t *mismatch, int64_t *gap);

/* Return the message of the last failure. */
const char *query_error(const struct query *q);

#endif
