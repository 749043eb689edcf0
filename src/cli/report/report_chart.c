/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_chart.c - charts of a report as inline SVG, which needs no script: stacked
 * bars over time, with gaps shaded, and bars by name.
 *
 * Colours are the page's, by class; it knows no figure's meaning.
 */
#include <inttypes.h>
#include <time.h>

#include "cli/report/report.h"

/* Of the drawing, in its own units. */
#define WIDTH	900
#define HEIGHT	230
#define LEFT	72
#define RIGHT	8
#define TOP	10
#define BOTTOM	26
#define PLOT_W	(WIDTH - LEFT - RIGHT)
#define PLOT_H	(HEIGHT - TOP - BOTTOM)
#define LABELS	8 /* on the time's axis, at most */
#define LINES	4 /* of the other axis */

#define HOUR_MS 3600000
#define DAY_MS	(24 * HOUR_MS)

/* --- scales -------------------------------------------------------------------------- */

static int64_t step_sum(const struct report *r, report_value_fn *value, size_t step)
{
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < r->n_series; i++)
		sum += value(r, i, step);
	return sum;
}

/* The next of 4, 8, 20, 40, 80, 200 ...: whole numbers at each of the lines. */
static int64_t scale_top(int64_t most)
{
	static const int mantissas[] = {4, 8, 20};
	int64_t power = 1;

	for (; power < INT64_MAX / 200; power *= 10)
		for (size_t i = 0; i < sizeof(mantissas) / sizeof(*mantissas); i++)
			if (mantissas[i] * power >= most)
				return mantissas[i] * power;
	return most;
}

/* Powers of two: the lines are then round in the units of bytes. */
static int64_t scale_top_bytes(int64_t most)
{
	int64_t top = LINES;

	while (top < most && top < INT64_MAX / 2)
		top *= 2;
	return top;
}

static int64_t most_of(const struct report *r, report_value_fn *value)
{
	int64_t most = 1;
	size_t k;

	for (k = 0; k < r->n_steps; k++) {
		int64_t sum = step_sum(r, value, k);

		most = sum > most ? sum : most;
	}
	return most;
}

static double x_of(const struct report *r, int64_t ms)
{
	double span = (double)(r->n_steps) * (double)r->span.step_ms;

	return LEFT + (double)(ms - r->span.since_ms) / span * PLOT_W;
}

static int64_t step_ms(const struct report *r, size_t step)
{
	return r->span.since_ms + (int64_t)step * r->span.step_ms;
}

/* --- parts ----------------------------------------------------------------------------- */

static void lines_draw(FILE *out, int64_t top, report_format_fn *format)
{
	for (int i = 0; i <= LINES; i++) {
		double y = TOP + PLOT_H - (double)PLOT_H * i / LINES;

		fprintf(out,
			"<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
			"<text class=\"axis y\" x=\"%d\" y=\"%.1f\">",
			LEFT, WIDTH - RIGHT, y, y, LEFT - 8, y + 4);
		format(out, top / LINES * i);
		fputs("</text>\n", out);
	}
}

static void time_label(FILE *out, const struct report *r, size_t step)
{
	time_t t = (time_t)(step_ms(r, step) / 1000);
	bool has_days = r->span.until_ms - r->span.since_ms > 2 * DAY_MS;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(text, sizeof(text), has_days ? "%d %b" : "%H:%M", &tm);
	fprintf(out, "<text class=\"axis x\" x=\"%.1f\" y=\"%d\">%s</text>\n",
		x_of(r, step_ms(r, step)), HEIGHT - 8, text);
}

/* At midnights where the days are named, else at every so many steps. */
static void times_draw(FILE *out, const struct report *r)
{
	bool has_days = r->span.until_ms - r->span.since_ms > 2 * DAY_MS;
	size_t per_day = r->span.step_ms < DAY_MS ? (size_t)(DAY_MS / r->span.step_ms) : 1;
	size_t unit = has_days ? per_day : 1, every, first = 0, k;

	every = (r->n_steps / unit + LABELS) / LABELS * unit;
	if (has_days && per_day > 1)
		while (first < r->n_steps && step_ms(r, first) % DAY_MS)
			first++;
	for (k = first; k < r->n_steps; k += every)
		time_label(out, r, k);
}

