/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics.c - the daemon's counters in Prometheus' text format (exposition format
 * 0.0.4): one text for the tool, the HTTP server and the file.
 *
 * Pure: it knows neither where the answer comes from nor where the text goes.
 */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "waymark/status/metrics.h"

struct metric {
	const char *name;
	const char *type;
	const char *help;
	size_t offset; /* of an int64_t in struct answer or struct answer_uplink */
};

#define OF(field) offsetof(struct answer, field)
static const struct metric metrics[] = {
	{"uptime_seconds", "gauge", "Seconds since the daemon started", OF(uptime_s)},
	{"flows_live", "gauge", "Flows that live now", OF(flows_live)},
	{"flows_total", "counter", "Flows seen", OF(flows_total)},
	{"flows_lost_total", "counter", "Flows that vanished without a word", OF(flows_lost)},
	{"flows_untracked_total", "counter", "Flows beyond max-flows: written, not followed",
	 OF(flows_untracked)},
	{"table_flows", "gauge", "Flows in memory, with those that ended a moment ago",
	 OF(table_flows)},
	{"table_bytes", "gauge", "Memory of the flows", OF(table_bytes)},
	{"gaps_open", "gauge", "Gaps in the evidence that are open now", OF(gaps_open)},
	{"mismatches_total", "counter", "Mismatches reported", OF(mismatches)},
	{"flows_cured_total", "counter", "Mismatching flows deleted, as on-mismatch says",
	 OF(deletions.deleted)},
	{"flows_not_cured_total", "counter", "Mismatching flows kept: too many in a second",
	 OF(deletions.not_deleted)},
	{"events_received_total", "counter", "Conntrack events received", OF(events.received)},
	{"events_overruns_total", "counter", "Overruns of the event socket", OF(events.overruns)},
	{"events_refused_total", "counter",
	 "Deliveries of events that found the buffer full, retries included", OF(events.refused)},
	{"events_resyncs_total", "counter", "Dumps of the whole conntrack table",
	 OF(events.resyncs)},
	{"events_listeners", "gauge", "Others that listen to conntrack events",
	 OF(events.listeners)},
	{"events_malformed_total", "counter", "Events that could not be read",
	 OF(events.parse_errors)},
	{"events_forged_total", "counter", "Events that did not come from the kernel",
	 OF(events.forged)},
	{"events_buffer_bytes", "gauge", "Buffer of the event socket as granted",
	 OF(events.buffer_bytes)},
	{"nflog_received_total", "counter", "Logged packets received", OF(nflog.received)},
	{"nflog_overruns_total", "counter", "Overruns of the log socket", OF(nflog.overruns)},
	{"nflog_lost_total", "counter", "Logged packets missing by their numbers", OF(nflog.holes)},
	{"nflog_orphans_total", "counter", "Logged packets whose flow was not found",
	 OF(nflog.orphans)},
	{"nflog_buffer_bytes", "gauge", "Buffer of the log socket as granted",
	 OF(nflog.buffer_bytes)},
	{"history_rows_total", "counter", "Records written to the history", OF(store.written)},
	{"history_batches_total", "counter", "Transactions committed", OF(store.batches)},
	{"history_dropped_total", "counter", "Records refused because the queue was full",
	 OF(store.dropped)},
	{"history_failed_total", "counter", "Records that could not be written", OF(store.failed)},
	{"history_queue", "gauge", "Records that wait to be written", OF(store.depth)},
	{"history_queue_max", "gauge", "The most that ever waited", OF(store.depth_max)},
	{"history_queue_capacity", "gauge", "Records that may wait", OF(store.capacity)},
	{"history_bytes", "gauge", "Size of the database", OF(store.database_bytes)},
	{"alerts_raised_total", "counter", "Alerts raised", OF(alerts.raised)},
	{"alerts_sent_total", "counter", "Alerts sent", OF(alerts.sent)},
	{"alerts_aggregated_total", "counter", "Alerts aggregated into a summary", OF(alerts.aggregated)},
	{"alerts_summaries_total", "counter",
	 "Alerts sent that are summaries, or ends of alerts", OF(alerts.summaries)},
	{"alerts_failed_total", "counter", "Alerts that could not be sent", OF(alerts.failed)},
	{"webhook_pending", "gauge", "Alerts that the webhook has not taken yet",
	 OF(alerts.webhook_pending)},
	{"webhook_delivered_total", "counter", "Alerts that the webhook has taken",
	 OF(alerts.webhook_delivered)},
	{"webhook_retries_total", "counter", "Attempts at the webhook that failed",
	 OF(alerts.webhook_retries)},
	{"webhook_dropped_total", "counter", "Alerts given up: refused, or too many waited",
	 OF(alerts.webhook_dropped)},
};

/* Milliseconds, shown in seconds; where no row was written there is none. */
static const struct metric delays[] = {
	{"history_delay_median_seconds", "gauge",
	 "Median time from event to row in the last minute", OF(store.p50_ms)},
	{"history_delay_p99_seconds", "gauge",
	 "Time from event to row that 99 of 100 rows do not exceed", OF(store.p99_ms)},
};

