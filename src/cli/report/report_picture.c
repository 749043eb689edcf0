/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_picture.c - draws a picture of the router and its uplinks. The width of a band stands for
 * the number of flows of an uplink. Arrows lead from the expected uplink to the interface that
 * stray packets left by; the width of an arrow stands for the number of mismatches.
 *
 * The picture needs no scripts and no fonts. Long names are condensed, not cut.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/report/report.h"

#define WIDTH	    472
#define ROW	    74
#define TOP	    12
#define ROUTER_LEFT 2
#define ROUTER_W    100
#define BOX_LEFT    158
#define BOX_W	    140
#define BOX_H	    50
#define BOX_RIGHT   (BOX_LEFT + BOX_W)
#define LABEL_LEFT  374
#define LABEL_H	    34
#define FLOWS_LONG  INT64_C(100000) /* the text of this many flows or more is condensed */
/* an arrow's label is condensed if its two names together are longer than this */
#define PATH_CHARS_MAX 10
#define CHARS_MAX      10 /* longer names in boxes are condensed */
#define PLACES_MAX     24
#define STRAYS_MAX     6

struct place {
	const char *name;
	const struct report_series *series; /* NULL: the place is not an uplink, or the uplink has
					     * no flows */
	bool is_uplink;
};

/* An arrow. It stands for the mismatches whose packets left by places[to] instead of
 * places[from]. */
struct stray {
	size_t from, to;
	int64_t number;
};

struct picture {
	struct place places[PLACES_MAX];
	size_t n_places;
	struct stray strays[STRAYS_MAX];
	size_t n_strays;
	int64_t others; /* number of mismatches without an arrow */
};

/* --- places and arrows -------------------------------------------------------------- */

static size_t place_get(struct picture *p, const struct report *r, const char *name, bool is_uplink)
{
	for (size_t i = 0; i < p->n_places; i++)
		if (p->places[i].is_uplink == is_uplink && !strcmp(p->places[i].name, name))
			return i;
	if (p->n_places == PLACES_MAX)
		return PLACES_MAX;
	p->places[p->n_places] =
		(struct place){.name = name,
			       .is_uplink = is_uplink,
			       .series = is_uplink ? report_series_find(r, name) : NULL};
	return p->n_places++;
}

static void stray_add(struct picture *p, const struct report *r, const struct report_cause *c)
{
	size_t from = place_get(p, r, c->expected, true);
	size_t to = c->egress_uplink[0] ? place_get(p, r, c->egress_uplink, true)
					: place_get(p, r, c->egress, false);

	for (size_t i = 0; i < p->n_strays; i++)
		if (p->strays[i].from == from && p->strays[i].to == to) {
			p->strays[i].number += c->number;
			return;
		}
	if (p->n_strays == STRAYS_MAX || from == PLACES_MAX || to == PLACES_MAX || from == to)
		p->others += c->number;
	else
		p->strays[p->n_strays++] =
			(struct stray){.from = from, .to = to, .number = c->number};
}

static void picture_fill(struct picture *p, const struct report *r)
{
	for (size_t i = 0; i < r->n_series; i++)
		if (r->series[i]->name[0])
			place_get(p, r, r->series[i]->name, true);
	for (size_t i = 0; i < r->n_states; i++)
		place_get(p, r, r->states[i].uplink, true);
	for (size_t i = 0; i < r->n_causes; i++)
		stray_add(p, r, &r->causes[i]);
}

/* --- drawing -------------------------------------------------------------------------- */

static double width_of(int64_t number, int64_t most, double least, double widest)
{
	return least + (widest - least) * (double)number / (double)(most > 0 ? most : 1);
}

static int middle_of(size_t place)
{
	return TOP + (int)place * ROW + BOX_H / 2;
}

static int picture_height(const struct picture *p)
{
	size_t rows = p->n_places > 1 ? p->n_places : 1;

	return 2 * TOP + (int)(rows - 1) * ROW + BOX_H + (p->others ? 20 : 0);
}

