/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top_text.c - captures the text that a command prints, and shows the text on the screen of the
 * live view. If the text is longer than the screen, the user can scroll.
 */
#include <curses.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/top/top.h"

/* --- capturing ------------------------------------------------------------------------ */

/* Redirect standard output and standard error to descriptor `to`. Store duplicates of the previous
 * descriptors in `saved`. */
static void output_turn(int to, int saved[2])
{
	fflush(stdout);
	fflush(stderr);
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		saved[fd - STDOUT_FILENO] = dup(fd);
		dup2(to, fd);
	}
}

static void output_return(const int saved[2])
{
	fflush(stdout);
	fflush(stderr);
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		dup2(saved[fd - STDOUT_FILENO], fd);
		close(saved[fd - STDOUT_FILENO]);
	}
}

char *top_text_catch(void (*print)(const void *data, int64_t id), const void *data, int64_t id)
{
	FILE *file = tmpfile();
	char *text = NULL;
	size_t room = 0;
	int saved[2];

	if (!file)
		return NULL;
	output_turn(fileno(file), saved);
	print(data, id);
	output_return(saved);
	rewind(file);
	errno = 0;
	if (getdelim(&text, &room, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

/* --- showing ---------------------------------------------------------------------------- */

static const char *line_next(const char *text)
{
	const char *end = strchr(text, '\n');

	return end ? end + 1 : text + strlen(text);
}

/* Return the length of the first line of text, or the width of the screen if the line is longer. */
static size_t line_length(const char *text)
{
	size_t length = strcspn(text, "\n");

	return length < (size_t)COLS ? length : (size_t)COLS;
}

static int lines_count(const char *text)
{
	int n = 0;

	for (; *text; text = line_next(text))
		n++;
	return n;
}

static void text_put(const char *text, int first)
{
	int y = 0;

	erase();
	for (; *text && first > 0; first--)
		text = line_next(text);
	for (; *text && y < LINES - 1; text = line_next(text), y++)
		mvaddnstr(y, 0, text, (int)line_length(text));
	attrset(A_REVERSE);
	mvaddnstr(LINES - 1, 0, "Enter/q: go back   arrows/Space: scroll", COLS);
	attrset(0);
	refresh();
}

/* Return the number of lines that a key scrolls by. Negative: up; 0: the key does not scroll. */
static int key_step(int key)
{
	switch (key) {
	case KEY_DOWN:
		return 1;
	case KEY_UP:
		return -1;
	case ' ':
	case KEY_NPAGE:
		return LINES - 2;
	case KEY_PPAGE:
		return 2 - LINES;
	default:
		return 0;
	}
}

void top_text_show(const char *text, int (*key_wait)(void))
{
	int first = 0, n = lines_count(text), key = ERR;

	while (key != 'q' && key != 'Q' && key != '\n' && key != '\r' && key != KEY_ENTER &&
	       key != TOP_ESCAPE) {
		first += key_step(key);
		first = first > n - (LINES - 1) ? n - (LINES - 1) : first;
		first = first < 0 ? 0 : first;
		text_put(text, first);
		key = key_wait();
		if (key == TOP_KEY_GONE)
			return;
	}
}