#define OF_UPLINK(field) offsetof(struct answer_uplink, field)
static const struct metric uplink_metrics[] = {
	{"uplink_flows_live", "gauge", "Flows of the uplink that live now", OF_UPLINK(flows_live)},
	{"uplink_bytes_total", "counter", "Bytes of the uplink's flows", OF_UPLINK(bytes)},
	{"uplink_mismatches_total", "counter", "Mismatches of flows that its mark names",
	 OF_UPLINK(mismatches)},
};

/* Of uplinks of which it is known. */
static const struct metric coverage_metrics[] = {
	{"coverage_left_packets_total", "counter", "Packets that left by the uplink",
	 OF_UPLINK(coverage.left_packets)},
	{"coverage_left_bytes_total", "counter", "Bytes that left by the uplink",
	 OF_UPLINK(coverage.left_bytes)},
	{"coverage_seen_packets_total", "counter",
	 "Packets of these that flows in the history account for",
	 OF_UPLINK(coverage.seen_packets)},
	{"coverage_seen_bytes_total", "counter",
	 "Bytes of these that flows in the history account for", OF_UPLINK(coverage.seen_bytes)},
};

static int64_t value_at(const void *base, size_t offset)
{
	int64_t value;

	memcpy(&value, (const char *)base + offset, sizeof(value));
	return value;
}

static void head_print(FILE *out, const struct metric *m)
{
	fprintf(out, "# HELP waymark_%s %s.\n# TYPE waymark_%s %s\n", m->name, m->help, m->name,
		m->type);
}

static void label_print(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; value && *value; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '"' || *value == '\\')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
	fputc('"', out);
}

static void verdicts_print(FILE *out, const struct answer *a)
{
	static const struct metric m = {"verdicts_total", "counter", "Flows that ended, by verdict",
					0};
	int v;

	if (!a->has_verdicts)
		return;
	head_print(out, &m);
	for (v = VERDICT_MISMATCH; v <= VERDICT_OK; v++) {
		fputs("waymark_verdicts_total{", out);
		label_print(out, "verdict", verdict_name((enum verdict)v));
		fprintf(out, "} %" PRId64 "\n", a->verdicts[v]);
	}
}

static void uplink_print(FILE *out, const char *name, const struct answer_uplink *u, int64_t value)
{
	fprintf(out, "waymark_%s{", name);
	label_print(out, "uplink", u->name);
	fputc(',', out);
	label_print(out, "interface", u->ifname);
	fprintf(out, "} %" PRId64 "\n", value);
}

/* An uplink of which nothing is known has no line: 0 would say that nothing left. */
static void coverage_print(FILE *out, const struct answer *a)
{
	size_t m, i, n = 0;

	for (i = 0; i < a->n_uplinks; i++)
		n += a->uplinks[i].coverage.is_known;
	for (m = 0; n && m < sizeof(coverage_metrics) / sizeof(*coverage_metrics); m++) {
		head_print(out, &coverage_metrics[m]);
		for (i = 0; i < a->n_uplinks; i++) {
			if (a->uplinks[i].coverage.is_known)
				uplink_print(out, coverage_metrics[m].name, &a->uplinks[i],
					     value_at(&a->uplinks[i], coverage_metrics[m].offset));
		}
	}
}

static void uplinks_print(FILE *out, const struct answer *a)
{
	static const struct metric up = {"uplink_up", "gauge", "Whether the uplink is up", 0};
	size_t m, i;

	if (!a->n_uplinks)
		return;
	head_print(out, &up);
	for (i = 0; i < a->n_uplinks; i++)
		uplink_print(out, up.name, &a->uplinks[i],
			     a->uplinks[i].state && !strcmp(a->uplinks[i].state, "up"));
	for (m = 0; m < sizeof(uplink_metrics) / sizeof(*uplink_metrics); m++) {
		head_print(out, &uplink_metrics[m]);
		for (i = 0; i < a->n_uplinks; i++)
			uplink_print(out, uplink_metrics[m].name, &a->uplinks[i],
				     value_at(&a->uplinks[i], uplink_metrics[m].offset));
	}
}

/* Said also where there is no daemon: "down" must not look like "nothing". */
static void up_print(FILE *out, bool is_up)
{
	static const struct metric up = {"up", "gauge", "Whether the daemon runs and is ready", 0};

	head_print(out, &up);
	fprintf(out, "waymark_up %d\n", is_up);
}

static void numbers_print(FILE *out, const struct answer *a)
{
	size_t i;

	for (i = 0; i < sizeof(metrics) / sizeof(*metrics); i++) {
		head_print(out, &metrics[i]);
		fprintf(out, "waymark_%s %" PRId64 "\n", metrics[i].name,
			value_at(a, metrics[i].offset));
	}
}

static void delays_print(FILE *out, const struct answer *a)
{
	size_t i;

	for (i = 0; i < sizeof(delays) / sizeof(*delays); i++) {
		int64_t ms = value_at(a, delays[i].offset);

		if (ms < 0)
			continue;
		head_print(out, &delays[i]);
		fprintf(out, "waymark_%s %" PRId64 ".%03" PRId64 "\n", delays[i].name, ms / 1000,
			ms % 1000);
	}
}

void metrics_print(FILE *out, const struct answer *a)
{
	up_print(out, a && a->is_ready);
	if (!a)
		return;
	numbers_print(out, a);
	delays_print(out, a);
	verdicts_print(out, a);
	uplinks_print(out, a);
	coverage_print(out, a);
}
