/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_tables.c - writes the tables of a report: causes, uplinks, talkers, coverage, gaps, the
 * newest mismatches.
 *
 * On narrow screens, the CSS shows the label of the column beside each cell, so each cell has the
 * label as an attribute. There the CSS also changes the `display` property of table elements, which
 * removes their implicit ARIA roles. Therefore the elements have explicit roles.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/filter.h"
#include "cli/history.h"
#include "cli/report/report.h"
#include "waymark/base/times.h"

#define MISMATCHES_SHOWN 20
#define GAPS_SHOWN	 50
#define COUNT(list)	 (sizeof(list) / sizeof((list)[0]))

/* --- parts of any table --------------------------------------------------------------- */

static void table_begin(FILE *out, const char *caption, const struct report_column *columns,
			size_t n)
{
	fputs("<div class=\"card\"><table role=\"table\">\n", out);
	if (caption)
		fprintf(out, "<caption>%s</caption>\n", caption);
	fputs("<thead><tr role=\"row\">", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "<th role=\"columnheader\" scope=\"col\" class=\"%s\">%s</th>",
			columns[i].class, columns[i].label);
	fputs("</tr></thead>\n<tbody>\n", out);
}

static void table_end(FILE *out)
{
	fputs("</tbody></table></div>\n", out);
}

static void cell_begin(FILE *out, const struct report_column *column, const char *class)
{
	fprintf(out, "<td role=\"cell\" data-label=\"%s\" class=\"%s%s%s\"><div>", column->label,
		column->class, class ? " " : "", class ? class : "");
}

static void cell_end(FILE *out)
{
	fputs("</div></td>", out);
}

static void row_begin(FILE *out)
{
	fputs("<tr role=\"row\">", out);
}

static void row_end(FILE *out)
{
	fputs("</tr>\n", out);
}

static void text_cell(FILE *out, const struct report_column *column, const char *text)
{
	cell_begin(out, column, NULL);
	report_escape(out, text);
	cell_end(out);
}

/* Write a cell with a number. `class` is an additional CSS class, or NULL. */
static void number_cell(FILE *out, const struct report_column *column, int64_t number,
			report_format_fn *format, const char *class)
{
	cell_begin(out, column, class);
	format(out, number);
	cell_end(out);
}

static void share_cell(FILE *out, const struct report_column *column, int64_t part, int64_t whole)
{
	cell_begin(out, column, NULL);
	report_share(out, part, whole);
	cell_end(out);
}

/* --- causes ------------------------------------------------------------------------------ */

static void cause_row(FILE *out, const struct report_column *c, const struct report_cause *m)
{
	char egress[REPORT_LONG_TEXT];

	row_begin(out);
	number_cell(out, c++, m->number, report_number, "bad");
	text_cell(out, c++, m->expected);
	text_cell(out, c++, report_egress(egress, m->egress_uplink, m->egress));
	cell_begin(out, c++, NULL);
	report_escape(out, m->reason[0] ? m->reason : "unexplained");
	fputs("<br/><span class=\"soft\">", out);
	report_escape(out, report_reason_text(m->reason));
	fputs("</span>", out);
	cell_end(out);
	number_cell(out, c++, m->first_ms, report_clock, NULL);
	number_cell(out, c++, m->last_ms, report_clock, NULL);
	number_cell(out, c++, m->hosts, report_number, NULL);
	cell_begin(out, c, NULL);
	report_escape(out, m->example);
	fprintf(out, "<br/><span class=\"soft\">%s direction", m->direction);
	if (m->flow_id)
		fprintf(out, "; waymark explain %" PRId64, m->flow_id);
	fputs("</span>", out);
	cell_end(out);
	row_end(out);
}

void report_causes(FILE *out, const struct report *r)
{
	static const struct report_column columns[] = {
		{"mismatches", "n"}, {"expected", ""}, {"left by", ""}, {"reason", ""},
		{"first", "d"},	     {"last", "d"},    {"hosts", "n"},	{"example", "w"}};

	fputs("<h2>Mismatches by cause</h2>\n", out);
	if (!r->n_causes) {
		fprintf(out, "<p class=\"soft\">None was seen%s.</p>\n",
			r->unseen_ms ? ", but the gaps below may hide some" : "");
		return;
	}
	table_begin(out, NULL, columns, COUNT(columns));
	for (size_t i = 0; i < r->n_causes; i++)
		cause_row(out, columns, &r->causes[i]);
	table_end(out);
}

/* --- uplinks ------------------------------------------------------------------------------ */

