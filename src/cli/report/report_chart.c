/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_chart.c - draws the charts of a report as inline SVG without scripts. A chart has either
 * stacked bars over time, with shaded gaps, or one bar per name. Labels are HTML beside the
 * drawing, so that they stay readable on narrow screens.
 *
 * The style sheet of the page sets the colours by class. Must not know what a number means.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/report/report.h"

/* The size of a drawing in SVG units. The page stretches drawings, but not their labels. */
#define WIDTH	1000
#define HEIGHT	200
#define LABELS	8 /* maximum number of labels on the time axis */
#define LINES	4 /* grid lines of the value axis */

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

/* Return the end of an axis with values up to `most`: the smallest of 4, 8, 12, 16, 20, 24, 32, 40,
 * 80, ... that is not less than `most`. All are multiples of LINES, so each grid line is at an
 * integer. */
static int64_t scale_top(int64_t most)
{
	static const int mantissas[] = {4, 8, 12, 16, 20, 24, 32};
	int64_t power = 1;

	for (; power < INT64_MAX / 200; power *= 10)
		for (size_t i = 0; i < sizeof(mantissas) / sizeof(*mantissas); i++)
			if (mantissas[i] * power >= most)
				return mantissas[i] * power;
	return most;
}

/* Return the end of an axis with numbers of bytes up to `most`: the smallest power of two that is
 * not less than `most`. Grid lines are then at round numbers of bytes. */
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

	for (size_t k = 0; k < r->n_steps; k++) {
		int64_t sum = step_sum(r, value, k);

		most = sum > most ? sum : most;
	}
	return most;
}

double report_place(const struct report *r, int64_t ms)
{
	double span = (double)(r->span.until_ms - r->span.since_ms);

	return (double)(ms - r->span.since_ms) / span * WIDTH;
}

static int64_t step_ms(const struct report *r, size_t step)
{
	int64_t ms = r->span.since_ms + (int64_t)step * r->span.step_ms;

	return ms < r->span.until_ms ? ms : r->span.until_ms;
}

/* --- parts ----------------------------------------------------------------------------- */

static void time_label(FILE *out, const struct report *r, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	bool has_days = r->span.until_ms - r->span.since_ms > 2 * DAY_MS;
	char text[32] = "";
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(text, sizeof(text), has_days ? "%d %b" : "%H:%M", &tm);
	fprintf(out, "<span style=\"left:%.2f%%\">%s</span>", report_place(r, ms) / 10, text);
}

/* Return the time between two labels of the time axis in ms: a round number of minutes, hours or
 * days. */
static int64_t label_ms(int64_t span)
{
	static const int64_t minutes[] = {1,   5,   10,	  15,	30,   60,   120,   180,	  240,
					  360, 720, 1440, 2880, 4320, 7200, 10080, 20160, 43200};
	size_t i = 0;

	while (i + 1 < sizeof(minutes) / sizeof(*minutes) && minutes[i] * 60000 * LABELS < span)
		i++;
	return minutes[i] * 60000;
}

void report_times(FILE *out, const struct report *r)
{
	int64_t span = r->span.until_ms - r->span.since_ms, every = label_ms(span), ms;
	/* A label begins at its time and extends to the right. Leave room for the last label. */
	int64_t room = span / 100 * (span > 2 * DAY_MS ? 13 : 11);

	fputs("<div class=\"ticks\" aria-hidden=\"true\">", out);
	ms = report_floor(r->span.since_ms, every < DAY_MS ? every : DAY_MS);
	for (; ms < r->span.until_ms - room; ms += every)
		if (ms >= r->span.since_ms)
			time_label(out, r, ms);
	fputs("</div>\n", out);
}

static void scale_print(FILE *out, int64_t top, report_format_fn *format)
{
	fputs("<div class=\"scale\" aria-hidden=\"true\">", out);
	for (int i = LINES; i >= 0; i--) {
		fputs("<span>", out);
		format(out, top / LINES * i);
		fputs("</span>", out);
	}
	fputs("</div>\n", out);
}

static void grid_draw(FILE *out)
{
	for (int i = 0; i <= LINES; i++)
		fprintf(out, "<line class=\"grid\" x1=\"0\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>", WIDTH,
			HEIGHT * i / LINES, HEIGHT * i / LINES);
}

