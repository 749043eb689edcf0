/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top_panels.c - draws the panels of the live view: the daemon, uplinks with sparklines of their
 * last minutes, mismatches by cause, talkers, gaps, and the keys.
 *
 * This file decides how data is shown, and never changes the data. Colours show the present state.
 */
#include <curses.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/top/top.h"
#include "waymark/base/times.h"
#include "waymark/base/units.h"

#define NOW_MS	   60000 /* events that are not older than this are shown as current */
#define WIDE	   100	 /* minimum width of a screen that shows names of interfaces */
#define WIDEST	   150	 /* minimum width of a screen that shows several sparklines per uplink */
#define SPARK_TEXT (3 * TOP_PAST + 1)

/* The position at which line_put() prints. line_put() prints on line y, and then increments y. */
struct pen {
	int y, bottom; /* bottom: the first line below the panel */
};

static int colour_of(enum top_colour colour)
{
	return (int)COLOR_PAIR((short)colour);
}

/* Replace control characters and non-ASCII bytes, which the names of other processes can
 * contain. */
static void text_disarm(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			*text = '?';
}

static void line_put(struct pen *p, int attributes, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Print one line, cut to the width of the screen, and move to the next line. */
static void line_put(struct pen *p, int attributes, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (p->y >= p->bottom)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_disarm(text);
	attrset(attributes);
	mvaddnstr(p->y++, 0, text, COLS);
	attrset(0);
}

/* --- the daemon ------------------------------------------------------------------------ */

static void clock_put(const struct top_data *t, const struct top_view *v)
{
	char now[TIMES_STRLEN], text[64];

	times_format(t->now_ms, TIMES_OF_DAY, now);
	snprintf(text, sizeof(text), "%s%s", v->is_frozen ? "FROZEN " : "", now);
	if (COLS >= 80)
		mvaddstr(0, COLS - (int)strlen(text), text);
}

/* Format the p99 of the delay between an event and its row in the history; "?" if no row was
 * written. */
static const char *delay_format(int64_t ms, char buf[24])
{
	snprintf(buf, 24, ms < 0 ? "?" : "%" PRId64, ms);
	return buf;
}

static int64_t last_mismatch_ms(const struct top_data *t)
{
	int64_t last = 0;

	for (size_t i = 0; i < t->n_causes; i++)
		last = t->causes[i].last_ms > last ? t->causes[i].last_ms : last;
	return last;
}

static void mismatches_put(struct pen *p, const struct top_data *t)
{
	int64_t last = last_mismatch_ms(t);
	bool is_now = last && t->now_ms - last < NOW_MS;
	char when[TIMES_STRLEN] = "";

	line_put(p, is_now ? colour_of(COLOUR_BAD) | A_BOLD : 0,
		 "mismatches %" PRId64 " since the start, %" PRId64 " in the last hour%s%s",
		 t->answer.mismatches, t->mismatches, last ? ", the last at " : "",
		 last ? times_format(last, TIMES_OF_DAY, when) : "");
	if (t->answer.gaps_open)
		line_put(p, colour_of(COLOUR_DOUBT),
			 "events or evidence may be missing now: %" PRId64 " gaps are open",
			 t->answer.gaps_open);
}

static void answer_put(struct pen *p, const struct top_data *t)
{
	const struct answer *a = &t->answer;
	char delay[24], up[UNITS_STRLEN];

	line_put(p, A_BOLD, "waymark %s, mode %s, %s, up %s", a->version ? a->version : "?",
		 a->mode ? a->mode : "?", a->is_ready ? "ready" : "not ready",
		 duration_format(a->uptime_s * 1000, up));
	line_put(p, 0,
		 "flows %" PRId64 " live, %.1f/s  history %" PRId64
		 " rows, %s ms behind  alerts %" PRId64 ", %" PRId64 " failed",
		 a->flows_live, a->flows_per_s, a->store.written,
		 delay_format(a->store.p99_ms, delay), a->alerts.sent, a->alerts.failed);
	mismatches_put(p, t);
}

static void daemon_put(struct pen *p, const struct top_data *t, const struct top_view *v)
{
	if (t->has_answer && !t->answer.error)
		answer_put(p, t);
	else
		line_put(p, colour_of(COLOUR_BAD) | A_BOLD, "%s",
			 t->has_answer ? t->answer.error : t->trouble);
	clock_put(t, v);
}

/* --- uplinks ---------------------------------------------------------------------------- */

static const struct answer_uplink *uplink_find(const struct top_data *t, const char *name)
{
	for (size_t i = 0; t->has_answer && i < t->answer.n_uplinks; i++)
		if (t->answer.uplinks[i].name && !strcmp(t->answer.uplinks[i].name, name))
			return &t->answer.uplinks[i];
	return NULL;
}

static const char *rate_format(double rate, char buf[16])
{
	static const char units[] = " kMGT";
	size_t unit = 0;

	for (; rate >= 1000 && unit + 2 < sizeof(units); unit++)
		rate /= 1000;
	snprintf(buf, 16, rate < 0 ? "-" : unit ? "%.1f %c" : "%.0f %c", rate, units[unit]);
	return buf;
}

/* Format a count; "-" if it is negative, which means unknown. */
static const char *count_format(int64_t count, char buf[24])
{
	snprintf(buf, 24, count < 0 ? "-" : "%" PRId64, count);
	return buf;
}

static const char *share_format(double share, bool is_known, char buf[16])
{
	snprintf(buf, 16, is_known && share >= 0 ? "%.1f%%" : "-",
		 (double)(int64_t)(share * 1000) / 10);
	return buf;
}

/* Return the colour of an uplink's row; 0 (no colour) if the daemon does not report the uplink.
 * Red: the uplink is neither up nor drained, or had mismatches within the last NOW_MS. Yellow: the
 * uplink is drained, or its health is silent or degraded. Green: otherwise. */
static int uplink_colour(const struct top_data *t, size_t i, const struct answer_uplink *a)
{
	bool is_hit = t->rates[i].mismatched_ms && t->now_ms - t->rates[i].mismatched_ms < NOW_MS;

	if (!a)
		return 0;
	if (!a->state || (strcmp(a->state, "up") && strcmp(a->state, "drain")) || is_hit)
		return colour_of(COLOUR_BAD);
	if (!strcmp(a->state, "drain") ||
	    (a->health && (!strcmp(a->health, "silent") || !strcmp(a->health, "degraded"))))
		return colour_of(COLOUR_DOUBT);
	return colour_of(COLOUR_GOOD);
}

static int sparks_room(void)
{
	return COLS < WIDE ? COLS - 71 : COLS - 90;
}

/* Return whether the share of answered flows is known for any uplink. */
static bool has_answered(const struct top_data *t)
{
	for (size_t i = 0; t->has_answer && i < t->answer.n_uplinks; i++)
		if (t->answer.uplinks[i].answered_share >= 0)
			return true;
	return false;
}

static int sparks_count(const struct top_data *t)
{
	return COLS < WIDEST ? 1 : has_answered(t) ? 3 : 2;
}

static int spark_width(const struct top_data *t)
{
	int n = sparks_count(t), width = (sparks_room() - (n - 1)) / n;

	return width < 0 ? 0 : width > TOP_PAST ? TOP_PAST : width;
}

static void sparks_put(const struct top_data *t, size_t i, const struct top_view *v, int y, int x)
{
	const struct top_past *const pasts[] = {&t->rates[i].rates, &t->rates[i].flows,
						&t->rates[i].answered};
	char bars[SPARK_TEXT];
	int width = spark_width(t), n = sparks_count(t);

	for (int k = 0; k < n && width > 0; k++)
		mvaddstr(y, x + k * (width + 1),
			 top_spark(pasts[k], (size_t)width, v->is_utf8, bars, sizeof(bars)));
}

static void uplink_put(struct pen *p, const struct top_data *t, const struct top_view *v, size_t i)
{
	const struct uplink_config *u = &t->config->uplinks[i];
	const struct answer_uplink *a = uplink_find(t, u->name);
	char rx[16], tx[16], live[24], mismatches[24], covered[16], answered[16], ifname[24] = "";
	int y = p->y, colour = uplink_colour(t, i, a);

	if (COLS >= WIDE)
		snprintf(ifname, sizeof(ifname), "%-15.15s ", u->ifname);
	line_put(p, colour, "%-10.10s %s%-10.10s %6s %8s %8s %6s %7s %7s ", u->name, ifname,
		 a && a->state ? a->state : "?", count_format(a ? a->flows_live : -1, live),
		 rate_format(t->rates[i].rx_rate, rx), rate_format(t->rates[i].tx_rate, tx),
		 share_format(a ? a->answered_share : -1, a != NULL, answered),
		 count_format(a ? a->mismatches : -1, mismatches),
		 share_format(a ? a->coverage.share : -1, a && a->coverage.is_there, covered));
	if (p->y > y)
		sparks_put(t, i, v, y, COLS < WIDE ? 71 : 87);
}

/* Print the name of each sparkline above the right end of the sparkline. */
static void sparks_head_put(const struct top_data *t, int y, int x)
{
	static const char *const names[] = {"RATE", "FLOWS", "ANSWERED"};
	int width = spark_width(t);

	attrset(colour_of(COLOUR_HEAD));
	for (int k = 0; k < sparks_count(t) && width >= 5; k++)
		mvaddstr(y, x + k * (width + 1) + width - (int)strlen(names[k]), names[k]);
	attrset(0);
}

static void uplinks_put(struct pen *p, const struct top_data *t, const struct top_view *v)
{
	char ifname[24] = "";
	int y = ++p->y, x = COLS < WIDE ? 71 : 87;

	if (COLS >= WIDE)
		snprintf(ifname, sizeof(ifname), "%-15s ", "INTERFACE");
	line_put(p, colour_of(COLOUR_HEAD), "%-10s %s%-10s %6s %8s %8s %6s %7s %7s", "UPLINK",
		 ifname, "STATE", "FLOWS", "IN b/s", "OUT b/s", "ANSW", "MISM", "COVERED");
	if (p->y > y)
		sparks_head_put(t, y, x);
	for (size_t i = 0; i < t->config->n_uplinks; i++)
		uplink_put(p, t, v, i);
}

/* --- lists -------------------------------------------------------------------------------- */

static bool is_wanted(const struct top_data *t, const char *text)
{
	return !t->filter[0] || strstr(text, t->filter);
}

static void cause_put(struct pen *p, const struct top_data *t, const struct top_view *v, size_t i)
{
	const struct top_cause *c = &t->causes[i];
	char last[TIMES_STRLEN], first[TIMES_STRLEN], text[3 * TOP_TEXT], packets[24];
	bool is_now = t->now_ms - c->last_ms < NOW_MS;

	times_format(c->last_ms, TIMES_OF_DAY, last);
	times_format(c->first_ms, TIMES_OF_DAY, first);
	snprintf(text, sizeof(text), "%6" PRId64 " %-15.15s %-16s %.8s %.8s %5" PRId64 " %8s  %s",
		 c->number, c->path, c->reason, first, last, c->hosts,
		 count_format(c->packets ? c->packets : -1, packets), COLS < WIDE ? "" : c->flow);
	if (is_wanted(t, text))
		line_put(p,
			 (is_now ? colour_of(COLOUR_BAD) : 0) | (i == v->selected ? A_REVERSE : 0),
			 "%-*s", COLS, text);
}

static void causes_put(struct pen *p, const struct top_data *t, const struct top_view *v)
{
	p->y++;
	line_put(p, colour_of(COLOUR_HEAD), "%6s %-15s %-16s %-8s %-8s %5s %8s  %s", "MISM",
		 "EXPECTED>EGRESS", "REASON", "FIRST", "LAST", "HOSTS", "PACKETS",
		 COLS < WIDE ? "" : "EXAMPLE (last hour)");
	if (!t->n_causes)
		line_put(p, 0, "no mismatch in the last hour");
	for (size_t i = 0; i < t->n_causes; i++)
		cause_put(p, t, v, i);
}

static void talkers_put(struct pen *p, const struct top_data *t)
{
	p->y++;
	line_put(p, colour_of(COLOUR_HEAD), "%-40s %10s %10s %8s  %s", "TALKER", "SENT", "RECEIVED",
		 "FLOWS", COLS < WIDE ? "" : "(ended in this or the previous hour)");
	if (!t->n_talkers)
		line_put(p, 0, "no flow ended in this or the previous hour");
	for (size_t i = 0; i < t->n_talkers; i++) {
		const struct top_talker *k = &t->talkers[i];
		char sent[UNITS_STRLEN], received[UNITS_STRLEN];

		if (is_wanted(t, k->host))
			line_put(p, 0, "%-40.40s %10s %10s %8" PRId64, k->host,
				 size_format(k->sent, sent), size_format(k->received, received),
				 k->flows);
	}
}

static void gaps_put(struct pen *p, const struct top_data *t)
{
	p->y++;
	line_put(p, colour_of(COLOUR_HEAD), "%-15s %-9s %-8s %6s  %s", "NEWEST GAPS", "FOR",
		 "SOURCE", "LOST", "REASON");
	if (!t->n_gaps)
		line_put(p, 0, "none in the history");
	for (size_t i = 0; i < t->n_gaps; i++)
		if (is_wanted(t, t->gaps[i].text))
			line_put(p, 0, "%s", t->gaps[i].text);
}

/* Print the newest mismatches if the other panels leave room. */
static void newest_put(struct pen *p, const struct top_data *t)
{
	if (!t->n_mismatched || p->bottom - p->y < 4)
		return;
	p->y++;
	line_put(p, colour_of(COLOUR_HEAD), "%-15s %-15s %-16s %8s  %s", "NEWEST MISMATCH",
		 "EXPECTED>EGRESS", "REASON", "FLOW", "SOURCE AND DESTINATION");
	for (size_t i = 0; i < t->n_mismatched; i++)
		if (is_wanted(t, t->mismatched[i].text))
			line_put(p, 0, "%s", t->mismatched[i].text);
}

/* Print the mismatches by cause, the talkers, the gaps and the newest mismatches. Some lines are
 * reserved for talkers and gaps, so that long lists of mismatches do not hide them. */
static void history_put(struct pen *p, const struct top_data *t, const struct top_view *v)
{
	int left = p->bottom - p->y, gaps = (int)t->n_gaps + 2, talkers = (int)t->n_talkers + 2;
	struct pen part = *p;

	if (t->history_trouble[0]) {
		p->y++;
		line_put(p, colour_of(COLOUR_BAD), "%s", t->history_trouble);
		return;
	}
	gaps = gaps < left / 4 ? gaps : left / 4;
	gaps = gaps < 3 ? 3 : gaps;
	talkers = talkers < left / 3 ? talkers : left / 3;
	talkers = talkers < 3 ? 3 : talkers;
	part.bottom = p->bottom - gaps - talkers;
	causes_put(&part, t, v);
	part.bottom = p->bottom - gaps;
	talkers_put(&part, t);
	part.bottom = p->bottom;
	gaps_put(&part, t);
	newest_put(&part, t);
}

/* --- keys ----------------------------------------------------------------------------------- */

static void help_put(struct pen *p)
{
	static const char *const lines[] = {
		"",
		"q          quit",
		"?          this help",
		"Space      freeze the screen, and resume",
		"s          sort the mismatches by number or by the last time",
		"/          show only rows that contain a text (Enter: done, Escape: clear)",
		"Up, Down   select a cause",
		"Enter      explain one flow of the selected cause",
		"",
		"Red: the uplink is not up, or mismatches came in the last minute.",
		"Yellow: the uplink is drained, degraded or silent.",
		"ANSW: share of the flows of the last one to two minutes that got a reply.",
		"MISM: mismatches since the daemon started (by cause: in the last hour).",
		"PACKETS: stray packets that were counted; - if only a label shows",
		"the mismatch.",
		"COVERED: share of the sent packets that are in the history.",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		line_put(p, 0, "%s", lines[i]);
}

static void keys_put(const struct top_data *t, const struct top_view *v)
{
	struct pen p = {.y = LINES - 1, .bottom = LINES};

	if (v->is_typing)
		line_put(&p, A_REVERSE, "filter: %s_  (Enter: done, Escape: clear)", t->filter);
	else
		line_put(
			&p, A_REVERSE,
			"q quit  ? help  Space %s  s sort: %s  / filter%s%s  arrows, Enter explain",
			v->is_frozen ? "resume" : "freeze",
			t->sort == TOP_BY_TIME ? "last" : "number", t->filter[0] ? ": " : "",
			t->filter);
}

void top_panels_put(const struct top_data *t, const struct top_view *v)
{
	struct pen p = {.y = 0, .bottom = LINES > 4 ? LINES - 1 : LINES};

	erase();
	daemon_put(&p, t, v);
	if (v->has_help) {
		help_put(&p);
	} else {
		uplinks_put(&p, t, v);
		history_put(&p, t, v);
	}
	if (LINES > 4)
		keys_put(t, v);
	refresh();
}
