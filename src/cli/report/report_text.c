/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_text.c - numbers, times and other people's text, as they stand in a page.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/report/report.h"

/* The bytes of the character that begins here, 0 where it is not UTF-8 (RFC 3629, 4);
 * what is overlong or a surrogate is not told apart from what is right. */
static size_t utf8_length(const char *text)
{
	unsigned char first = (unsigned char)text[0];
	size_t n = first < 0x80	  ? 1
		   : first < 0xc2 ? 0
		   : first < 0xe0 ? 2
		   : first < 0xf0 ? 3
		   : first < 0xf5 ? 4
				  : 0;

	for (size_t i = 1; i < n; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static const char *entity_of(char ch)
{
	switch (ch) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void report_escape(FILE *out, const char *text)
{
	while (*text) {
		size_t n = utf8_length(text);
		const char *entity = entity_of(*text);

		if (n == 0 || (unsigned char)*text < ' ' || *text == 0x7f)
			fputc('?', out);
		else if (entity)
			fputs(entity, out);
		else
			fwrite(text, 1, n, out);
		text += n ? n : 1;
	}
}

void report_number(FILE *out, int64_t number)
{
	char digits[24];
	size_t length;

	if (number < 0)
		fputc('-', out);
	length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64,
				  number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			fputc(',', out);
		fputc(digits[i], out);
	}
}

void report_bytes(FILE *out, int64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(*units)) {
		value /= 1024;
		unit++;
	}
	fprintf(out, unit && value < 100 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void report_time(FILE *out, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	char text[40];
	struct tm tm;

	if (gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm))
		fputs(text, out);
}

void report_duration(FILE *out, int64_t ms)
{
	int64_t s = ms / 1000;

	if (s < 60)
		fprintf(out, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
	else if (s < 3600)
		fprintf(out, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else if (s < 86400)
		fprintf(out, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
	else
		fprintf(out, "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
}