/* Return the lowest tier, or 0 if no tier is known. New flows are balanced over the uplinks of the
 * lowest tier. */
static int tier_first(const struct report *r)
{
	int tier = 0;

	for (size_t i = 0; i < r->n_series; i++)
		if (r->series[i]->tier && (!tier || r->series[i]->tier < tier))
			tier = r->series[i]->tier;
	return tier;
}

static int64_t weights_sum(const struct report *r)
{
	int64_t sum = 0;

	for (size_t i = 0; i < r->n_series; i++)
		if (r->series[i]->weight > 0 && r->series[i]->tier == tier_first(r))
			sum += r->series[i]->weight;
	return sum;
}

static void uplink_name_cell(FILE *out, const struct report *r, const struct report_column *c,
			     const struct report_series *s)
{
	cell_begin(out, c, NULL);
	report_escape(out, s->name[0] ? s->name : "no uplink");
	if (s->tier > tier_first(r))
		fprintf(out, " <span class=\"soft\">backup, tier %d</span>", s->tier);
	cell_end(out);
}

static void uplink_row(FILE *out, const struct report *r, const struct report_column *c,
		       const struct report_series *s)
{
	int64_t unanswered = s->started > s->answered ? s->started - s->answered : 0;

	row_begin(out);
	uplink_name_cell(out, r, c++, s);
	number_cell(out, c++, s->flows, report_number, NULL);
	share_cell(out, c++, s->flows, s->name[0] ? r->flows : 0);
	share_cell(out, c++, s->weight,
		   s->weight < 0 || s->tier > tier_first(r) ? 0 : weights_sum(r));
	number_cell(out, c++, s->bytes, report_bytes, NULL);
	number_cell(out, c++, s->bytes_reply, report_bytes, NULL);
	number_cell(out, c++, s->mismatched, report_number, s->mismatched ? "bad" : NULL);
	share_cell(out, c++, unanswered, s->started);
	share_cell(out, c, s->flows - s->unknown, s->flows);
	row_end(out);
}

void report_uplinks(FILE *out, const struct report *r)
{
	static const struct report_column columns[] = {{"uplink", ""},
						       {"flows", "n"},
						       {"share of flows", "n"},
						       {"share by weight", "n"},
						       {"original", "n"},
						       {"reply", "n"},
						       {"mismatched flows", "n"},
						       {"unanswered", "n"},
						       {"with evidence", "n"}};

	fputs("<h2>Uplinks</h2>\n", out);
	table_begin(out, NULL, columns, COUNT(columns));
	for (size_t i = 0; i < r->n_series; i++)
		uplink_row(out, r, columns, r->series[i]);
	table_end(out);
	fputs("<p class=\"soft\">original, reply: bytes of the flows that started in this time, by "
	      "direction; unanswered: share of the flows from inside that got no reply; with "
	      "evidence: share of the flows whose egress was seen.</p>\n",
	      out);
}

/* --- talkers ------------------------------------------------------------------------------- */

void report_talkers(FILE *out, const struct report *r)
{
	static const struct report_column columns[] = {{"source", ""},
						       {"bytes", "n"},
						       {"flows", "n"},
						       {"destinations with the most bytes", "w"}};

	fputs("<h2>Sources with the most bytes</h2>\n", out);
	if (!r->n_talkers) {
		fputs("<p class=\"soft\">No flow started in this time.</p>\n", out);
		return;
	}
	table_begin(out, NULL, columns, COUNT(columns));
	for (size_t i = 0; i < r->n_talkers; i++) {
		const struct report_row *row = &r->talkers[i];

		row_begin(out);
		text_cell(out, &columns[0], row->name);
		number_cell(out, &columns[1], row->bytes + row->bytes_reply, report_bytes, NULL);
		number_cell(out, &columns[2], row->number, report_number, NULL);
		text_cell(out, &columns[3], row->detail);
		row_end(out);
	}
	table_end(out);
}

/* --- coverage -------------------------------------------------------------------------------- */

static void line_row(FILE *out, const struct report_column *c, const struct report_line *l)
{
	row_begin(out);
	text_cell(out, c++, l->name);
	cell_begin(out, c++, NULL);
	if (l->is_known)
		report_number(out, l->left);
	else
		fputs("unknown", out);
	cell_end(out);
	share_cell(out, c++, l->left - l->missing, l->left);
	text_cell(out, c, l->is_known && !l->left ? "nothing sent" : l->why);
	row_end(out);
}

