/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_text.c - writes numbers, times and text from other programs into a page.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/report/report.h"
#include "waymark/base/units.h"

/* Return the length of the UTF-8 character at text; 0 if it is malformed (RFC 3629, 4). This
 * function also accepts surrogates, and overlong forms of three or four bytes. */
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

const char *report_digits(char buf[REPORT_SIZE], int64_t number)
{
	char digits[24], *to = buf;
	size_t length;

	if (number < 0)
		*to++ = '-';
	length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64,
				  number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return buf;
}

void report_number(FILE *out, int64_t number)
{
	char digits[REPORT_SIZE];

	fputs(report_digits(digits, number), out);
}

const char *report_size(char buf[REPORT_SIZE], int64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(*units)) {
		value /= 1024;
		unit++;
	}
	snprintf(buf, REPORT_SIZE, unit && value < 100 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return buf;
}

void report_bytes(FILE *out, int64_t bytes)
{
	char text[REPORT_SIZE];

	fputs(report_size(text, bytes), out);
}

void report_bitrate(FILE *out, int64_t bits)
{
	char text[UNITS_STRLEN];

	fputs(bitrate_format(bits, text), out);
}

static void time_print(FILE *out, int64_t ms, const char *format)
{
	time_t t = (time_t)(ms / 1000);
	char text[64];
	struct tm tm;

	if (localtime_r(&t, &tm) && strftime(text, sizeof(text), format, &tm))
		fputs(text, out);
}

void report_time(FILE *out, int64_t ms)
{
	time_print(out, ms, "%Y-%m-%d %H:%M");
}

void report_clock(FILE *out, int64_t ms)
{
	time_print(out, ms, "%Y-%m-%d %H:%M:%S");
}

/* Write the name of the time zone and its offset from UTC. Some zones have a number as their name,
 * such as "+03": then write the offset alone. */
void report_zone(FILE *out, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;
	long minutes;

	if (!localtime_r(&t, &tm))
		return;
	minutes = labs(tm.tm_gmtoff) / 60;
	if (!minutes) {
		fputs("UTC", out);
		return;
	}
	if (tm.tm_zone && tm.tm_zone[0] >= 'A') {
		report_escape(out, tm.tm_zone);
		fputs(", ", out);
	}
	fprintf(out, "UTC%c%02ld:%02ld", tm.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

int64_t report_floor(int64_t ms, int64_t step_ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;
	int64_t offset = localtime_r(&t, &tm) ? tm.tm_gmtoff * INT64_C(1000) : 0;

	return ms - (ms + offset) % step_ms;
}

void report_share(FILE *out, int64_t part, int64_t whole)
{
	int64_t tenths = whole ? (int64_t)((double)part * 1000 / (double)whole) : 0;

	if (!whole)
		fputs("-", out);
	else
		fprintf(out, "%" PRId64 ".%" PRId64 " %%", tenths / 10, tenths % 10);
}

void report_count(FILE *out, int64_t number, const char *one, const char *many)
{
	report_number(out, number);
	fprintf(out, " %s", number == 1 ? one : many);
}

void report_duration(FILE *out, int64_t ms)
{
	char text[UNITS_STRLEN];

	fputs(duration_format(ms, text), out);
}
