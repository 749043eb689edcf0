/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_timeline.c - draws uplink states, tampering, mismatches and gaps on one time axis, and
 * then writes the events as sentences.
 *
 * A lane is one row of the drawing. It shows the name of its subject, and blocks on the time axis.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/report/report.h"
#include "waymark/base/times.h"

#define WIDTH	     1000
#define HEIGHT	     24
#define WIDTH_LEAST  4 /* minimum width of a block, so that short events are visible */
#define EVENTS_SHOWN 60

static void lane_begin(FILE *out, const char *name)
{
	fputs("<div class=\"lane\"><span class=\"who\">", out);
	report_escape(out, name);
	fprintf(out,
		"</span><svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
		"aria-label=\"",
		WIDTH, HEIGHT);
}

static void lane_end(FILE *out)
{
	fputs("</svg></div>\n", out);
}

static void block_draw(FILE *out, const struct report *r, const char *class, int64_t from_ms,
		       int64_t to_ms)
{
	double x = report_place(r, from_ms), width = report_place(r, to_ms) - x;

	width = width < WIDTH_LEAST ? WIDTH_LEAST : width;
	if (x + width > WIDTH)
		x = WIDTH - width;
	fprintf(out, "<rect class=\"%s\" x=\"%.1f\" width=\"%.1f\" height=\"%d\"/>", class, x,
		width, HEIGHT);
}

/* --- lanes --------------------------------------------------------------------------- */

static const char *state_class(const char *state)
{
	return !strcmp(state, "up") ? "up" : !strcmp(state, "drain") ? "drain" : "down";
}

static bool is_up(const struct report_state *s)
{
	return !strcmp(s->state, "up");
}

static void states_label(FILE *out, const struct report *r, size_t first, size_t end)
{
	int64_t away = 0;
	size_t times = 0;

	for (size_t i = first; i < end; i++) {
		away += is_up(&r->states[i]) ? 0 : r->states[i].ended_ms - r->states[i].started_ms;
		times += !is_up(&r->states[i]);
	}
	report_escape(out, r->states[first].uplink);
	if (!times) {
		fputs(": up for all of the known time\">", out);
		return;
	}
	fputs(": not up ", out);
	report_count(out, (int64_t)times, "time", "times");
	fputs(", for ", out);
	report_duration(out, away);
	fputs(" in all\">", out);
}

/* Draw the states of an uplink. Blocks of the state "up" are drawn first, because they must not
 * cover the other blocks, which are often short. Times without a daemon are drawn last and dim: the
 * state is unknown. */
static void states_draw(FILE *out, const struct report *r, size_t first, size_t end)
{
	block_draw(out, r, "dim", r->span.since_ms, r->span.until_ms);
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = first; i < end; i++)
			if (is_up(&r->states[i]) == !pass)
				block_draw(out, r, state_class(r->states[i].state),
					   r->states[i].started_ms, r->states[i].ended_ms);
	for (size_t i = 0; i < r->n_gaps; i++)
		if (!strcmp(r->gaps[i].source, "daemon"))
			block_draw(out, r, "dim", r->gaps[i].started_ms, r->gaps[i].ended_ms);
}

static void uplinks_draw(FILE *out, const struct report *r)
{
	size_t first = 0, end;

	for (; first < r->n_states; first = end) {
		end = first + 1;
		while (end < r->n_states && !strcmp(r->states[end].uplink, r->states[first].uplink))
			end++;
		lane_begin(out, r->states[first].uplink);
		states_label(out, r, first, end);
		states_draw(out, r, first, end);
		lane_end(out);
	}
}

static void mismatches_draw(FILE *out, const struct report *r)
{
	int64_t most = 1;

	for (size_t i = 0; i < REPORT_BINS; i++)
		most = r->bins[i] > most ? r->bins[i] : most;
	lane_begin(out, "mismatches");
	report_count(out, r->mismatches, "mismatch", "mismatches");
	fputs("\">", out);
	block_draw(out, r, "dim", r->span.since_ms, r->span.until_ms);
	for (size_t i = 0; i < REPORT_BINS; i++) {
		double height = (double)r->bins[i] * (HEIGHT - 6) / (double)most + 6;

		if (r->bins[i])
			fprintf(out,
				"<rect class=\"mis\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
				"height=\"%.1f\"/>",
				(double)i * WIDTH / REPORT_BINS, HEIGHT - height,
				(double)WIDTH / REPORT_BINS, height);
	}
	lane_end(out);
}