void report_lines(FILE *out, const struct report *r)
{
	static const struct report_column columns[] = {{"uplink", ""},
						       {"packets that left", "n"},
						       {"in the history", "n"},
						       {"packets missing, by cause", "w"}};

	fputs("<h2>Coverage: how much of the sent traffic is in the history</h2>\n", out);
	if (!r->n_lines) {
		fputs("<p class=\"soft\">No traffic was compared with the history in this "
		      "time.</p>\n",
		      out);
		return;
	}
	table_begin(out, NULL, columns, COUNT(columns));
	for (size_t i = 0; i < r->n_lines; i++)
		line_row(out, columns, &r->lines[i]);
	table_end(out);
	fputs("<p class=\"soft\">untracked: packets without a conntrack entry; rules_missing: sent "
	      "while the rules were missing; offloaded: skipped the rules; predating: of flows "
	      "that started before the rules; gap: of flows in a gap; uncounted: of flows without "
	      "counters; other: ICMP errors, and packets that are counted later.</p>\n",
	      out);
}

/* --- gaps ------------------------------------------------------------------------------------- */

static void gap_row(FILE *out, const struct report_column *c, const struct report_gap *g)
{
	row_begin(out);
	number_cell(out, c++, g->started_ms, report_clock, NULL);
	cell_begin(out, c++, NULL);
	report_duration(out, g->ended_ms - g->started_ms);
	fputs(g->is_open ? " so far" : "", out);
	cell_end(out);
	text_cell(out, c++, g->source);
	cell_begin(out, c++, NULL);
	if (g->lost >= 0)
		report_number(out, g->lost);
	cell_end(out);
	text_cell(out, c, g->reason);
	row_end(out);
}

void report_gaps(FILE *out, const struct report *r)
{
	static const struct report_column columns[] = {
		{"from", ""}, {"for", "n"}, {"source", ""}, {"lost", "n"}, {"reason", "w"}};
	size_t first = r->n_gaps > GAPS_SHOWN ? r->n_gaps - GAPS_SHOWN : 0;

	fputs("<h2>Gaps: when events or evidence may have been missed</h2>\n", out);
	if (!r->n_gaps) {
		fputs("<p class=\"soft\">At no time.</p>\n", out);
		return;
	}
	if (first)
		fprintf(out, "<p class=\"soft\">The last %d of %zu.</p>\n", GAPS_SHOWN, r->n_gaps);
	table_begin(out, NULL, columns, COUNT(columns));
	for (size_t i = first; i < r->n_gaps; i++)
		gap_row(out, columns, &r->gaps[i]);
	table_end(out);
}

/* --- the newest mismatches ---------------------------------------------------------------- */

static const struct report_column newest_columns[] = {
	{"time", "t"},	   {"flow", "n"},    {"source and destination", "w"},
	{"direction", ""}, {"expected", ""}, {"left by", ""},
	{"reason", ""}};

struct newest {
	FILE *out;
	const struct report *r;
};

static int newest_row(void *data, const struct value *v, size_t n)
{
	static const char *const names[] = {"direction", "expected", "egress", "reason"};
	const struct newest *to = data;
	FILE *out = to->out;
	char flow[REPORT_LONG_TEXT], egress[REPORT_LONG_TEXT];

	row_begin(out);
	number_cell(out, &newest_columns[0], value_number(v, n, "time_ms", 0), report_clock, NULL);
	cell_begin(out, &newest_columns[1], NULL);
	fprintf(out, "%" PRId64, value_number(v, n, "flow_id", 0));
	cell_end(out);
	brief_format_flow(flow, sizeof(flow), v, n);
	text_cell(out, &newest_columns[2], flow);
	for (size_t i = 0; i < COUNT(names); i++) {
		const char *text = value_text(v, n, names[i]);

		if (text && !strcmp(names[i], "egress"))
			text = report_egress(egress, report_egress_uplink(to->r, text), text);
		text_cell(out, &newest_columns[3 + i], text ? text : "");
	}
	row_end(out);
	return 0;
}

int report_newest(FILE *out, const struct report *r)
{
	struct newest to = {.out = out, .r = r};
	struct query_filter f;
	int err;

	if (!r->mismatches)
		return 0;
	query_filter_init(&f);
	f.since_ms = r->span.since_ms;
	f.until_ms = r->span.until_ms;
	f.limit = MISMATCHES_SHOWN;
	fputs("<h2>Newest mismatches</h2>\n", out);
	table_begin(out, NULL, newest_columns, COUNT(newest_columns));
	err = query_mismatches(r->query, &f, newest_row, &to);
	table_end(out);
	return err;
}
