/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * times.c - parses and formats points in time.
 *
 * Pure except for the local time zone, which the C library reads. The present time is
 * passed in.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "waymark/base/units.h"
#include "waymark/base/times.h"

#define YEAR_LAST 9999

const char *times_format_iso(int64_t ms, char buf[TIMES_STRLEN])
{
	int64_t seconds = ms / 1000, rest = ms % 1000;
	struct tm tm;
	time_t t;

	if (rest < 0) {
		rest += 1000;
		seconds--;
	}
	t = (time_t)seconds;
	buf[0] = '\0';
	if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > YEAR_LAST - 1900)
		return buf;
	snprintf(buf, TIMES_STRLEN, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		 (unsigned)(tm.tm_year + 1900) % 10000U, (unsigned)(tm.tm_mon + 1) % 100U,
		 (unsigned)tm.tm_mday % 100U, (unsigned)tm.tm_hour % 100U,
		 (unsigned)tm.tm_min % 100U, (unsigned)tm.tm_sec % 100U, (unsigned)rest % 1000U);
	return buf;
}

static struct tm *local_fill(int64_t ms, struct tm *tm)
{
	time_t t = (time_t)(ms / 1000 - (ms % 1000 < 0));

	return localtime_r(&t, tm);
}

const char *times_format(int64_t ms, enum times_form form, char buf[TIMES_STRLEN])
{
	static const char *const forms[] = {
		[TIMES_FULL] = "%Y-%m-%d %H:%M:%S",
		[TIMES_DATED] = "%b %d %H:%M:%S",
		[TIMES_OF_DAY] = "%H:%M:%S",
	};
	struct tm tm;
	size_t used;

	buf[0] = '\0';
	if (ms < 0 || !local_fill(ms, &tm) || tm.tm_year > YEAR_LAST - 1900)
		return buf;
	used = strftime(buf, TIMES_STRLEN, forms[form], &tm);
	if (form == TIMES_FULL)
		snprintf(buf + used, TIMES_STRLEN - used, ".%03u%s", (unsigned)(ms % 1000),
			 strcmp(tm.tm_zone, "UTC") ? "" : "Z");
	return buf;
}

int64_t times_period_start(int64_t ms, unsigned day)
{
	time_t at = (time_t)(ms / 1000);
	struct tm tm;

	localtime_r(&at, &tm);
	tm = (struct tm){.tm_year = tm.tm_year,
			 .tm_mon = tm.tm_mon - ((unsigned)tm.tm_mday < day),
			 .tm_mday = (int)day,
			 .tm_isdst = -1};
	return (int64_t)mktime(&tm) * 1000;
}

bool times_is_same_day(int64_t a_ms, int64_t b_ms)
{
	struct tm a, b;

	return local_fill(a_ms, &a) && local_fill(b_ms, &b) && a.tm_year == b.tm_year &&
	       a.tm_yday == b.tm_yday;
}

/* Parse exactly n digits and move *text past them. Return 0 or -EINVAL. */
static int digits_parse(const char **text, unsigned n, int *value)
{
	*value = 0;
	for (; n; n--, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return -EINVAL;
		*value = *value * 10 + (**text - '0');
	}
	return 0;
}

/* Parse an optional fraction of a second, ".5" or ",5"; digits after the third are ignored. Set *ms
 * to 0 if text has no fraction. */
static int fraction_parse(const char **text, int *ms)
{
	int weight = 100;

	*ms = 0;
	if (**text != '.' && **text != ',')
		return 0;
	(*text)++;
	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	for (; isdigit((unsigned char)**text); (*text)++, weight /= 10)
		*ms += weight * (**text - '0');
	return 0;
}

static int days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && is_leap ? 29 : days[month - 1];
}

/* Parse "YYYY-MM-DD" and move *text past it. */
static int date_parse(const char **text, struct tm *tm)
{
	int year, month, day;

	if (digits_parse(text, 4, &year) < 0 || *(*text)++ != '-')
		return -EINVAL;
	if (digits_parse(text, 2, &month) < 0 || month < 1 || month > 12 || *(*text)++ != '-')
		return -EINVAL;
	if (digits_parse(text, 2, &day) < 0 || day < 1 || day > days_of_month(year, month))
		return -EINVAL;
	*tm = (struct tm){
		.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_isdst = -1};
	return 0;
}

/* Parse "HH:MM", "HH:MM:SS" or "HH:MM:SS.FFF" and move *text past it. The hour may have one
 * digit. */
