/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics.c - prints the daemon's counters in Prometheus' text format (exposition format 0.0.4).
 * The command-line tool, the HTTP server and the metrics file all use this text.
 *
 * Pure: must not know where the answer comes from, nor where the text goes.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "status/counters.h"
#include "waymark/status/metrics.h"

static void head_print(FILE *out, const char *name, const char *kind, const char *help)
{
	fprintf(out, "# HELP waymark_%s %s.\n# TYPE waymark_%s %s\n", name, help, name, kind);
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
	if (!a->has_verdicts)
		return;
	head_print(out, "flows_total", "counter", "Flows that ended, by verdict");
	for (int v = VERDICT_MISMATCH; v <= VERDICT_OK; v++) {
		fputs("waymark_flows_total{", out);
		label_print(out, "verdict", verdict_name((enum verdict)v));
		fprintf(out, "} %" PRId64 "\n", a->verdicts[v]);
	}
}

/* Return whether the counter is a metric whose value is known. */
static bool is_metric(const void *fields, const struct counter *c)
{
	const void *field = (const char *)fields + c->offset;

	if (!c->metric)
		return false;
	if (c->type == COUNTER_REAL)
		return *(const double *)field >= 0;
	return c->type != COUNTER_OPTIONAL || *(const int64_t *)field >= 0;
}

static void value_print(FILE *out, const void *fields, const struct counter *c)
{
	const void *field = (const char *)fields + c->offset;

	if (c->type == COUNTER_REAL)
		fprintf(out, " %.6g\n", *(const double *)field);
	else if (c->type == COUNTER_BOOLEAN)
		fprintf(out, " %d\n", *(const bool *)field);
	else if (c->divisor > 0)
		fprintf(out, " %.3f\n", (double)*(const int64_t *)field / c->divisor);
	else
		fprintf(out, " %" PRId64 "\n", *(const int64_t *)field);
}

static void general_print(FILE *out, const struct answer *a)
{
	for (const struct counter *c = general_counters; c->key; c++) {
		if (!is_metric(a, c))
			continue;
		head_print(out, c->metric, c->kind, c->help);
		fprintf(out, "waymark_%s", c->metric);
		value_print(out, a, c);
	}
}

/* Print the histogram of delays. Each bucket of Prometheus includes the buckets below it. Print
 * nothing while no row has been written. */
static void delays_print(FILE *out, const struct delays *d)
{
	static const char name[] = "history_delay_seconds";
	int64_t n = 0, all = 0;

	for (size_t i = 0; i < DELAY_BUCKETS; i++)
		all += d->count[i];
	if (!all)
		return;
	head_print(out, name, "histogram", "Time from an event to its row in the history");
	for (size_t i = 0; i + 1 < DELAY_BUCKETS; i++) {
		n += d->count[i];
		fprintf(out, "waymark_%s_bucket{le=\"%g\"} %" PRId64 "\n", name,
			(double)delay_bounds_ms[i] / 1000, n);
	}
	fprintf(out, "waymark_%s_bucket{le=\"+Inf\"} %" PRId64 "\n", name, all);
	fprintf(out, "waymark_%s_sum %.3f\nwaymark_%s_count %" PRId64 "\n", name,
		(double)d->sum_ms / 1000, name, all);
}

static void uplink_labels_print(FILE *out, const char *name, const struct answer_uplink *u)
{
	fprintf(out, "waymark_%s{", name);
	label_print(out, "uplink", u->name);
	fputc(',', out);
	label_print(out, "interface", u->ifname);
	fputc('}', out);
}

/* Print one metric, with a line per uplink. fields_of() returns the uplink's struct that contains
 * the metric's field, or NULL if the values in this struct are unknown. An unknown value gets no
 * line, because a 0 would be read as "no packets". */
static void uplink_metric_print(FILE *out, const struct answer *a, const struct counter *c,
				const void *(*fields_of)(const struct answer_uplink *))
{
	bool has_head = false;

	for (size_t i = 0; i < a->n_uplinks; i++) {
		const void *fields = fields_of(&a->uplinks[i]);

		if (!fields || !is_metric(fields, c))
			continue;
		if (!has_head)
			head_print(out, c->metric, c->kind, c->help);
		has_head = true;
		uplink_labels_print(out, c->metric, &a->uplinks[i]);
		value_print(out, fields, c);
	}
}

static const void *uplink_fields(const struct answer_uplink *u)
{
	return u;
}

static const void *coverage_fields(const struct answer_uplink *u)
{
	return u->coverage.is_known ? &u->coverage : NULL;
}

/* Print the mismatches by reason. Reasons that have not occurred get no line. */
static void reasons_print(FILE *out, const struct answer *a)
{
	static const char name[] = "mismatches_total";

	head_print(out, name, "counter",
		   "Mismatches by the uplink that the mark names, and reason");
	for (size_t i = 0; i < a->n_uplinks; i++) {
		for (int r = 0; r < REASONS; r++) {
			if (!a->uplinks[i].mismatches_by_reason[r])
				continue;
			fprintf(out, "waymark_%s{", name);
			label_print(out, "uplink", a->uplinks[i].name);
			fputc(',', out);
			label_print(out, "reason", reason_name((enum reason)r));
			fprintf(out, "} %" PRId64 "\n", a->uplinks[i].mismatches_by_reason[r]);
		}
	}
}

