/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counters.c - the rows of the table in counters.h.
 */
#include "status/counters.h"

#include <stddef.h>

#include "waymark/status/answer.h"

#define ROW(struct_name, key, type, field) key, type, offsetof(struct struct_name, field)
#define NUMBER(key, field, metric, kind, help)                                                     \
	{                                                                                          \
		ROW(answer, key, COUNTER_INTEGER, field), metric, kind, help, 0                    \
	}
#define PLAIN(key, type, field)                                                                    \
	{                                                                                          \
		ROW(answer, key, type, field), NULL, NULL, NULL, 0                                 \
	}

const struct counter general_counters[] = {
	PLAIN("error", COUNTER_TEXT, error),
	PLAIN("pid", COUNTER_INTEGER, pid),
	PLAIN("version", COUNTER_TEXT, version),
	PLAIN("ready", COUNTER_BOOLEAN, is_ready),
	PLAIN("mode", COUNTER_TEXT, mode),
	PLAIN("database", COUNTER_TEXT, database),
	PLAIN("mark_mask", COUNTER_INTEGER, mark_mask),
	PLAIN("rule_priority", COUNTER_INTEGER, rule_priority),
	PLAIN("balance", COUNTER_TEXT, balance),
	PLAIN("balance_table", COUNTER_INTEGER, balance_table),
	PLAIN("table_protected", COUNTER_BOOLEAN, is_table_protected),
	PLAIN("started", COUNTER_TEXT, started),
	NUMBER("uptime_s", uptime_s, "uptime_seconds", "gauge", "Seconds since the daemon started"),
	NUMBER("flows_live", flows_live, "flows_live", "gauge", "Flows that live now"),
	NUMBER("flows_total", flows_total, "flows_seen_total", "counter", "Flows seen"),
	PLAIN("flows_per_s", COUNTER_REAL, flows_per_s),
	NUMBER("flows_lost", flows_lost, "flows_lost_total", "counter",
	       "Flows whose end was not seen"),
	NUMBER("flows_untracked", flows_untracked, "flows_untracked_total", "counter",
	       "Flows beyond max-flows: written, not followed"),
	NUMBER("table_flows", table_flows, "table_flows", "gauge",
	       "Flows in memory, including those that ended a moment ago"),
	NUMBER("table_bytes", table_bytes, "table_bytes", "gauge", "Memory of the flow table"),
	NUMBER("gaps", gaps, "gaps_total", "counter", "Gaps since the daemon started"),
	NUMBER("gaps_open", gaps_open, "gaps_open", "gauge", "Gaps that are open now"),
	NUMBER("tamperings", tamperings, "tampering_total", "counter",
	       "Changes of the steering by another process"),
	NUMBER("mismatches", mismatches, "mismatches_recorded_total", "counter",
	       "Mismatches recorded"),
	NUMBER("log_dropped", log_dropped, "log_dropped_total", "counter",
	       "Lines that the log had no room for"),
	NUMBER("talker_restarts", talker_restarts, "talker_restarts_total", "counter",
	       "Times that the talker died and another one was started"),
	PLAIN("last_event", COUNTER_TEXT, last_event),
	PLAIN("looks", COUNTER_INTEGER, looks),
	PLAIN("looks_due", COUNTER_INTEGER, looks_due),

	NUMBER("events.received", events.received, "events_received_total", "counter",
	       "Conntrack events received"),
	NUMBER("events.overruns", events.overruns, "events_overruns_total", "counter",
	       "Overruns of the event socket"),
	NUMBER("events.refused", events.refused, "events_refused_total", "counter",
	       "Deliveries of events that found the buffer full, retries included"),
	NUMBER("events.parse_errors", events.parse_errors, "events_malformed_total", "counter",
	       "Events that could not be parsed"),
	NUMBER("events.forged", events.forged, "events_forged_total", "counter",
	       "Events that did not come from the kernel"),
	NUMBER("events.buffer_bytes", events.buffer_bytes, "events_buffer_bytes", "gauge",
	       "Buffer of the event socket as granted"),
	PLAIN("events.mode", COUNTER_TEXT, events.mode),
	NUMBER("events.listeners", events.listeners, "events_listeners", "gauge",
	       "Other listeners to conntrack events"),
	NUMBER("events.resyncs", events.resyncs, "events_resyncs_total", "counter",
	       "Table dumps of conntrack"),
	PLAIN("events.resyncing", COUNTER_BOOLEAN, events.is_resyncing),
	NUMBER("events.held_back", events.held_back, "events_held_back_total", "counter",
	       "Times that events waited for the store"),
	NUMBER("events.duplicates", events.duplicates, "events_duplicate_total", "counter",
	       "Events that had been processed before"),

	NUMBER("nflog.received", nflog.received, "nflog_received_total", "counter",
	       "Logged packets received"),
	NUMBER("nflog.overruns", nflog.overruns, "nflog_overruns_total", "counter",
	       "Overruns of the log socket"),
	NUMBER("nflog.holes", nflog.holes, "nflog_lost_total", "counter",
	       "Logged packets missing in the sequence"),
	NUMBER("nflog.orphans", nflog.orphans, "nflog_orphans_total", "counter",
	       "Logged packets whose flow was not found"),
	NUMBER("nflog.ambiguous", nflog.ambiguous, "nflog_ambiguous_total", "counter",
	       "Logged packets that match more than one flow"),
	NUMBER("nflog.parse_errors", nflog.parse_errors, "nflog_malformed_total", "counter",
	       "Logged packets that could not be parsed"),
	NUMBER("nflog.buffer_bytes", nflog.buffer_bytes, "nflog_buffer_bytes", "gauge",
	       "Buffer of the log socket as granted"),

	NUMBER("store.written", store.written, "history_rows_total", "counter",
	       "Records written to the history"),
	PLAIN("store.queued", COUNTER_INTEGER, store.queued),
	NUMBER("store.dropped", store.dropped, "history_dropped_total", "counter",
	       "Records refused because the queue was full"),
	NUMBER("store.failed", store.failed, "history_failed_total", "counter",
	       "Records that could not be written"),
	NUMBER("store.batches", store.batches, "history_batches_total", "counter",
	       "Transactions committed"),
	NUMBER("store.depth", store.depth, "history_queue", "gauge",
	       "Records that wait to be written"),
	NUMBER("store.depth_max", store.depth_max, "history_queue_max", "gauge",
	       "Most records that ever waited"),
	NUMBER("store.capacity", store.capacity, "history_queue_capacity", "gauge",
	       "Records that may wait"),
	NUMBER("store.database_bytes", store.database_bytes, "history_bytes", "gauge",
	       "Size of the database"),
	{ROW(answer, "store.event_to_row_p50_ms", COUNTER_OPTIONAL, store.p50_ms),
	 "history_delay_median_seconds", "gauge",
	 "Median time from event to row in the last minute", 1000},
	{ROW(answer, "store.event_to_row_p99_ms", COUNTER_OPTIONAL, store.p99_ms),
	 "history_delay_p99_seconds", "gauge",
	 "99th percentile of the time from event to row in the last minute", 1000},
	PLAIN("store.pruning", COUNTER_BOOLEAN, store.is_pruning),
	PLAIN("store.last_commit", COUNTER_TEXT, store.last_commit),
	PLAIN("store.last_error", COUNTER_TEXT, store.last_error),

	NUMBER("alerts.raised", alerts.raised, "alerts_raised_total", "counter", "Alerts raised"),
	NUMBER("alerts.sent", alerts.sent, "alerts_sent_total", "counter", "Alerts sent"),
	NUMBER("alerts.aggregated", alerts.aggregated, "alerts_aggregated_total", "counter",
	       "Alerts aggregated into a summary"),
	NUMBER("alerts.silenced", alerts.silenced, "alerts_silenced_total", "counter",
	       "Alerts not sent because of a silence"),
	NUMBER("alerts.summaries", alerts.summaries, "alerts_summaries_total", "counter",
	       "Alerts sent that are summaries, or ends of alerts"),
	NUMBER("alerts.failed", alerts.failed, "alerts_failed_total", "counter",
	       "Alerts that could not be sent"),
	NUMBER("alerts.webhook.pending", alerts.webhook_pending, "webhook_pending", "gauge",
	       "Alerts that the webhook has not acknowledged"),
	NUMBER("alerts.webhook.delivered", alerts.webhook_delivered, "webhook_delivered_total",
	       "counter", "Alerts that the webhook has acknowledged"),
	NUMBER("alerts.webhook.retries", alerts.webhook_retries, "webhook_retries_total", "counter",
	       "Requests to the webhook that failed"),
	NUMBER("alerts.webhook.dropped", alerts.webhook_dropped, "webhook_dropped_total", "counter",
	       "Alerts that the webhook refused, or too many waited"),
	PLAIN("alerts.webhook.last_error", COUNTER_TEXT, alerts.webhook_error),
	PLAIN("alerts.last_error", COUNTER_TEXT, alerts.last_error),

	PLAIN("deletions.on_mismatch", COUNTER_TEXT, deletions.on_mismatch),
	NUMBER("deletions.deleted", deletions.deleted, "flows_deleted_total", "counter",
	       "Mismatching flows deleted as on-mismatch says"),
	NUMBER("deletions.not_deleted", deletions.not_deleted, "flows_not_deleted_total", "counter",
	       "Mismatching flows kept because of the rate limit"),
	NUMBER("deletions.returned", deletions.returned, "flows_returned_total", "counter",
	       "Flows deleted on a backup uplink, as on-uplink-up = return says"),
	{0},
};