static int clock_parse(const char **text, struct tm *tm, int *ms)
{
	unsigned digits = **text && (*text)[1] == ':' ? 1 : 2;

	*ms = 0;
	if (digits_parse(text, digits, &tm->tm_hour) < 0 || tm->tm_hour > 23 || *(*text)++ != ':')
		return -EINVAL;
	if (digits_parse(text, 2, &tm->tm_min) < 0 || tm->tm_min > 59)
		return -EINVAL;
	if (**text != ':')
		return 0;
	(*text)++;
	if (digits_parse(text, 2, &tm->tm_sec) < 0 || tm->tm_sec > 60)
		return -EINVAL;
	return fraction_parse(text, ms);
}

/* Return whether text is empty or the name of the local time zone, such as CET or CEST. Set *is_dst
 * to 1 for the name of daylight saving time, 0 for the name of standard time, -1 for "". */
static bool is_local_zone(const char *text, int *is_dst)
{
	*is_dst = -1;
	tzset();
	for (int i = 0; *text && i < 2; i++)
		if (strcasecmp(text, tzname[i]) == 0)
			*is_dst = i;
	return *text == '\0' || *is_dst >= 0;
}

/* Parse "Z", "UTC", "+02:00", "+0200" or "+02". */
static int zone_parse(const char *text, int *offset_s)
{
	int sign = *text == '-' ? -1 : 1, hours, minutes = 0;

	*offset_s = 0;
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0 || strcasecmp(text, "UTC") == 0)
		return 0;
	if ((*text != '+' && *text != '-') || (text++, digits_parse(&text, 2, &hours) < 0))
		return -EINVAL;
	if (*text == ':')
		text++;
	if (*text && digits_parse(&text, 2, &minutes) < 0)
		return -EINVAL;
	if (*text || hours > 14 || minutes > 59)
		return -EINVAL;
	*offset_s = sign * (hours * 3600 + minutes * 60);
	return 0;
}

static int stamp_finish(struct tm *tm, int fraction_ms, const char *zone, int64_t *ms)
{
	int offset_s = 0, err;
	time_t t;

	if (is_local_zone(zone, &tm->tm_isdst)) {
		t = mktime(tm);
	} else {
		err = zone_parse(zone, &offset_s);
		if (err < 0)
			return err;
		t = timegm(tm);
	}
	*ms = ((int64_t)t - offset_s) * 1000 + fraction_ms;
	return 0;
}

static struct tm *today_fill(int64_t now_ms, struct tm *tm)
{
	time_t now = (time_t)(now_ms / 1000);

	localtime_r(&now, tm);
	tm->tm_sec = 0;
	tm->tm_isdst = -1;
	return tm;
}

/* Parse a date, with or without a time of day (ISO 8601), or a time of day alone, which is a time
 * of today. */
static int stamp_parse(const char *text, int64_t now_ms, int64_t *ms)
{
	size_t digits = strspn(text, "0123456789");
	int fraction_ms = 0;
	struct tm tm;

	if (digits <= 2 && text[digits] == ':') {
		if (clock_parse(&text, today_fill(now_ms, &tm), &fraction_ms) < 0)
			return -EINVAL;
	} else {
		if (date_parse(&text, &tm) < 0)
			return -EINVAL;
		if (*text == 'T' || *text == 't' || *text == ' ') {
			text++;
			if (clock_parse(&text, &tm, &fraction_ms) < 0)
				return -EINVAL;
		}
	}
	text += strspn(text, " ");
	return stamp_finish(&tm, fraction_ms, text, ms);
}

/* Parse SECONDS with an optional fraction. */
static int epoch_parse(const char *text, int64_t *ms)
{
	uint64_t seconds = 0;
	int fraction_ms;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	for (; isdigit((unsigned char)*text); text++) {
		seconds = seconds * 10 + (uint64_t)(*text - '0');
		if (seconds > INT64_MAX / 1000 - 1)
			return -ERANGE;
	}
	if (fraction_parse(&text, &fraction_ms) < 0 || *text)
		return -EINVAL;
	*ms = (int64_t)seconds * 1000 + fraction_ms;
	return 0;
}

static int midnight(int64_t now_ms, int days, int64_t *ms)
{
	time_t now = (time_t)(now_ms / 1000);
	struct tm tm;

	localtime_r(&now, &tm);
	tm = (struct tm){.tm_year = tm.tm_year,
			 .tm_mon = tm.tm_mon,
			 .tm_mday = tm.tm_mday + days,
			 .tm_isdst = -1};
	*ms = (int64_t)mktime(&tm) * 1000;
	return 0;
}

