/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_page.c - a report as one HTML page: no script, nothing from the network,
 * light and dark as the reader's screen is. Its tags are closed as in XML, so that
 * other programs can read it, too.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/report/report.h"

#define MISMATCHES_SHOWN 20
#define GAPS_SHOWN	 50

static const char style[] =
	":root{color-scheme:light dark;--back:#f6f7f9;--card:#fff;--text:#1b2430;--soft:#5c6877;"
	"--line:#dfe4ea;--bad:#c0392b;--good:#1e7d4f;--gap:#e0a100;--doubt:#936500;"
	"--c0:#2f6fde;--c1:#e07b22;--c2:#2a9d6f;--c3:#9b59c4;--c4:#c94f6d;--c5:#138f9e;--c6:#"
	"8a6d3b;"
	"--c7:#6b7785}\n"
	"@media(prefers-color-scheme:dark){:root{--back:#12161c;--card:#1b212a;--text:#e6eaf0;"
	"--soft:#9aa6b5;--line:#2f3844;--bad:#ff7b6b;--good:#5fd39a;--gap:#e8b730;--doubt:#e8b730;"
	"--c0:#6ea2ff;--c1:#ffa657;--c2:#5cd0a0;--c3:#c792ea;--c4:#f28ba8;--c5:#56c8d8;--c6:#"
	"d0b070;"
	"--c7:#9aa6b5}}\n"
	"*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--text);"
	"font:15px/1.5 system-ui,sans-serif}main{max-width:1020px;margin:0 auto;padding:24px 16px}"
	"h1{font-size:1.6em;margin:0}h2{font-size:1.1em;margin:28px 0 "
	"8px}.soft{color:var(--soft);margin:2px 0 0}\n"
	".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;"
	"margin:20px 0}"
	".tile,figure,.card{background:var(--card);border:1px solid var(--line);border-radius:10px}"
	".tile{padding:12px 16px}.tile "
	"b{display:block;font-size:1.55em;line-height:1.3;font-weight:600}"
	".tile "
	"span{color:var(--soft);font-size:.88em}.bad{color:var(--bad)}.good{color:var(--good)}."
	"doubt{color:var(--doubt)}\n"
	"figure{margin:0 0 16px;padding:14px 16px}figcaption{font-weight:600;margin-bottom:6px}"
	"figure>svg{display:block;width:100%;height:auto}.grid{stroke:var(--line)}"
	".axis{fill:var(--soft);font-size:12px}.y{text-anchor:end}.x{text-anchor:start}\n"
	"rect.gap{fill:var(--gap);opacity:.28}i.gap{background:var(--gap);opacity:.5}"
	".legend{margin:6px 0 0;color:var(--soft);font-size:.9em}.legend "
	"span{margin-right:16px;display:inline-block}"
	".legend "
	"i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px}\n"
	".two{display:grid;grid-template-columns:repeat(auto-fit,minmax(340px,1fr));gap:0 16px}"
	".card{overflow-x:auto;padding:4px "
	"0;margin-bottom:16px}table{border-collapse:collapse;width:100%}"
	".card td,.card th{padding:6px 10px;text-align:left;border-bottom:1px solid "
	"var(--line);white-space:nowrap}"
	".card tr:last-child td{border-bottom:0}.card "
	"th{color:var(--soft);font-weight:500;font-size:.9em}"
	"td.wrap{white-space:normal!important}.card "
	".n,.n{text-align:right!important;font-variant-numeric:tabular-nums}\n"
	".bars th{text-align:left;font-weight:400;white-space:nowrap;padding:3px 10px 3px "
	"0;width:1%}"
	".bars svg{display:block;width:100%;height:12px}.bars "
	".n{padding-left:10px;white-space:nowrap;width:1%}";

static void classes_print(FILE *out)
{
	for (int i = 0; i < 8; i++)
		fprintf(out, "rect.s%d{fill:var(--c%d)}i.s%d{background:var(--c%d)}", i, i, i, i);
}

static void head_print(FILE *out, const struct report *r)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	      "<meta http-equiv=\"Content-Security-Policy\""
	      " content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
	      "<title>Waymark: flows and their ways</title>\n<style>",
	      out);
	fputs(style, out);
	classes_print(out);
	fputs("</style>\n</head>\n<body><main>\n<h1>Flows and their ways</h1>\n<p class=\"soft\">",
	      out);
	report_time(out, r->span.since_ms);
	fputs(" to ", out);
	report_time(out, r->span.until_ms);
	fputs(" UTC. Made by Waymark " PACKAGE_VERSION ", ", out);
	report_time(out, r->now_ms);
	fputs(" UTC.</p>\n", out);
}

/* --- figures -------------------------------------------------------------------------- */

static int64_t mismatches_of(const struct report *r)
{
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < r->n_reasons; i++)
		sum += r->reasons[i].number;
	return sum;
}

static int64_t bytes_of(const struct report *r)
{
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < r->n_series; i++)
		sum += r->series[i]->bytes + r->series[i]->bytes_reply;
	return sum;
}