static void missing_print(FILE *out, const struct answer *a)
{
	static const char name[] = "coverage_missing_packets_total";
	bool has_head = false;

	for (size_t i = 0; i < a->n_uplinks; i++) {
		const struct answer_uplink *u = &a->uplinks[i];

		for (int k = 0; u->coverage.is_known && k < COVERAGE_CAUSES; k++) {
			if (!has_head)
				head_print(out, name, "counter",
					   "Packets that no flow accounts for, by cause");
			has_head = true;
			fprintf(out, "waymark_%s{", name);
			label_print(out, "uplink", u->name);
			fputc(',', out);
			label_print(out, "cause", coverage_cause_name((enum coverage_cause)k));
			fprintf(out, "} %" PRId64 "\n", u->coverage.missing[k]);
		}
	}
}

static void bytes_print(FILE *out, const struct answer *a)
{
	static const char name[] = "bytes_total";

	head_print(out, name, "counter", "Bytes of the uplink's interface, by direction");
	for (size_t i = 0; i < 2 * a->n_uplinks; i++) {
		const struct answer_uplink *u = &a->uplinks[i / 2];

		fprintf(out, "waymark_%s{", name);
		label_print(out, "uplink", u->name);
		fputc(',', out);
		label_print(out, "direction", i % 2 ? "received" : "sent");
		fprintf(out, "} %" PRId64 "\n", i % 2 ? u->bytes_received : u->bytes_sent);
	}
}

/* Print the share of new flows without an answer. An uplink without new flows gets no line: its
 * share is undefined. */
static void unanswered_print(FILE *out, const struct answer *a)
{
	static const char name[] = "unanswered_share";
	bool has_head = false;

	for (size_t i = 0; i < a->n_uplinks; i++) {
		const struct answer_uplink *u = &a->uplinks[i];

		if (u->answered_share < 0)
			continue;
		if (!has_head)
			head_print(out, name, "gauge",
				   "Share of the uplink's newest flows that got no answer, 0 to 1");
		has_head = true;
		fprintf(out, "waymark_%s{", name);
		label_print(out, "uplink", u->name);
		fprintf(out, "} %.6g\n", 1 - u->answered_share);
	}
}

/* Print a state of each uplink, such as "up", as a metric with the value 1. The state is the value
 * of the label `label`. word_of() returns it; NULL: it is unknown. */
static void word_print(FILE *out, const struct answer *a, const char *name, const char *help,
		       const char *label, const char *(*word_of)(const struct answer_uplink *u))
{
	head_print(out, name, "gauge", help);
	for (size_t i = 0; i < a->n_uplinks; i++) {
		const char *word = word_of(&a->uplinks[i]);

		if (!word)
			continue;
		fprintf(out, "waymark_%s{", name);
		label_print(out, "uplink", a->uplinks[i].name);
		fputc(',', out);
		label_print(out, label, word);
		fputs("} 1\n", out);
	}
}

static const char *state_of(const struct answer_uplink *u)
{
	return u->state;
}

static const char *health_of(const struct answer_uplink *u)
{
	return u->health;
}

static void uplinks_print(FILE *out, const struct answer *a)
{
	if (!a->n_uplinks)
		return;
	head_print(out, "uplink_up", "gauge", "Whether the uplink is up");
	for (size_t i = 0; i < a->n_uplinks; i++) {
		uplink_labels_print(out, "uplink_up", &a->uplinks[i]);
		fprintf(out, " %d\n", a->uplinks[i].state && !strcmp(a->uplinks[i].state, "up"));
	}
	word_print(out, a, "uplink_state", "State of the uplink: up, down, drain, missing, ...",
		   "state", state_of);
	word_print(out, a, "uplink_health", "Health of the uplink: healthy, degraded, silent, idle",
		   "health", health_of);
	for (const struct counter *c = uplink_counters; c->key; c++)
		uplink_metric_print(out, a, c, uplink_fields);
	for (const struct counter *c = coverage_counters; c->key; c++)
		uplink_metric_print(out, a, c, coverage_fields);
	bytes_print(out, a);
	unanswered_print(out, a);
	missing_print(out, a);
	reasons_print(out, a);
}

/* Print waymark_up even if no daemon answered. Without it, a stopped daemon would look like missing
 * data. */
static void up_print(FILE *out, bool is_up)
{
	head_print(out, "up", "gauge", "Whether the daemon runs and is ready");
	fprintf(out, "waymark_up %d\n", is_up);
}

static void build_print(FILE *out, const struct answer *a)
{
	if (!a->version)
		return;
	head_print(out, "build_info", "gauge",
		   "Constant 1, with the version of waymarkd as a label");
	fputs("waymark_build_info{", out);
	label_print(out, "version", a->version);
	fputs("} 1\n", out);
}

void metrics_print(FILE *out, const struct answer *a)
{
	up_print(out, a && a->is_ready);
	if (!a)
		return;
	build_print(out, a);
	general_print(out, a);
	verdicts_print(out, a);
	delays_print(out, &a->store.delays);
	uplinks_print(out, a);
}