static void gaps_draw(FILE *out, const struct report *r)
{
	for (size_t i = 0; i < r->n_gaps; i++) {
		const struct report_gap *g = &r->gaps[i];
		double x = report_place(r, g->started_ms), width = report_place(r, g->ended_ms) - x;

		fprintf(out,
			"<rect class=\"gap\" x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"%d\"/>", x,
			width < 2 ? 2 : width, HEIGHT);
	}
}

static void name_print(FILE *out, const struct report_series *s)
{
	report_escape(out, s->name[0] ? s->name : "no uplink");
}

static void bar_draw(FILE *out, const struct report *r, size_t series, size_t step, double y,
		     double height, int64_t value, report_format_fn *format)
{
	double x = report_place(r, step_ms(r, step));
	double width = report_place(r, step_ms(r, step + 1)) - x;
	double space = width > 8 ? 3 : width * 0.2;

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
	double y = HEIGHT;

	for (size_t i = 0; i < r->n_series; i++) {
		int64_t v = value(r, i, step);
		double height = (double)v / (double)top * HEIGHT;

		if (v <= 0)
			continue;
		y -= height;
		bar_draw(out, r, i, step, y, height, v, format);
	}
}

static int64_t series_peak(const struct report *r, report_value_fn *value, size_t series)
{
	int64_t most = 0;

	for (size_t k = 0; k < r->n_steps; k++)
		most = value(r, series, k) > most ? value(r, series, k) : most;
	return most;
}

/* Write the legend, which also describes the chart to users of screen readers. */
static void legend_print(FILE *out, const struct report *r, report_value_fn *value,
			 report_format_fn *format)
{
	fputs("<p class=\"legend\">", out);
	for (size_t i = 0; i < r->n_series; i++) {
		int64_t peak = series_peak(r, value, i);

		if (!peak)
			continue;
		fprintf(out, "<span><i class=\"s%zu\"></i>", i % 8);
		name_print(out, r->series[i]);
		fputs(", at most ", out);
		format(out, peak);
		fputs("</span> ", out);
	}
	if (r->n_gaps)
		fputs("<span><i class=\"gap\"></i>events or evidence may have been missed</span>",
		      out);
	fputs("</p>\n", out);
}

static int64_t top_of(int64_t most, report_format_fn *format)
{
	return format == report_bytes ? scale_top_bytes(most) : scale_top(most);
}

void report_chart(FILE *out, const struct report *r, const char *title, report_value_fn *value,
		  report_format_fn *format)
{
	int64_t top = top_of(most_of(r, value), format);

	fprintf(out, "<figure><figcaption>%s</figcaption>\n<div class=\"plot\">\n", title);
	scale_print(out, top, format);
	fprintf(out,
		"<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
		"aria-label=\"%s\">\n",
		WIDTH, HEIGHT, title);
	grid_draw(out);
	gaps_draw(out, r);
	for (size_t k = 0; k < r->n_steps; k++)
		stack_draw(out, r, k, value, top, format);
	fputs("</svg>\n<span></span>", out);
	report_times(out, r);
	fputs("</div>\n", out);
	legend_print(out, r, value, format);
	fputs("</figure>\n", out);
}

/* --- bars by name ------------------------------------------------------------------------- */

static void named_bar(FILE *out, const struct report_row *row, int64_t value, int64_t most,
		      report_format_fn *format)
{
	fputs("<tr><th scope=\"row\">", out);
	report_escape(out, row->name);
	fprintf(out,
		"</th><td><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" "
		"aria-hidden=\"true\"><rect class=\"s0\" width=\"%.2f\" height=\"10\"/></svg></td>"
		"<td class=\"n\">",
		(double)value * 100 / (double)most);
	format(out, value);
	fputs("</td></tr>\n", out);
}

void report_bars(FILE *out, const char *title, const struct report_row *rows, size_t n,
		 int64_t (*value)(const struct report_row *row), report_format_fn *format)
{
	int64_t most = 1;

	for (size_t i = 0; i < n; i++)
		most = value(&rows[i]) > most ? value(&rows[i]) : most;
	fprintf(out, "<figure><figcaption>%s</figcaption>\n%s", title,
		n ? "<table class=\"bars\">\n" : "<p class=\"soft\">none</p></figure>\n");
	for (size_t i = 0; i < n; i++)
		named_bar(out, &rows[i], value(&rows[i]), most, format);
	if (n)
		fputs("</table></figure>\n", out);
}