/* Open a text element. If `is_long` is set, the text is condensed to `width`. */
static void text_open(FILE *out, const char *class, double x, double y, bool is_long, int width)
{
	fprintf(out, "<text class=\"%s\" x=\"%.0f\" y=\"%.0f\"", class, x, y);
	if (is_long)
		fprintf(out, " textLength=\"%d\" lengthAdjust=\"spacingAndGlyphs\"", width);
	fputc('>', out);
}

static void name_draw(FILE *out, const char *name, double x, double y, int width)
{
	text_open(out, "name", x, y, strlen(name) > CHARS_MAX, width);
	report_escape(out, name);
	fputs("</text>", out);
}

static void flows_draw(FILE *out, int64_t flows, int x, int y, int width)
{
	text_open(out, "soft", x, y, flows >= FLOWS_LONG, width);
	report_count(out, flows, "flow", "flows");
	fputs("</text>\n", out);
}

static void band_draw(FILE *out, const struct picture *p, size_t i, int router_y, int64_t most)
{
	int64_t flows = p->places[i].series ? p->places[i].series->flows : 0;
	int x = ROUTER_LEFT + ROUTER_W, y = middle_of(i);

	fprintf(out,
		"<path class=\"band%s\" stroke-width=\"%.1f\" d=\"M%d %d C%d %d %d %d %d %d\"/>",
		p->places[i].is_uplink ? "" : " other", width_of(flows, most, 2, 16), x, router_y,
		x + 40, router_y, BOX_LEFT - 40, y, BOX_LEFT, y);
}

static void box_draw(FILE *out, const struct report *r, const struct picture *p, size_t i)
{
	const struct place *place = &p->places[i];
	int y = middle_of(i) - BOX_H / 2;

	fprintf(out,
		"<rect class=\"box%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"8\"/>",
		place->is_uplink ? "" : " other", BOX_LEFT, y, BOX_W, BOX_H);
	name_draw(out, place->name, BOX_LEFT + 10, y + 21, BOX_W - 68);
	if (!place->is_uplink) {
		text_open(out, "soft", BOX_LEFT + 10, y + 39, false, 0);
		fputs("no uplink</text>\n", out);
		return;
	}
	flows_draw(out, place->series ? place->series->flows : 0, BOX_LEFT + 10, y + 39,
		   BOX_W - 20);
	if (!r->flows || !place->series)
		return;
	text_open(out, "soft share", BOX_RIGHT - 10, y + 21, false, 0);
	report_share(out, place->series->flows, r->flows);
	fputs("</text>\n", out);
}

static void router_draw(FILE *out, const struct report *r, int y)
{
	fprintf(out,
		"<rect class=\"box router\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
		"rx=\"8\"/>",
		ROUTER_LEFT, y - BOX_H / 2, ROUTER_W, BOX_H);
	name_draw(out, "router", ROUTER_LEFT + 10, y - 4, ROUTER_W - 20);
	flows_draw(out, r->flows, ROUTER_LEFT + 10, y + 14, ROUTER_W - 20);
}

/* Draw arrow i. Its index decides at which of three heights it meets the boxes and how far out it
 * bends, so that no arrow hides another one. */
static void stray_draw(FILE *out, const struct picture *p, size_t i, int64_t most)
{
	const struct stray *s = &p->strays[i];
	double width = width_of(s->number, most, 2, 10);
	int spread = (int)(i % 3) * 12 - 12, out_to = BOX_RIGHT + 40 + (int)i * 10;
	int from = middle_of(s->from) + spread - 3, to = middle_of(s->to) + spread + 3;

	fprintf(out,
		"<path class=\"stray\" stroke-width=\"%.1f\" d=\"M%d %d C%d %d %d %d %d %d\"/>"
		"<path class=\"head\" d=\"M%d %d l12 %.1f v%.1f z\"/>\n",
		width, BOX_RIGHT, from, out_to, from, out_to, to, BOX_RIGHT + 10, to, BOX_RIGHT + 1,
		to, -width / 2 - 4, width + 8);
}

/* Write the names in the label of an arrow. If they are long, condense them to the remaining
 * width. */
static void path_draw(FILE *out, const char *from, const char *to, int y)
{
	text_open(out, "soft", LABEL_LEFT, y, strlen(from) + strlen(to) > PATH_CHARS_MAX,
		  WIDTH - LABEL_LEFT - 6);
	report_escape(out, from);
	fputs(" \u2192 ", out);
	report_escape(out, to);
	fputs("</text>\n", out);
}

