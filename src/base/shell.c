/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell.c - quotes words for shells and replaces control characters for terminals.
 */
#include "waymark/base/shell.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct output {
	char *buf;
	size_t size, used;
};

static void put(struct output *o, const char *text, size_t n)
{
	size_t room = o->size - o->used - 1;

	n = n < room ? n : room;
	memcpy(o->buf + o->used, text, n);
	o->used += n;
	o->buf[o->used] = '\0';
}

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 127;
}

static void put_hex(struct output *o, char c)
{
	char text[8];

	put(o, text, (size_t)snprintf(text, sizeof(text), "\\x%02x", (unsigned char)c));
}

static bool is_plain(const char *word, size_t n)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_@%+=:,./-";

	return n && strspn(word, plain) >= n;
}

/* Write a word that contains control characters. Of the shell's quotes, only $'...' can express
 * them. */
static void put_escaped(struct output *o, const char *word, size_t n)
{
	put(o, "$'", 2);
	for (size_t i = 0; i < n; i++) {
		if (is_control(word[i])) {
			put_hex(o, word[i]);
			continue;
		}
		if (word[i] == '\'' || word[i] == '\\')
			put(o, "\\", 1);
		put(o, &word[i], 1);
	}
	put(o, "'", 1);
}

static void put_quoted(struct output *o, const char *word, size_t n)
{
	put(o, "'", 1);
	for (size_t i = 0; i < n; i++) {
		if (word[i] == '\'')
			put(o, "'\\''", 4);
		else
			put(o, &word[i], 1);
	}
	put(o, "'", 1);
}

static void put_word(struct output *o, const char *word, size_t n)
{
	bool has_control = false;

	for (size_t i = 0; i < n; i++)
		has_control |= is_control(word[i]);
	if (is_plain(word, n))
		put(o, word, n);
	else if (has_control)
		put_escaped(o, word, n);
	else
		put_quoted(o, word, n);
}

char *shell_line(char *buf, size_t size, const char *line)
{
	struct output o = {buf, size, 0};

	*buf = '\0';
	while (*line) {
		size_t n = strcspn(line, " ");

		if (o.used)
			put(&o, " ", 1);
		put_word(&o, line, n);
		line += n + (line[n] == ' ');
	}
	return buf;
}

char *shell_word(char *buf, size_t size, const char *word)
{
	struct output o = {buf, size, 0};

	*buf = '\0';
	put_word(&o, word, strlen(word));
	return buf;
}

char *text_printable(char *buf, size_t size, const char *text)
{
	struct output o = {buf, size, 0};

	*buf = '\0';
	for (; *text; text++) {
		if (is_control(*text))
			put_hex(&o, *text);
		else
			put(&o, text, 1);
	}
	return buf;
}