#define UPLINK(key, field, metric, kind, help)                                                     \
	{                                                                                          \
		ROW(answer_uplink, key, COUNTER_INTEGER, field), metric, kind, help, 0             \
	}
#define UPLINK_TEXT(key, field)                                                                    \
	{                                                                                          \
		ROW(answer_uplink, key, COUNTER_TEXT, field), NULL, NULL, NULL, 0                  \
	}

const struct counter uplink_counters[] = {
	UPLINK_TEXT("name", name),
	UPLINK_TEXT("interface", ifname),
	UPLINK_TEXT("state", state),
	UPLINK_TEXT("cause", cause),
	UPLINK_TEXT("health", health),
	UPLINK_TEXT("decision", decision),
	UPLINK_TEXT("decided_by", decided_by),
	UPLINK_TEXT("until", until),
	{ROW(answer_uplink, "answered_share", COUNTER_REAL, answered_share), NULL, NULL, NULL, 0},
	UPLINK("tier", tier, "uplink_tier", "gauge", "Configured tier of the uplink"),
	UPLINK_TEXT("gateway", gateway),
	UPLINK_TEXT("gateway6", gateway6),
	UPLINK("mark", mark, NULL, NULL, NULL),
	UPLINK("table", table, NULL, NULL, NULL),
	UPLINK("weight", weight, "uplink_weight", "gauge", "Configured weight of the uplink"),
	UPLINK("flows_live", flows_live, "uplink_flows_live", "gauge",
	       "Flows of the uplink that live now"),
	UPLINK("bytes", bytes, "uplink_flow_bytes_total", "counter",
	       "Bytes of the uplink's flows, both directions"),
	UPLINK("bytes_sent", bytes_sent, NULL, NULL, NULL),
	UPLINK("bytes_received", bytes_received, NULL, NULL, NULL),
	{ROW(answer_uplink, "quota", COUNTER_OPTIONAL, quota), "uplink_quota_bytes", "gauge",
	 "Configured quota of the uplink", 0},
	{ROW(answer_uplink, "quota_used", COUNTER_OPTIONAL, quota_used), "uplink_quota_used_bytes",
	 "gauge", "Bytes of the quota's running period, both directions", 0},
	UPLINK("quota_day", quota_day, NULL, NULL, NULL),
	UPLINK("mismatches", mismatches, NULL, NULL, NULL),
	{0},
};