static void stray_label(FILE *out, const struct picture *p, const struct stray *s, int y)
{
	fprintf(out, "<text class=\"count\" x=\"%d\" y=\"%d\">", LABEL_LEFT, y - 2);
	report_number(out, s->number);
	fputs(" stray</text>", out);
	path_draw(out, p->places[s->from].name, p->places[s->to].name, y + 13);
}

/* Write a label beside each arrow. The labels are sorted by the middle of their arrows, from top to
 * bottom, and each label is below the previous label. Return the y coordinate below the last
 * label. */
static int strays_label(FILE *out, const struct picture *p)
{
	bool is_done[STRAYS_MAX] = {false};
	int below = TOP + 10;

	for (size_t n = 0; n < p->n_strays; n++) {
		size_t next = STRAYS_MAX;
		int y = 0;

		for (size_t i = 0; i < p->n_strays; i++) {
			int middle =
				(middle_of(p->strays[i].from) + middle_of(p->strays[i].to)) / 2;

			if (!is_done[i] && (next == STRAYS_MAX || middle < y)) {
				next = i;
				y = middle;
			}
		}
		is_done[next] = true;
		y = y < below ? below : y;
		stray_label(out, p, &p->strays[next], y);
		below = y + LABEL_H;
	}
	return below;
}

static void strays_draw(FILE *out, const struct picture *p)
{
	int64_t most = 0;

	for (size_t i = 0; i < p->n_strays; i++)
		most = p->strays[i].number > most ? p->strays[i].number : most;
	for (size_t i = 0; i < p->n_strays; i++)
		stray_draw(out, p, i, most);
}

/* Write the description of the picture for users of screen readers. */
static void picture_label(FILE *out, const struct picture *p)
{
	fprintf(out, "The router and the %zu interfaces that its flows leave by.", p->n_places);
	for (size_t i = 0; i < p->n_strays; i++) {
		const struct stray *s = &p->strays[i];

		fputc(' ', out);
		report_count(out, s->number, "mismatch", "mismatches");
		fputs(" from ", out);
		report_escape(out, p->places[s->from].name);
		fputs(" to ", out);
		report_escape(out, p->places[s->to].name);
		fputc('.', out);
	}
}

static void open_print(FILE *out, const struct picture *p, bool is_alone, int height)
{
	fprintf(out, "<svg viewBox=\"0 0 %d %d\" ", WIDTH, height);
	if (is_alone)
		fprintf(out, "xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" ",
			WIDTH * 3 / 2, height * 3 / 2);
	fputs("class=\"picture\" role=\"img\" aria-label=\"", out);
	picture_label(out, p);
	fputs("\">\n", out);
	if (is_alone) {
		fputs("<style>", out);
		report_picture_style(out);
		fputs("</style>\n", out);
	}
}

void report_picture(FILE *out, const struct report *r, bool is_alone)
{
	struct picture p = {0};
	int64_t most = 0;
	int height, labels, router_y;

	picture_fill(&p, r);
	height = picture_height(&p);
	labels = TOP + 10 + (int)p.n_strays * LABEL_H + TOP;
	height = height < labels ? labels : height;
	router_y = TOP + ((int)(p.n_places ? p.n_places - 1 : 0) * ROW + BOX_H) / 2;
	for (size_t i = 0; i < p.n_places; i++)
		if (p.places[i].series && p.places[i].series->flows > most)
			most = p.places[i].series->flows;
	open_print(out, &p, is_alone, height);
	for (size_t i = 0; i < p.n_places; i++)
		band_draw(out, &p, i, router_y, most);
	router_draw(out, r, router_y);
	for (size_t i = 0; i < p.n_places; i++)
		box_draw(out, r, &p, i);
	strays_draw(out, &p);
	strays_label(out, &p);
	if (p.others)
		fprintf(out,
			"<text class=\"soft\" x=\"%d\" y=\"%d\">and %" PRId64
			" mismatches of rarer kinds</text>\n",
			BOX_LEFT, height - 8, p.others);
	fputs("</svg>\n", out);
}
