/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_page.c - writes a report as one HTML page. The page has no scripts, and loads nothing from
 * the network. Events come first, then the figures. The page is well-formed XML, so that other
 * programs can parse it.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/report/report.h"

static void span_print(FILE *out, const struct report *r)
{
	report_time(out, r->span.since_ms);
	fputs(" to ", out);
	report_time(out, r->span.until_ms);
	fputs(" (", out);
	report_zone(out, r->span.until_ms);
	fputs(")", out);
}

static void head_print(FILE *out, const struct report *r)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	      "<meta http-equiv=\"Content-Security-Policy\""
	      " content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
	      "<title>Waymark: flows and uplinks of ",
	      out);
	report_escape(out, r->host);
	fputs("</title>\n<style>", out);
	report_style(out);
	fputs("</style>\n</head>\n<body><main>\n<h1>Flows and uplinks of ", out);
	report_escape(out, r->host);
	fputs("</h1>\n<p class=\"soft\">", out);
	span_print(out, r);
	fputs(". Made by Waymark " PACKAGE_VERSION " at ", out);
	report_time(out, r->now_ms);
	fputs(".</p>\n", out);
}

/* --- the summary ---------------------------------------------------------------------- */

static void lead_mismatches(FILE *out, const struct report *r)
{
	const struct report_cause *c = &r->causes[0];
	char egress[REPORT_LONG_TEXT];

	if (!r->n_causes) {
		fputs("No mismatch was seen. ", out);
		return;
	}
	fputs("<b class=\"bad\">", out);
	report_count(out, r->mismatches, "mismatch", "mismatches");
	fputs("</b> of ", out);
	report_count(out, (int64_t)r->n_causes, "cause", "causes");
	fputs(r->n_causes > 1 ? "; most (" : " (", out);
	report_number(out, c->number);
	fputs("): flows of ", out);
	report_escape(out, c->expected);
	fputs(" left by ", out);
	report_escape(out, report_egress(egress, c->egress_uplink, c->egress));
	fputs(", because ", out);
	report_escape(out, report_reason_text(c->reason));
	fputs(". ", out);
}

static void lead_uplinks(FILE *out, const struct report *r)
{
	for (size_t i = 0; i < r->n_states; i++) {
		const char *name = r->states[i].uplink;
		int64_t away = 0;

		if (i && !strcmp(r->states[i - 1].uplink, name))
			continue;
		for (size_t k = i; k < r->n_states && !strcmp(r->states[k].uplink, name); k++)
			if (strcmp(r->states[k].state, "up"))
				away += r->states[k].ended_ms - r->states[k].started_ms;
		if (!away)
			continue;
		report_escape(out, name);
		fputs(" was not up for ", out);
		report_duration(out, away);
		fputs(". ", out);
	}
}

static void lead_print(FILE *out, const struct report *r)
{
	fputs("<p class=\"lead\">", out);
	lead_mismatches(out, r);
	lead_uplinks(out, r);
	if (r->tamperings) {
		fputs("Another process changed rules, routes or sysctls ", out);
		report_count(out, r->tamperings, "time", "times");
		fputs(". ", out);
	}
	if (r->unseen_ms) {
		fputs("<span class=\"doubt\">For ", out);
		report_duration(out, r->unseen_ms);
		fputs(" events or evidence may have been missed.</span>", out);
	}
	fputs("</p>\n", out);
}

/* --- figures -------------------------------------------------------------------------- */

static int64_t bytes_of(const struct report *r)
{
	int64_t sum = 0;

	for (size_t i = 0; i < r->n_series; i++)
		sum += r->series[i]->bytes + r->series[i]->bytes_reply;
	return sum;
}

static void tile_begin(FILE *out, const char *class)
{
	fprintf(out, "<div class=\"tile\"><b class=\"%s\">", class);
}

static void tile_end(FILE *out, const char *what)
{
	fprintf(out, "</b> <span>%s</span></div>\n", what);
}

/* Return whether there might have been mismatches that were not seen. */
static bool has_doubts(const struct report *r)
{
	bool is_covered = r->n_lines > 0;

	for (size_t i = 0; i < r->n_lines; i++)
		is_covered = is_covered && r->lines[i].is_known && !r->lines[i].missing;
	return !is_covered || r->unseen_ms || r->unknown;
}

static void tiles_print(FILE *out, const struct report *r)
{
	int64_t span = r->span.until_ms - r->span.since_ms;

	fputs("<div class=\"tiles\">\n", out);
	tile_begin(out, r->mismatches ? "bad" : has_doubts(r) ? "" : "good");
	report_number(out, r->mismatches);
	tile_end(out, r->mismatches ? "mismatches" : "mismatches seen");
	tile_begin(out, "");
	report_number(out, r->flows);
	tile_end(out, "flows started");
	tile_begin(out, "");
	report_bytes(out, bytes_of(r));
	tile_end(out, "in both directions");
	tile_begin(out, "");
	report_share(out, r->flows - r->unknown, r->flows);
	tile_end(out, "of the flows have evidence of their egress");
	tile_begin(out, r->unseen_ms ? "doubt" : "good");
	report_share(out, span - r->unseen_ms, span);
	tile_end(out, "of the time is without a gap");
	fputs("</div>\n", out);
}

/* --- charts ---------------------------------------------------------------------------- */

static int64_t flows_at(const struct report *r, size_t series, size_t step)
{
	return r->series[series]->step_flows[step];
}

static int64_t sent_at(const struct report *r, size_t series, size_t step)
{
	return r->series[series]->step_sent[step] * 8000 / r->span.step_ms;
}

static int64_t received_at(const struct report *r, size_t series, size_t step)
{
	return r->series[series]->step_received[step] * 8000 / r->span.step_ms;
}

static int64_t row_number(const struct report_row *row)
{
	return row->number;
}

static void charts_print(FILE *out, const struct report *r)
{
	bool is_hour = r->span.step_ms == 3600000;

	fputs("<h2>Rates</h2>\n<div class=\"two\">\n", out);
	report_chart(out, r,
		     is_hour ? "Received, hourly mean, by uplink"
			     : "Received, daily mean, by uplink",
		     received_at, report_bitrate);
	report_chart(out, r,
		     is_hour ? "Sent, hourly mean, by uplink" : "Sent, daily mean, by uplink",
		     sent_at, report_bitrate);
	report_chart(out, r,
		     is_hour ? "Flows started in each hour, by uplink"
			     : "Flows started on each day, by uplink",
		     flows_at, report_number);
	report_bars(out, "Flows by verdict", r->verdicts, r->n_verdicts, row_number, report_number);
	fputs("</div>\n", out);
}

static void picture_print(FILE *out, const struct report *r)
{
	fputs("<figure><figcaption>Where flows leave; red: where they should not"
	      "</figcaption>\n",
	      out);
	report_picture(out, r, false);
	fputs("</figure>\n", out);
}

int report_print(FILE *out, const struct report *r)
{
	int err;

	head_print(out, r);
	lead_print(out, r);
	tiles_print(out, r);
	report_timeline(out, r);
	picture_print(out, r);
	report_causes(out, r);
	report_uplinks(out, r);
	charts_print(out, r);
	report_talkers(out, r);
	report_lines(out, r);
	report_gaps(out, r);
	err = report_newest(out, r);
	fputs("</main></body>\n</html>\n", out);
	return err;
}