#define COVERAGE(key, field, metric, help)                                                         \
	{                                                                                          \
		ROW(answer_coverage, key, COUNTER_INTEGER, field), metric, "counter", help, 0      \
	}
#define COVERAGE_PLAIN(key, type, field)                                                           \
	{                                                                                          \
		ROW(answer_coverage, key, type, field), NULL, NULL, NULL, 0                        \
	}

const struct counter coverage_counters[] = {
	COVERAGE_PLAIN("since", COUNTER_TEXT, since),
	COVERAGE_PLAIN("until", COUNTER_TEXT, until),
	COVERAGE_PLAIN("known", COUNTER_BOOLEAN, is_known),
	COVERAGE("left_packets", left_packets, "coverage_left_packets_total",
		 "Packets that left by the uplink"),
	COVERAGE("left_bytes", left_bytes, "coverage_left_bytes_total",
		 "Bytes that left by the uplink"),
	COVERAGE("seen_packets", seen_packets, "coverage_seen_packets_total",
		 "Packets of these that flows in the history account for"),
	COVERAGE("seen_bytes", seen_bytes, "coverage_seen_bytes_total",
		 "Bytes of these that flows in the history account for"),
	COVERAGE_PLAIN("split_packets", COUNTER_INTEGER, split_packets),
	COVERAGE_PLAIN("link_packets", COUNTER_INTEGER, link_packets),
	COVERAGE_PLAIN("share", COUNTER_REAL, share),
	{0},
};