static void tile_begin(FILE *out, const char *class)
{
	fprintf(out, "<div class=\"tile\"><b class=\"%s\">", class);
}

static void tile_end(FILE *out, const char *what)
{
	fprintf(out, "</b><span>%s</span></div>\n", what);
}

/* Never rounded up to all. */
static void share_print(FILE *out, int64_t part, int64_t whole)
{
	int64_t tenths = whole ? (int64_t)((double)part * 1000 / (double)whole) : 0;

	if (!whole)
		fputs("-", out);
	else
		fprintf(out, "%" PRId64 ".%" PRId64 " %%", tenths / 10, tenths % 10);
}

/* Whether something can have left unseen. */
static bool has_doubts(const struct report *r)
{
	bool is_covered = r->n_lines > 0;

	for (size_t i = 0; i < r->n_lines; i++)
		is_covered = is_covered && r->lines[i].is_known && !r->lines[i].missing;
	return !is_covered || r->unseen_ms || r->unknown;
}

static void tiles_print(FILE *out, const struct report *r)
{
	int64_t span = r->span.until_ms - r->span.since_ms, mismatches = mismatches_of(r);

	fputs("<div class=\"tiles\">\n", out);
	tile_begin(out, "");
	report_number(out, r->flows);
	tile_end(out, "flows began");
	tile_begin(out, "");
	report_bytes(out, bytes_of(r));
	tile_end(out, "in both directions");
	tile_begin(out, mismatches ? "bad" : has_doubts(r) ? "" : "good");
	report_number(out, mismatches);
	tile_end(out, mismatches ? "mismatches" : "mismatches seen");
	tile_begin(out, "");
	share_print(out, r->flows - r->unknown, r->flows);
	tile_end(out, "of the flows have proof of their way");
	tile_begin(out, r->unseen_ms ? "doubt" : "good");
	share_print(out, span - r->unseen_ms, span);
	tile_end(out, "of the time nothing can have been missed");
	fputs("</div>\n", out);
}

static void uplinks_print(FILE *out, const struct report *r)
{
	size_t i;

	fputs("<h2>Uplinks</h2>\n<div class=\"card\"><table>\n<tr><th>uplink</th><th "
	      "class=\"n\">flows</th>"
	      "<th class=\"n\">sent</th><th class=\"n\">received</th><th class=\"n\">mismatched "
	      "flows</th>"
	      "<th class=\"n\">with proof of their way</th></tr>\n",
	      out);
	for (i = 0; i < r->n_series; i++) {
		const struct report_series *s = r->series[i];

		fputs("<tr><td>", out);
		report_escape(out, s->name[0] ? s->name : "no uplink");
		fputs("</td><td class=\"n\">", out);
		report_number(out, s->flows);
		fputs("</td><td class=\"n\">", out);
		report_bytes(out, s->bytes);
		fputs("</td><td class=\"n\">", out);
		report_bytes(out, s->bytes_reply);
		fprintf(out, "</td><td class=\"n%s\">", s->mismatched ? " bad" : "");
		report_number(out, s->mismatched);
		fputs("</td><td class=\"n\">", out);
		share_print(out, s->flows - s->unknown, s->flows);
		fputs("</td></tr>\n", out);
	}
	fputs("</table></div>\n", out);
}

static void line_print(FILE *out, const struct report_line *l)
{
	fputs("<tr><td>", out);
	report_escape(out, l->name);
	fputs("</td><td class=\"n\">", out);
	if (l->is_known)
		report_number(out, l->left);
	else
		fputs("not known", out);
	fputs("</td><td class=\"n\">", out);
	share_print(out, l->left - l->missing, l->left);
	fputs("</td><td class=\"wrap\">", out);
	report_escape(out, l->is_known && !l->left ? "nothing left" : l->why);
	fputs("</td></tr>\n", out);
}

static void lines_print(FILE *out, const struct report *r)
{
	fputs("<h2>How much of what left is in the history</h2>\n", out);
	if (!r->n_lines) {
		fputs("<p class=\"soft\">Nothing was compared in this time.</p>\n", out);
		return;
	}
	fputs("<div class=\"card\"><table>\n<tr><th>uplink</th><th class=\"n\">packets that "
	      "left</th>"
	      "<th class=\"n\">in the history</th><th>packets missing, and why</th></tr>\n",
	      out);
	for (size_t i = 0; i < r->n_lines; i++)
		line_print(out, &r->lines[i]);
	fputs("</table></div>\n", out);
}

/* --- charts ---------------------------------------------------------------------------- */

static int64_t flows_at(const struct report *r, size_t series, size_t step)
{
	return r->series[series]->step_flows[step];
}

static int64_t bytes_at(const struct report *r, size_t series, size_t step)
{
	return r->series[series]->step_bytes[step];
}

static int64_t row_number(const struct report_row *row)
{
	return row->number;
}

static int64_t row_bytes(const struct report_row *row)
{
	return row->bytes + row->bytes_reply;
}

