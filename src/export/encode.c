/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * encode.c - writes rows as text, value by value.
 */
#include "export/encode.h"

#include <stdio.h>
#include <string.h>

#include "waymark/base/times.h"

static void put_integer_column(struct body *b, const struct feed_column *c, int64_t number)
{
	if (c->kind == FEED_COUNT)
		body_put_unsigned(b, (uint64_t)number);
	else
		body_put_number(b, number);
}

/* --- TabSeparated --------------------------------------------------------------- */

static const char *tsv_escape(char ch)
{
	switch (ch) {
	case '\t':
		return "\\t";
	case '\n':
		return "\\n";
	case '\\':
		return "\\\\";
	case '\0':
		return "\\0";
	default:
		return NULL;
	}
}

static void tsv_text(struct body *b, const char *text, size_t size)
{
	size_t from = 0;

	for (size_t i = 0; i < size; i++) {
		const char *escape = tsv_escape(text[i]);

		if (!escape)
			continue;
		body_put(b, text + from, i - from);
		body_puts(b, escape);
		from = i + 1;
	}
	body_put(b, text + from, size - from);
}

static void tsv_value(struct body *b, const struct feed_column *c, const struct feed_value *v)
{
	switch (v->kind) {
	case FEED_VALUE_NULL:
		body_puts(b, c->is_nullable				      ? "\\N"
			     : c->kind >= FEED_TEXT && c->kind < FEED_ADDRESS ? ""
									      : "0");
		break;
	case FEED_VALUE_INTEGER:
		put_integer_column(b, c, v->integer);
		break;
	case FEED_VALUE_REAL:
		body_put_real(b, v->real);
		break;
	case FEED_VALUE_TEXT:
		tsv_text(b, v->text, v->size);
		break;
	}
}

void encode_tsv_names(struct body *b, const struct feed_table *t)
{
	body_puts(b, "router, history");
	for (size_t i = 0; i < t->n_columns; i++) {
		body_puts(b, ", ");
		body_puts(b, t->columns[i].name);
		if (t->columns[i].kind == FEED_TIME)
			body_puts(b, "_ms");
	}
	body_puts(b, ", " ENCODE_VERSION);
}

void encode_tsv(struct body *b, const struct export_origin *o, const struct feed_table *t,
		const struct feed_row *row)
{
	tsv_text(b, o->router, strlen(o->router));
	body_put(b, "\t", 1);
	tsv_text(b, o->history, strlen(o->history));
	for (size_t i = 0; i < t->n_columns; i++) {
		body_put(b, "\t", 1);
		tsv_value(b, &t->columns[i], &row->values[i]);
	}
	body_put(b, "\t", 1);
	body_put_number(b, row->version);
	body_put(b, "\n", 1);
}

/* --- JSON ------------------------------------------------------------------------- */

/* Return the length of the UTF-8 sequence (RFC 3629) at s, or 0 if the bytes are not valid
 * UTF-8. */