static void events_draw(FILE *out, const struct report *r, const char *name,
			enum report_event_kind kind, const char *class, int64_t number)
{
	lane_begin(out, name);
	report_count(out, number, "time", "times");
	fputs("\">", out);
	block_draw(out, r, "dim", r->span.since_ms, r->span.until_ms);
	for (size_t i = 0; i < r->n_events; i++)
		if (r->events[i].kind == kind)
			block_draw(out, r, class, r->events[i].started_ms, r->events[i].ended_ms);
	lane_end(out);
}

/* --- sentences -------------------------------------------------------------------------- */

static void moment_print(FILE *out, const struct report *r, int64_t ms, bool is_end, int64_t since)
{
	char text[TIMES_STRLEN];
	bool has_date = is_end ? !times_is_same_day(ms, since)
			       : !times_is_same_day(r->span.since_ms, r->span.until_ms);

	fputs(times_format(ms, has_date ? TIMES_DATED : TIMES_OF_DAY, text), out);
}

static void kind_print(FILE *out, const struct report_event *e)
{
	static const char *const names[] = {
		[EVENT_TAMPERING] = "Tampering",
		[EVENT_UPLINK] = "Uplink",
		[EVENT_UPLINK_CHANGE] = "Uplink",
		[EVENT_GAP] = "Gap",
	};

	if (e->kind == EVENT_MISMATCH) {
		report_count(out, e->count, "mismatch", "mismatches");
		return;
	}
	if (e->kind == EVENT_ALERT)
		report_escape(out, e->label);
	else
		fputs(names[e->kind], out);
	if (e->count > 1) {
		fputs(", ", out);
		report_count(out, e->count, "time", "times");
	}
}

static void event_print(FILE *out, const struct report *r, const struct report_event *e)
{
	static const char *const classes[] = {
		[EVENT_MISMATCH] = "mis", [EVENT_TAMPERING] = "tamper",
		[EVENT_UPLINK] = "down",  [EVENT_UPLINK_CHANGE] = "drain",
		[EVENT_GAP] = "gap",	  [EVENT_ALERT] = "drain",
	};

	fprintf(out, "<li><i class=\"%s\" aria-hidden=\"true\"></i><span class=\"when\">",
		classes[e->kind]);
	moment_print(out, r, e->started_ms, false, 0);
	if (e->ended_ms - e->started_ms >= 1000) {
		fputs(" to ", out);
		moment_print(out, r, e->ended_ms, true, e->started_ms);
	}
	fputs("</span> <span><b>", out);
	kind_print(out, e);
	fputs(":</b> ", out);
	report_escape(out, e->text);
	fputs("</span></li>\n", out);
}

static void events_print(FILE *out, const struct report *r)
{
	size_t first = r->n_events > EVENTS_SHOWN ? r->n_events - EVENTS_SHOWN : 0;

	if (!r->n_events) {
		fputs("<p class=\"soft\">The history has no event of this time.</p>\n", out);
		return;
	}
	if (first)
		fprintf(out, "<p class=\"soft\">The last %d of %zu events.</p>\n", EVENTS_SHOWN,
			r->n_events);
	fputs("<ol class=\"events\">\n", out);
	for (size_t i = first; i < r->n_events; i++)
		event_print(out, r, &r->events[i]);
	fputs("</ol>\n", out);
}

static void legend_print(FILE *out)
{
	fputs("<p class=\"legend\"><span><i class=\"up\"></i>up</span> <span><i "
	      "class=\"down\"></i>not up</span> <span><i class=\"drain\"></i>drained</span> "
	      "<span><i class=\"dim\"></i>nothing, or unknown</span></p>\n",
	      out);
}

void report_timeline(FILE *out, const struct report *r)
{
	fputs("<section><h2>What happened</h2>\n<figure class=\"story\"><div class=\"lanes\">\n",
	      out);
	uplinks_draw(out, r);
	mismatches_draw(out, r);
	events_draw(out, r, "tampering", EVENT_TAMPERING, "tamper", r->tamperings);
	events_draw(out, r, "gaps", EVENT_GAP, "gap", (int64_t)r->n_gaps);
	fputs("<div class=\"lane\"><span></span>", out);
	report_times(out, r);
	fputs("</div></div>\n", out);
	legend_print(out);
	events_print(out, r);
	fputs("</figure></section>\n", out);
}