static void gaps_draw(FILE *out, const struct report *r)
{
	size_t i;

	for (i = 0; i < r->n_gaps; i++) {
		const struct report_gap *g = &r->gaps[i];
		double x = x_of(r, g->started_ms), width = x_of(r, g->ended_ms) - x;

		fprintf(out,
			"<rect class=\"gap\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" "
			"height=\"%d\"><title>",
			x, TOP, width < 1.5 ? 1.5 : width, PLOT_H);
		fputs("not seen for ", out);
		report_duration(out, g->ended_ms - g->started_ms);
		fputs(": ", out);
		report_escape(out, g->reason);
		fputs("</title></rect>\n", out);
	}
}

static void name_print(FILE *out, const struct report_series *s)
{
	report_escape(out, s->name[0] ? s->name : "no uplink");
}

static void bar_draw(FILE *out, const struct report *r, size_t series, size_t step, double y,
		     double height, int64_t value, report_format_fn *format)
{
	double x = x_of(r, step_ms(r, step)), width = x_of(r, step_ms(r, step + 1)) - x;
	double space = width > 6 ? 2 : width * 0.2;

	fprintf(out,
		"<rect class=\"s%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>",
		series % 8, x + space / 2, y, width - space, height);
	name_print(out, r->series[series]);
	fputs(", ", out);
	report_time(out, step_ms(r, step));
	fputs(": ", out);
	format(out, value);
	fputs("</title></rect>\n", out);
}

static void stack_draw(FILE *out, const struct report *r, size_t step, report_value_fn *value,
		       int64_t top, report_format_fn *format)
{
	double y = TOP + PLOT_H;
	size_t i;

	for (i = 0; i < r->n_series; i++) {
		int64_t v = value(r, i, step);
		double height = (double)v / (double)top * PLOT_H;

		if (v <= 0)
			continue;
		y -= height;
		bar_draw(out, r, i, step, y, height, v, format);
	}
}

static void legend_print(FILE *out, const struct report *r)
{
	size_t i;

	fputs("<p class=\"legend\">", out);
	for (i = 0; i < r->n_series; i++) {
		fprintf(out, "<span><i class=\"s%zu\"></i>", i % 8);
		name_print(out, r->series[i]);
		fputs("</span> ", out);
	}
	if (r->n_gaps)
		fputs("<span><i class=\"gap\"></i>something may have been missed</span>", out);
	fputs("</p>\n", out);
}

void report_chart(FILE *out, const struct report *r, const char *title, report_value_fn *value,
		  report_format_fn *format)
{
	int64_t most = most_of(r, value);
	int64_t top = format == report_bytes ? scale_top_bytes(most) : scale_top(most);
	size_t k;

	fprintf(out,
		"<figure><figcaption>%s</figcaption>\n"
		"<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n",
		title, WIDTH, HEIGHT, title);
	lines_draw(out, top, format);
	gaps_draw(out, r);
	for (k = 0; k < r->n_steps; k++)
		stack_draw(out, r, k, value, top, format);
	times_draw(out, r);
	fputs("</svg>\n", out);
	legend_print(out, r);
	fputs("</figure>\n", out);
}

/* --- bars by name ------------------------------------------------------------------------- */

void report_bars(FILE *out, const char *title, const struct report_row *rows, size_t n,
		 int64_t (*value)(const struct report_row *row), report_format_fn *format)
{
	int64_t most = 1;
	size_t i;

	for (i = 0; i < n; i++)
		most = value(&rows[i]) > most ? value(&rows[i]) : most;
	fprintf(out, "<figure><figcaption>%s</figcaption>\n%s", title,
		n ? "<table class=\"bars\">\n" : "<p class=\"soft\">none</p></figure>\n");
	for (i = 0; i < n; i++) {
		fputs("<tr><th>", out);
		report_escape(out, rows[i].name);
		fprintf(out,
			"</th><td><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\">"
			"<rect class=\"s0\" width=\"%.2f\" height=\"10\"/></svg></td><td "
			"class=\"n\">",
			(double)value(&rows[i]) * 100 / (double)most);
		format(out, value(&rows[i]));
		fputs("</td></tr>\n", out);
	}
	if (n)
		fputs("</table></figure>\n", out);
}