static size_t utf8_length(const unsigned char *s, size_t size)
{
	size_t n = s[0] < 0x80			 ? 1
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		   : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
		   : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						 : 0;

	if (!n || n > size)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* Put the first character of s, escaped if necessary. If s does not begin with valid UTF-8, put
 * U+FFFD instead of its first byte. Return how many bytes of s were used. */
static size_t json_character(struct body *b, const unsigned char *s, size_t size)
{
	size_t n = utf8_length(s, size);
	char code[8];

	if (!n) {
		body_puts(b, "\\ufffd");
		return 1;
	}
	if (*s == '"' || *s == '\\') {
		body_put(b, "\\", 1);
	} else if (*s < ' ' || *s == 0x7f) {
		snprintf(code, sizeof(code), "\\u%04x", *s);
		body_puts(b, code);
		return 1;
	}
	body_put(b, s, n);
	return n;
}

static void json_text(struct body *b, const char *text, size_t size)
{
	const unsigned char *s = (const unsigned char *)text;

	body_put(b, "\"", 1);
	while (size) {
		size_t n = json_character(b, s, size);

		s += n;
		size -= n;
	}
	body_put(b, "\"", 1);
}

static void json_name(struct body *b, const char *name, const char *ending)
{
	body_puts(b, ",\"");
	body_puts(b, name);
	body_puts(b, ending);
	body_puts(b, "\":");
}

static void json_value(struct body *b, const struct feed_column *c, const struct feed_value *v)
{
	switch (v->kind) {
	case FEED_VALUE_NULL:
		body_puts(b, "null");
		break;
	case FEED_VALUE_INTEGER:
		put_integer_column(b, c, v->integer);
		break;
	case FEED_VALUE_REAL:
		body_put_real(b, v->real);
		break;
	case FEED_VALUE_TEXT:
		json_text(b, v->text, v->size);
		break;
	}
}

static void json_iso(struct body *b, int64_t ms)
{
	char iso[TIMES_STRLEN];

	times_format_iso(ms, iso);
	json_text(b, iso, strlen(iso));
}

static void json_column(struct body *b, const struct feed_column *c, const struct feed_value *v)
{
	if (c->kind == FEED_TIME) {
		json_name(b, c->name, "");
		if (v->kind == FEED_VALUE_INTEGER)
			json_iso(b, v->integer);
		else
			body_puts(b, "null");
	}
	json_name(b, c->name, c->kind == FEED_TIME ? "_ms" : "");
	json_value(b, c, v);
}

void encode_json(struct body *b, const struct export_origin *o, const struct feed_table *t,
		 const struct feed_row *row)
{
	body_puts(b, "{\"table\":\"");
	body_puts(b, t->name);
	body_put(b, "\"", 1);
	json_name(b, "router", "");
	json_text(b, o->router, strlen(o->router));
	json_name(b, "history", "");
	json_text(b, o->history, strlen(o->history));
	for (size_t i = 0; i < t->n_columns; i++)
		json_column(b, &t->columns[i], &row->values[i]);
	json_name(b, ENCODE_VERSION, "");
	body_put_number(b, row->version);
	body_puts(b, "}\n");
}

/* --- CSV -------------------------------------------------------------------------- */

static void csv_text(struct body *b, const char *text, size_t size)
{
	bool is_quoted = memchr(text, '"', size) || memchr(text, ',', size) ||
			 memchr(text, '\n', size) || memchr(text, '\r', size);

	if (is_quoted)
		body_put(b, "\"", 1);
	if (size && strchr("=+-@\t\r", *text))
		body_put(b, "'", 1);
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '"')
			body_put(b, "\"", 1);
		body_put(b, text + i, 1);
	}
	if (is_quoted)
		body_put(b, "\"", 1);
}

static void csv_value(struct body *b, const struct feed_column *c, const struct feed_value *v)
{
	char iso[TIMES_STRLEN];

	body_put(b, ",", 1);
	if (c->kind == FEED_TIME) {
		if (v->kind == FEED_VALUE_INTEGER)
			body_puts(b, times_format_iso(v->integer, iso));
		body_put(b, ",", 1);
	}
	if (v->kind == FEED_VALUE_INTEGER)
		put_integer_column(b, c, v->integer);
	else if (v->kind == FEED_VALUE_REAL)
		body_put_real(b, v->real);
	else if (v->kind == FEED_VALUE_TEXT)
		csv_text(b, v->text, v->size);
}

void encode_csv_names(struct body *b, const struct feed_table *t)
{
	body_puts(b, "router,history");
	for (size_t i = 0; i < t->n_columns; i++) {
		body_put(b, ",", 1);
		body_puts(b, t->columns[i].name);
		if (t->columns[i].kind != FEED_TIME)
			continue;
		body_put(b, ",", 1);
		body_puts(b, t->columns[i].name);
		body_puts(b, "_ms");
	}
	body_puts(b, "," ENCODE_VERSION "\n");
}

void encode_csv(struct body *b, const struct export_origin *o, const struct feed_table *t,
		const struct feed_row *row)
{
	csv_text(b, o->router, strlen(o->router));
	body_put(b, ",", 1);
	csv_text(b, o->history, strlen(o->history));
	for (size_t i = 0; i < t->n_columns; i++)
		csv_value(b, &t->columns[i], &row->values[i]);
	body_put(b, ",", 1);
	body_put_number(b, row->version);
	body_put(b, "\n", 1);
}