/* Parse "2h", "-2h", "2h ago" or "+2h". A number needs a unit. */
static int relative_parse(const char *text, int64_t now_ms, int64_t *ms)
{
	static const char ago[] = " ago";
	char buf[64];
	size_t length = strlen(text);
	bool is_after = *text == '+';
	uint64_t past;
	int err;

	if (*text == '+' || *text == '-')
		text++, length--;
	if (length >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, text, length + 1);
	if (!is_after && length >= sizeof(ago) && strcmp(buf + length - 4, ago) == 0)
		buf[length - 4] = '\0';
	if (strspn(buf, " 0123456789") == strlen(buf))
		return -EINVAL;
	err = duration_parse_ms(&past, buf);
	if (err < 0)
		return err;
	if (__builtin_add_overflow(now_ms, is_after ? (int64_t)past : -(int64_t)past, ms))
		return -ERANGE;
	return 0;
}

/* Return whether text starts like a time or a date: "H:", "HH:" or "YYYY-". */
static bool is_stamp(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return ((digits == 1 || digits == 2) && text[digits] == ':') ||
	       (digits == 4 && text[4] == '-');
}

/* If *text begins with one of the names (in full, or its first three letters) and a blank, move
 * *text past both and return the index of the name. Otherwise return -1. */
static int name_parse(const char **text, const char *const names[], int n)
{
	size_t length = strcspn(*text, " ");

	for (int i = 0; i < n && (*text)[length]; i++) {
		if ((length != 3 && length != strlen(names[i])) ||
		    strncasecmp(*text, names[i], length) != 0)
			continue;
		*text += length + strspn(*text + length, " ");
		return i;
	}
	return -1;
}

/* Parse what follows the month in "Nov 25 14:32:10", the form of Waymark's listings. The text has
 * no year: use this year or, if the time would then be in the future, last year. */
static int dated_parse(const char *text, int month, int64_t now_ms, int64_t *ms)
{
	unsigned digits = isdigit((unsigned char)*text) && text[1] == ' ' ? 1 : 2;
	int fraction_ms = 0, day, year;
	struct tm tm;

	if (digits_parse(&text, digits, &day) < 0 || *text++ != ' ')
		return -EINVAL;
	year = today_fill(now_ms, &tm)->tm_year;
	if (day < 1 || day > days_of_month(1900 + year, month + 1) ||
	    clock_parse(&text, &tm, &fraction_ms) < 0)
		return -EINVAL;
	tm.tm_mon = month;
	tm.tm_mday = day;
	text += strspn(text, " ");
	do {
		tm.tm_year = year--;
		if (stamp_finish(&tm, fraction_ms, text, ms) < 0)
			return -EINVAL;
	} while (*ms > now_ms && year > today_fill(now_ms, &(struct tm){0})->tm_year - 2);
	return 0;
}

/* Parse one of two forms: "Thu 2026-11-26 14:32:10 CET", as systemd prints it, or "Nov 25
 * 14:32:10", as Waymark's listings show it. */
static int named_parse(const char *text, int64_t now_ms, int64_t *ms)
{
	static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
					       "Thursday", "Friday", "Saturday"};
	static const char *const months[] = {"January",	  "February", "March",	  "April",
					     "May",	  "June",     "July",	  "August",
					     "September", "October",  "November", "December"};
	int day = name_parse(&text, weekdays, 7), month;
	const char *date = text;
	struct tm tm;

	if (day >= 0) {
		if (date_parse(&date, &tm) < 0 || timegm(&tm) == -1 || tm.tm_wday != day)
			return -EINVAL;
		return stamp_parse(text, now_ms, ms);
	}
	month = name_parse(&text, months, 12);
	return month < 0 ? -EINVAL : dated_parse(text, month, now_ms, ms);
}

int times_parse_since(const char *text, int64_t now_ms, int64_t *ms)
{
	static const struct {
		const char *name;
		int days;
	} days[] = {{"today", 0}, {"yesterday", -1}, {"tomorrow", 1}};

	if (strcmp(text, "now") == 0) {
		*ms = now_ms;
		return 0;
	}
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++)
		if (strcmp(text, days[i].name) == 0)
			return midnight(now_ms, days[i].days, ms);
	if (*text == '@')
		return epoch_parse(text + 1, ms);
	if (is_stamp(text))
		return stamp_parse(text, now_ms, ms);
	if (isalpha((unsigned char)*text))
		return named_parse(text, now_ms, ms);
	return relative_parse(text, now_ms, ms);
}

int times_parse_iso(const char *text, int64_t *ms)
{
	size_t length = strlen(text);

	if (length < 20 || text[length - 1] != 'Z' || text[10] != 'T')
		return -EINVAL;
	return stamp_parse(text, 0, ms);
}
