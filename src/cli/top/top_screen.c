/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top_screen.c - the live view on a terminal: the one place that knows ncurses.
 *
 * It decides how things look, never what they are.
 */
#include <curses.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/top/top.h"

#define LOOK_MS	  1000
#define EARLY_MAX 3

enum colour { COLOUR_GOOD = 1, COLOUR_BAD, COLOUR_DOUBT, COLOUR_HEAD };

/* A place that moves down the screen. */
struct pen {
	int y, bottom; /* the first line that is no more its */
};

/* Other people's names may hold anything. */
static void text_disarm(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			*text = '?';
}

static void line_put(struct pen *p, int attributes, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* One line, cut to the screen, and the next. */
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

/* --- parts ---------------------------------------------------------------------------- */

static void clock_put(void)
{
	time_t now = time(NULL);
	char text[16];
	struct tm tm;

	if (COLS < 80 || !gmtime_r(&now, &tm))
		return;
	strftime(text, sizeof(text), "%H:%M:%S UTC", &tm);
	mvaddstr(0, COLS - (int)strlen(text), text);
}

/* None is good news where all that left is in the history. */
static int mismatches_colour(const struct answer *a)
{
	bool is_covered = a->n_uplinks > 0;

	for (size_t i = 0; i < a->n_uplinks; i++)
		is_covered = is_covered && a->uplinks[i].coverage.is_there &&
			     a->uplinks[i].coverage.share >= 1;
	if (a->mismatches)
		return (int)COLOR_PAIR(COLOUR_BAD);
	return is_covered ? (int)COLOR_PAIR(COLOUR_GOOD) : 0;
}

/* Of rows that were written; of none nothing is known. */
static const char *delay_format(int64_t ms, char buf[24])
{
	snprintf(buf, 24, ms < 0 ? "?" : "%" PRId64, ms);
	return buf;
}

static void answer_put(struct pen *p, const struct answer *a)
{
	char delay[24];

	line_put(p, A_BOLD, "waymark %s, mode %s, %s, up %" PRId64 " d %02d:%02d:%02d",
		 a->version ? a->version : "?", a->mode ? a->mode : "?",
		 a->is_ready ? "ready" : "not ready", a->uptime_s / 86400,
		 (int)(a->uptime_s / 3600 % 24), (int)(a->uptime_s / 60 % 60),
		 (int)(a->uptime_s % 60));
	line_put(p, 0,
		 "flows %" PRId64 " live, %.1f/s   history %" PRId64 " rows, %" PRId64
		 " wait, %s ms behind   alerts %" PRId64 " told, %" PRId64 " failed",
		 a->flows_live, a->flows_per_s, a->store.written, a->store.depth,
		 delay_format(a->store.p99_ms, delay), a->alerts.sent, a->alerts.failed);
	line_put(p, mismatches_colour(a), "mismatches %" PRId64 " seen since the start",
		 a->mismatches);
	if (a->gaps_open)
		line_put(p, (int)COLOR_PAIR(COLOUR_DOUBT),
			 "something may be missed now: %" PRId64 " gaps are open", a->gaps_open);
}

static void daemon_put(struct pen *p, const struct top_data *t)
{
	if (t->has_answer && !t->answer.error)
		answer_put(p, &t->answer);
	else
		line_put(p, (int)(COLOR_PAIR(COLOUR_BAD) | A_BOLD), "%s",
			 t->has_answer ? t->answer.error : t->trouble);
	clock_put();
}

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

/* Below 0: not known. */
static const char *count_format(int64_t count, char buf[24])
{
	snprintf(buf, 24, count < 0 ? "-" : "%" PRId64, count);
	return buf;
}

/* How much of what left is in the history. */
static const char *share_format(const struct answer_uplink *a, char buf[16])
{
	bool is_known = a && a->coverage.is_there && a->coverage.share >= 0;

	snprintf(buf, 16, is_known ? "%.2f %%" : "-", is_known ? a->coverage.share * 100 : 0);
	return buf;
}

static void uplink_put(struct pen *p, const struct top_data *t, size_t i)
{
	const struct uplink_config *u = &t->config->uplinks[i];
	const struct answer_uplink *a = uplink_find(t, u->name);
	const char *state = a && a->state ? a->state : "?";
	bool is_bad = a && (strcmp(state, "up") || a->mismatches);
	char rx[16], tx[16], live[24], mismatches[24], covered[16];

	line_put(p, is_bad ? (int)COLOR_PAIR(COLOUR_BAD) : 0,
		 "%-12.12s %-15.15s %-10.10s %9s %11s %11s %10s %8s", u->name, u->ifname, state,
		 count_format(a ? a->flows_live : -1, live), rate_format(t->rates[i].rx_rate, rx),
		 rate_format(t->rates[i].tx_rate, tx),
		 count_format(a ? a->mismatches : -1, mismatches), share_format(a, covered));
}

static void uplinks_put(struct pen *p, const struct top_data *t)
{
	p->y++;
	line_put(p, (int)COLOR_PAIR(COLOUR_HEAD), "%-12s %-15s %-10s %9s %11s %11s %10s %8s",
		 "UPLINK", "INTERFACE", "STATE", "FLOWS", "IN bit/s", "OUT bit/s", "MISMATCHES",
		 "COVERED");
	for (size_t i = 0; i < t->config->n_uplinks; i++)
		uplink_put(p, t, i);
}

static void rows_put(struct pen *p, const char *title, const struct top_row *rows, size_t n,
		     const char *none, int colour)
{
	p->y++;
	line_put(p, (int)COLOR_PAIR(COLOUR_HEAD), "%s", title);
	if (!n)
		line_put(p, 0, "%s", none);
	for (size_t i = 0; i < n; i++)
		line_put(p, (int)COLOR_PAIR(colour), "%s", rows[i].text);
}

/* What is left of the screen goes to mismatches first, with a third for gaps. */
static void history_put(struct pen *p, const struct top_data *t)
{
	int left = p->bottom - p->y, gaps = (int)t->n_gaps + 2;
	struct pen upper = *p;

	if (t->history_trouble[0]) {
		p->y++;
		line_put(p, (int)COLOR_PAIR(COLOUR_BAD), "%s", t->history_trouble);
		return;
	}
	gaps = gaps < 3 ? 3 : gaps;
	upper.bottom -= gaps < left / 3 ? gaps : left / 3;
	rows_put(&upper,
		 "NEWEST MISMATCHES: time, flow, source, destination, expected, left by, reason",
		 t->mismatches, t->n_mismatches, "none in the history", COLOUR_BAD);
	p->y = upper.y;
	rows_put(p, "NEWEST GAPS: from, to, source, lost, why", t->gaps, t->n_gaps,
		 "none in the history", COLOUR_DOUBT);
}

static void screen_put(const struct top_data *t)
{
	struct pen p = {.y = 0, .bottom = LINES};

	erase();
	daemon_put(&p, t);
	uplinks_put(&p, t);
	history_put(&p, t);
	refresh();
}

/* --- the terminal ---------------------------------------------------------------------- */

static int screen_open(void)
{
	if (!newterm(NULL, stdout, stdin))
		return -ENOTTY;
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	timeout(LOOK_MS);
	if (getenv("NO_COLOR") || start_color() == ERR)
		return 0;
	use_default_colors();
	init_pair(COLOUR_GOOD, COLOR_GREEN, -1);
	init_pair(COLOUR_BAD, COLOR_RED, -1);
	init_pair(COLOUR_DOUBT, COLOR_YELLOW, -1);
	init_pair(COLOUR_HEAD, COLOR_CYAN, -1);
	return 0;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A key, KEY_RESIZE, or ERR after a second. *n_early counts ERRs in a row that came at
 * once: what reads from a terminal that is gone. */
static int key_wait(unsigned *n_early)
{
	int64_t before_ms = monotonic_ms();
	int key = getch();

	if (key == ERR && monotonic_ms() - before_ms < LOOK_MS / 2)
		++*n_early;
	else
		*n_early = 0;
	return key;
}

/* A key or another size shows at once; a second without either looks anew. */
int top_screen_run(struct top_data *t)
{
	int err = screen_open(), key = ERR;
	unsigned n_early = 0;

	if (err)
		return err;
	while (key != 'q' && key != 'Q' && n_early < EARLY_MAX) {
		if (key == ERR)
			top_data_read(t);
		screen_put(t);
		key = key_wait(&n_early);
	}
	endwin();
	return 0;
}