static void charts_print(FILE *out, const struct report *r)
{
	bool is_hour = r->span.step_ms == 3600000;

	report_chart(out, r,
		     is_hour ? "Flows begun in each hour, by uplink"
			     : "Flows begun on each day, by uplink",
		     flows_at, report_number);
	report_chart(out, r,
		     is_hour ? "Bytes of the flows begun in each hour, by uplink"
			     : "Bytes of the flows begun on each day, by uplink",
		     bytes_at, report_bytes);
	fputs("<div class=\"two\">\n", out);
	report_bars(out, "Flows by verdict", r->verdicts, r->n_verdicts, row_number, report_number);
	report_bars(out, "Mismatches by reason", r->reasons, r->n_reasons, row_number,
		    report_number);
	fputs("</div>\n", out);
	report_bars(out, "Sources with the most bytes", r->talkers, r->n_talkers, row_bytes,
		    report_bytes);
}

/* --- lists ------------------------------------------------------------------------------ */

/* Of a time in ISO 8601: seconds are enough here, and the page says that it is UTC. */
static void moment_print(FILE *out, const char *iso)
{
	char text[20];

	snprintf(text, sizeof(text), "%s", iso);
	if (strlen(text) > 10)
		text[10] = ' ';
	report_escape(out, text);
}

static int mismatch_print(void *data, const struct value *v, size_t n)
{
	static const char *const columns[] = {"time",  "flow_id",   "proto",	"src",	  "dst",
					      "dport", "direction", "expected", "egress", "reason"};
	FILE *out = data;

	fputs("<tr>", out);
	for (size_t c = 0; c < sizeof(columns) / sizeof(*columns); c++) {
		size_t i = 0;

		while (i < n && strcmp(v[i].name, columns[c]))
			i++;
		fputs("<td>", out);
		if (i < n && v[i].kind == VALUE_TEXT && c == 0)
			moment_print(out, v[i].text);
		else if (i < n && v[i].kind == VALUE_TEXT)
			report_escape(out, v[i].text);
		else if (i < n && v[i].kind == VALUE_INTEGER)
			fprintf(out, "%" PRId64, v[i].integer);
		fputs("</td>", out);
	}
	fputs("</tr>\n", out);
	return 0;
}

static int mismatches_print(FILE *out, const struct report *r)
{
	struct query_filter f;
	int err;

	query_filter_init(&f);
	f.since_ms = r->span.since_ms;
	f.until_ms = r->span.until_ms;
	f.limit = MISMATCHES_SHOWN;
	fputs("<h2>Newest mismatches</h2>\n", out);
	if (!r->n_reasons) {
		fprintf(out, "<p class=\"soft\">None was seen%s.</p>\n",
			r->unseen_ms ? "; see below when something may have been missed" : "");
		return 0;
	}
	fputs("<div "
	      "class=\"card\"><table>\n<tr><th>time</th><th>flow</th><th>protocol</th><th>source</"
	      "th>"
	      "<th>destination</th><th>port</th><th>direction</th><th>expected</th><th>left by</th>"
	      "<th>reason</th></tr>\n",
	      out);
	err = query_mismatches(r->query, &f, mismatch_print, out);
	fputs("</table></div>\n", out);
	return err;
}

static void gap_print(FILE *out, const struct report_gap *g)
{
	fputs("<tr><td>", out);
	report_time(out, g->started_ms);
	fprintf(out, "</td><td class=\"n\">");
	report_duration(out, g->ended_ms - g->started_ms);
	fprintf(out, "%s</td><td>", g->is_open ? " so far" : "");
	report_escape(out, g->source);
	fputs("</td><td class=\"n\">", out);
	if (g->lost >= 0)
		report_number(out, g->lost);
	fputs("</td><td class=\"wrap\">", out);
	report_escape(out, g->reason);
	fputs("</td></tr>\n", out);
}

static void gaps_print(FILE *out, const struct report *r)
{
	size_t first = r->n_gaps > GAPS_SHOWN ? r->n_gaps - GAPS_SHOWN : 0, i;

	fputs("<h2>When something may have been missed</h2>\n", out);
	if (!r->n_gaps) {
		fputs("<p class=\"soft\">At no time.</p>\n", out);
		return;
	}
	if (first)
		fprintf(out, "<p class=\"soft\">The last %d of %zu.</p>\n", GAPS_SHOWN, r->n_gaps);
	fputs("<div class=\"card\"><table>\n<tr><th>from</th><th "
	      "class=\"n\">for</th><th>source</th>"
	      "<th class=\"n\">lost</th><th>why</th></tr>\n",
	      out);
	for (i = first; i < r->n_gaps; i++)
		gap_print(out, &r->gaps[i]);
	fputs("</table></div>\n", out);
}

int report_print(FILE *out, const struct report *r)
{
	int err;

	head_print(out, r);
	tiles_print(out, r);
	charts_print(out, r);
	uplinks_print(out, r);
	lines_print(out, r);
	err = mismatches_print(out, r);
	gaps_print(out, r);
	fputs("</main></body>\n</html>\n", out);
	return err;
}
