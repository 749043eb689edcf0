/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.h - the daemon's answer to `status` and `uplinks`, typed. What an older
 * or newer daemon leaves out is 0, or NULL.
 */
#ifndef WAYMARK_STATUS_ANSWER_H
#define WAYMARK_STATUS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/audit/coverage.h"
#include "waymark/base/record.h"

/* How much of what left by an uplink is in the history, since the daemon started. */
struct answer_coverage {
	bool is_there, is_known; /* something was compared; it is known how much left */
	const char *since, *until;
	int64_t left_packets, left_bytes, seen_packets, seen_bytes;
	double share; /* 0 to 1; below 0: nothing left, or it is not known how much */
	int64_t missing[COVERAGE_CAUSES];
};

struct answer_uplink {
	const char *name, *ifname, *state, *gateway, *gateway6; /* or NULL */
	char *addresses;					/* comma-separated */
	int64_t mark, weight, flows_live, bytes, mismatches;
	struct answer_coverage coverage;
};

/* Strings belong to the answer. */
struct answer {
	void *json;	   /* what they are kept in */
	const char *error; /* the daemon refused, and why; NULL: it did not */
	const char *version, *mode, *started, *last_event;
	bool is_ready;
	int64_t pid, uptime_s, flows_live, flows_total, gaps_open, mismatches;
	int64_t flows_lost, flows_untracked, table_flows, table_bytes;
	int64_t looks, looks_due; /* at the whole table, that coverage is known by */
	double flows_per_s;
	bool has_verdicts;
	int64_t verdicts[VERDICT_OK + 1]; /* flows, by verdict, since the start */
	struct {
		int64_t received, overruns, refused, parse_errors, forged, buffer_bytes;
		int64_t listeners, resyncs;
		const char *mode; /* "full", "minimal" */
		bool is_resyncing;
	} events;
	struct {
		int64_t received, overruns, holes, orphans, buffer_bytes;
	} nflog;
	struct {
		int64_t written, queued, dropped, failed, batches, depth, depth_max, capacity;
		int64_t database_bytes;
		int64_t p50_ms, p99_ms; /* from event to row, in the last minute; -1: no row */
		const char *last_commit, *last_error;
		bool is_pruning;
	} store;
	struct {
		int64_t raised, sent, aggregated, summaries, failed;
		int64_t webhook_pending, webhook_delivered, webhook_retries, webhook_dropped;
	} alerts;
	struct {
		int64_t deleted, not_deleted;
	} deletions;
	struct answer_uplink *uplinks;
	size_t n_uplinks;
};

/* 0; -EPROTO where text is no such answer; -ENOMEM. */
int answer_parse(struct answer *a, const char *text);
void answer_free(struct answer *a);

#endif
