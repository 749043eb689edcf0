/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_text.c - escapes text for terminals, JSON and CSV.
 */
#include "cli/render_text.h"

#include <stdbool.h>
#include <string.h>

/* Return the size in bytes of the UTF-8 character at s; 0 if it is malformed. */
static size_t utf8_size(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t size, i;

	if (u[0] < 0x80)
		return 1;
	size = u[0] >= 0xc2 && u[0] < 0xe0   ? 2
	       : (u[0] & 0xf0) == 0xe0	     ? 3
	       : u[0] >= 0xf0 && u[0] < 0xf5 ? 4
					     : 0;
	for (i = 1; i < size; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	/* Refuse overlong forms, surrogates, and characters above U+10FFFF (RFC 3629, 4). */
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return size;
}

static bool is_control(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	/* C0 and DEL; C1 characters have two bytes in UTF-8. */
	return u[0] < 0x20 || u[0] == 0x7f || (u[0] == 0xc2 && u[1] < 0xa0);
}

static size_t columns_of(const char *text)
{
	size_t width = 0, size;

	for (; *text; text += size ? size : 1, width++)
		size = utf8_size(text);
	return width;
}

size_t text_put_terminal(FILE *out, const char *text, size_t max)
{
	size_t width = columns_of(text), size, left;
	bool is_cut = width > max;

	if (is_cut)
		width = max;
	if (!out)
		return width;
	for (left = is_cut && width ? width - 1 : width; left; left--) {
		size = utf8_size(text);
		if (!size || is_control(text))
			fputc('?', out);
		else
			fwrite(text, 1, size, out);
		text += size ? size : 1;
	}
	if (is_cut && width)
		fputs("\xe2\x80\xa6", out);
	return width;
}

static bool is_plain_json(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void text_put_json(FILE *out, const char *text, size_t length)
{
	const char *end = text + length;
	size_t size;

	putc_unlocked('"', out);
	while (text < end) {
		for (size = 0; text + size < end && is_plain_json((unsigned char)text[size]);)
			size++;
		fwrite_unlocked(text, 1, size, out);
		text += size;
		if (text == end)
			break;
		size = utf8_size(text);
		if (!size)
			fputs("\\ufffd", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if (is_control(text) && size == 1)
			fprintf(out, "\\u%04x", (unsigned char)*text);
		else
			fwrite(text, 1, size, out);
		text += size ? size : 1;
	}
	putc_unlocked('"', out);
}

/* Return whether a spreadsheet would interpret text as a formula. Numbers with a sign, such as
 * "-5", are not formulas. */
static bool is_formula(const char *text)
{
	if (!*text || !strchr("=+-@\t\r", *text))
		return false;
	return !((*text == '-' || *text == '+') && text[1] &&
		 strspn(text + 1, "0123456789.") == strlen(text + 1));
}

void text_put_csv(FILE *out, const char *text)
{
	if (is_formula(text))
		putc_unlocked('\'', out);
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs_unlocked(text, out);
		return;
	}
	putc_unlocked('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc_unlocked('"', out);
		putc_unlocked(*text, out);
	}
	putc_unlocked('"', out);
}
