/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top_screen.c - handles the terminal and the keys of the live view.
 */
#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cli/top/top.h"

#include "waymark/base/clock.h"

#define LOOK_MS	  1000
#define EARLY_MAX 3 /* after so many early returns of getch(), the terminal counts as closed */

/* Return whether the terminal can move the cursor and clear the screen. A dumb terminal cannot. */
static bool is_able(void)
{
	const char *home = tigetstr("cup"), *clear = tigetstr("clear");

	return home && home != (const char *)-1 && clear && clear != (const char *)-1;
}

static void keys_open(void)
{
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	set_escdelay(25);
	timeout(LOOK_MS);
}

static int screen_open(void)
{
	setlocale(LC_CTYPE, "");
	if (!newterm(NULL, stdout, stdin))
		return -ENOTTY;
	if (!is_able()) {
		endwin();
		return -ENOTTY;
	}
	keys_open();
	if (getenv("NO_COLOR") || start_color() == ERR)
		return 0;
	use_default_colors();
	init_pair(COLOUR_GOOD, COLOR_GREEN, -1);
	init_pair(COLOUR_BAD, COLOR_RED, -1);
	init_pair(COLOUR_DOUBT, COLOR_YELLOW, -1);
	init_pair(COLOUR_HEAD, COLOR_CYAN, -1);
	return 0;
}

/* Wait for a key. Return the key, KEY_RESIZE, or ERR after a second without a key. If getch()
 * returns ERR too early several times in a row, the terminal was probably closed. *n_early counts
 * these early returns; any other return resets it. */
static int key_wait(unsigned *n_early)
{
	int64_t before_ms = clock_steady_ms();
	int key = getch();

	if (key == ERR && clock_steady_ms() - before_ms < LOOK_MS / 2)
		++*n_early;
	else
		*n_early = 0;
	return key;
}

static void filter_type(struct top_data *t, struct top_view *v, int key)
{
	size_t length = strlen(t->filter);

	if (key == '\n' || key == KEY_ENTER || key == TOP_ESCAPE)
		v->is_typing = false;
	if (key == TOP_ESCAPE)
		t->filter[0] = '\0';
	else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && length)
		t->filter[length - 1] = '\0';
	else if (key >= ' ' && key < 127 && length + 1 < sizeof(t->filter))
		t->filter[length] = (char)key;
}

static void key_take(struct top_data *t, struct top_view *v, int key)
{
	if (key == '?')
		v->has_help = !v->has_help;
	else if (key == ' ')
		v->is_frozen = !v->is_frozen;
	else if (key == '/')
		v->is_typing = true;
	else if (key == KEY_DOWN && v->selected + 1 < t->n_causes)
		v->selected++;
	else if (key == KEY_UP && v->selected)
		v->selected--;
	else if (key == TOP_ESCAPE)
		t->filter[0] = '\0';
	if (key != 's')
		return;
	t->sort = (enum top_sort)((t->sort + 1) % TOP_SORTS);
	top_causes_sort(t);
}

static bool is_enter(int key)
{
	return key == '\n' || key == '\r' || key == KEY_ENTER;
}

/* Wait for a key and return it; TOP_KEY_GONE if the terminal was closed. */
static int text_key(void)
{
	unsigned n_early = 0;
	int key;

	do
		key = key_wait(&n_early);
	while (key == ERR && n_early < EARLY_MAX);
	return key == ERR ? TOP_KEY_GONE : key;
}

static void explain_show(const struct top_data *t, const struct top_view *v,
			 void (*explain)(const void *data, int64_t flow_id), const void *data)
{
	char *text;

	if (v->selected >= t->n_causes || !t->causes[v->selected].flow_id)
		return;
	text = top_text_catch(explain, data, t->causes[v->selected].flow_id);
	if (text)
		top_text_show(text, text_key);
	free(text);
}

/* Run the live view. After a key or a change of the terminal's size, redraw the screen at once.
 * After a second without a key or such a change, read the data again. */
int top_screen_run(struct top_data *t, void (*explain)(const void *data, int64_t flow_id),
		   const void *data)
{
	struct top_view v = {0};
	int err = screen_open(), key = ERR;
	unsigned n_early = 0;

	if (err)
		return err;
	v.is_utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	while ((v.is_typing || (key != 'q' && key != 'Q')) && n_early < EARLY_MAX) {
		if (v.is_typing)
			filter_type(t, &v, key);
		else if (is_enter(key))
			explain_show(t, &v, explain, data);
		else if (key != ERR)
			key_take(t, &v, key);
		if (key == ERR && !v.is_frozen)
			top_data_read(t);
		if (v.selected >= t->n_causes)
			v.selected = t->n_causes ? t->n_causes - 1 : 0;
		top_panels_put(t, &v);
		key = key_wait(&n_early);
	}
	endwin();
	return 0;
}
