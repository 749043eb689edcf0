/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.h - what the daemon reports of itself: filled in by the daemon, sent as JSON over
 * the control socket, parsed by the tool, printed as metrics.
 *
 * A field that another version leaves out is 0, or NULL. Each field is one row of the
 * table in src/status/counters.c.
 */
#ifndef WAYMARK_STATUS_ANSWER_H
#define WAYMARK_STATUS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/base/delays.h"
#include "waymark/audit/coverage.h"
#include "waymark/base/record.h"

/* How much of what left by an uplink is in the history, since the daemon started. */
struct answer_coverage {
	bool is_there; /* something was compared */
	bool is_known; /* the number of packets that left is known */
	const char *since, *until;
	int64_t left_packets, left_bytes, seen_packets, seen_bytes, split_packets, link_packets;
	double share; /* 0 to 1; below 0: nothing left, or unknown */
	int64_t missing[COVERAGE_CAUSES];
};

struct answer_uplink {
	const char *name, *ifname, *state, *gateway, *gateway6; /* or NULL */
	char *addresses;					/* comma-separated */
	const char *cause, *health;				/* of the state; "healthy", ... */
	const char *decision, *decided_by, *until;		/* an operator's; or NULL */
	double answered_share; /* of the latest new flows; -1: none */
	int64_t mark, table, weight, tier, flows_live, bytes, mismatches;
	int64_t bytes_sent, bytes_received; /* by the interface, since the start */
	int64_t quota, quota_used;	    /* of the running period; -1: no quota */
	int64_t quota_day;
	int64_t mismatches_by_reason[REASONS];
	struct answer_coverage coverage;
};

/* Strings belong to the answer. */
struct answer {
	char **strings; /* owned */
	size_t n_strings;
	const char *error; /* why the daemon refused; NULL: it did not */
	const char *version, *mode, *started, *last_event;
	const char *database; /* the history's path */
	const char *balance;  /* as the configuration spells it */
	int64_t mark_mask, rule_priority, balance_table;
	bool is_ready, is_table_protected;
	int64_t pid, uptime_s, flows_live, flows_total, gaps, gaps_open, tamperings, mismatches;
	int64_t flows_lost, flows_untracked, table_flows, table_bytes;
	int64_t log_dropped;	  /* lines that the log had no room for */
	int64_t talker_restarts;  /* another worker in the place of one that died */
	int64_t looks, looks_due; /* table dumps that coverage is computed from */
	double flows_per_s;
	bool has_verdicts;
	int64_t verdicts[VERDICT_OK + 1]; /* flows, by verdict, since the start */
	struct {
		int64_t received, overruns, refused, parse_errors, forged, buffer_bytes;
		int64_t listeners, resyncs, held_back, duplicates;
		const char *mode; /* "full", "minimal" */
		bool is_resyncing;
	} events;
	struct {
		int64_t received, overruns, holes, orphans, ambiguous, parse_errors, buffer_bytes;
	} nflog;
	struct {
		int64_t written, queued, dropped, failed, batches, depth, depth_max, capacity;
		int64_t database_bytes;
		int64_t p50_ms, p99_ms; /* from event to row, in the last minute; -1: no row */
		struct delays delays;	/* the same, since the start */
		const char *last_commit, *last_error;
		bool is_pruning;
	} store;
	struct {
		int64_t raised, sent, aggregated, silenced, summaries, failed;
		int64_t webhook_pending, webhook_delivered, webhook_retries, webhook_dropped;
		const char *webhook_error, *last_error; /* or NULL */
	} alerts;
	struct {
		const char *on_mismatch;
		int64_t deleted, not_deleted, returned;
	} deletions;
	struct answer_uplink *uplinks;
	size_t n_uplinks;
};

/* Parse the daemon's JSON; what it does not know it skips. 0, -EPROTO if text is no such
 * answer, -ENOMEM. */
int answer_parse(struct answer *a, const char *text);
/* Return the answer as JSON, malloc'd, or NULL with errno. */
char *answer_json(const struct answer *a);
/* Return the list of uplinks alone as JSON. */
char *answer_uplinks_json(const struct answer *a);
/* Copy a string into the answer, which owns it; NULL stays NULL. */
const char *answer_keep(struct answer *a, const char *text);
void answer_free(struct answer *a);

#endif
