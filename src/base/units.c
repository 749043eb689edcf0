/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * units.c - parses and formats durations and sizes: "90 days", "1h 30min", "2 GiB".
 *
 * Pure: must not know which key a text belongs to.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "waymark/base/units.h"

struct unit {
	const char *names; /* all spellings, with a blank before and after each */
	uint64_t factor;
};

#define MINUTE 60ULL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* The spellings and lengths of systemd.time(7): a year has 365.25 days, a month is a twelfth of a
 * year. */
static const struct unit duration_units[] = {
	{" s sec secs second seconds ", 1}, {" m min mins minute minutes ", MINUTE},
	{" h hr hrs hour hours ", HOUR},    {" d day days ", DAY},
	{" w week weeks ", 7 * DAY},	    {" M month months ", 2629800},
	{" y year years ", 31557600},	    {NULL, 0},
};

static const struct unit duration_units_ms[] = {
	{" ms msec millisecond milliseconds ", 1},
	{" s sec secs second seconds ", 1000},
	{" m min mins minute minutes ", 1000 * MINUTE},
	{" h hr hrs hour hours ", 1000 * HOUR},
	{" d day days ", 1000 * DAY},
	{" w week weeks ", 7000 * DAY},
	{" M month months ", 2629800000ULL},
	{" y year years ", 31557600000ULL},
	{NULL, 0},
};

/* A single letter stands for a power of 1024. Users copy sizes from ls -h and df -h, which use
 * these letters. */
static const struct unit size_units[] = {
	{" B b byte bytes ", 1},    {" K k KiB kiB ", 1ULL << 10},
	{" M MiB ", 1ULL << 20},    {" G GiB ", 1ULL << 30},
	{" T TiB ", 1ULL << 40},    {" kB KB ", 1000ULL},
	{" MB ", 1000000ULL},	    {" GB ", 1000000000ULL},
	{" TB ", 1000000000000ULL}, {NULL, 0},
};

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* Return the factor of the unit that the first length bytes of word spell; 0: unknown. */
static uint64_t unit_factor(const struct unit *units, const char *word, size_t length)
{
	char padded[16];

	if (length + 3 > sizeof(padded))
		return 0;
	padded[0] = ' ';
	memcpy(padded + 1, word, length);
	memcpy(padded + 1 + length, " ", 2);
	for (; units->names; units++)
		if (strstr(units->names, padded))
			return units->factor;
	return 0;
}

static int digits_take(uint64_t *value, const char **text)
{
	const char *p = *text;

	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	for (*value = 0; isdigit((unsigned char)*p); p++) {
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*p - '0'), value))
			return -ERANGE;
	}
	*text = p;
	return 0;
}

int number_parse(uint64_t *number, const char *text, uint64_t most)
{
	int err = digits_take(number, &text);

	if (err)
		return err;
	if (*text)
		return -EINVAL;
	return *number > most ? -ERANGE : 0;
}

/* Parse one "NUMBER UNIT" at *text and add it to *sum. A number without a unit must be the whole
 * text, and must be 0 or a size in bytes. */
static int term_parse(uint64_t *sum, const struct unit *units, const char **text, bool is_first)
{
	uint64_t value, factor = 1;
	size_t length;
	int err;

	err = digits_take(&value, text);
	if (err < 0)
		return err;
	*text = skip_blanks(*text);
	for (length = 0; isalpha((unsigned char)(*text)[length]);)
		length++;
	if (length)
		factor = unit_factor(units, *text, length);
	else if (!is_first || **text != '\0' || (value && units != size_units))
		return -EINVAL;
	if (factor == 0)
		return -EINVAL;
	if (__builtin_mul_overflow(value, factor, &value) ||
	    __builtin_add_overflow(*sum, value, sum))
		return -ERANGE;
	*text = skip_blanks(*text + length);
	return 0;
}

static int units_parse(uint64_t *out, const struct unit *units, const char *text)
{
	bool is_first = true;
	uint64_t sum = 0;
	int err;

	text = skip_blanks(text);
	do {
		err = term_parse(&sum, units, &text, is_first);
		if (err < 0)
			return err;
		is_first = false;
	} while (*text != '\0');
	*out = sum;
	return 0;
}

int duration_parse(uint64_t *seconds, const char *text)
{
	uint64_t value;
	int err;

	err = units_parse(&value, duration_units, text);
	if (err < 0)
		return err;
	/* Other code stores this duration in milliseconds, as a signed 64-bit number. */
	if (value > INT64_MAX / 1000)
		return -ERANGE;
	*seconds = value;
	return 0;
}

int duration_parse_ms(uint64_t *ms, const char *text)
{
	uint64_t value;
	int err = units_parse(&value, duration_units_ms, text);

	if (err < 0)
		return err;
	if (value > INT64_MAX)
		return -ERANGE;
	*ms = value;
	return 0;
}

int size_parse(uint64_t *bytes, const char *text)
{
	uint64_t value;
	int err;

	err = units_parse(&value, size_units, text);
	if (err < 0)
		return err;
	/* SQLite and the kernel store file sizes as signed 64-bit numbers. */
	if (value > INT64_MAX)
		return -ERANGE;
	*bytes = value;
	return 0;
}

const char *size_format(int64_t bytes, char buf[UNITS_STRLEN])
{
	static const char letters[] = "KMGTPE";
	const char *sign = bytes < 0 ? "-" : "";
	double value = bytes < 0 ? -(double)bytes : (double)bytes;
	int i = -1;

	/* From 1023.5 on, %.0f would print 1024: use the next unit. */
	while (value >= 1023.5 && letters[i + 1]) {
		value /= 1024;
		i++;
	}
	if (i < 0)
		snprintf(buf, UNITS_STRLEN, "%s%.0f", sign, value);
	else
		snprintf(buf, UNITS_STRLEN, value < 9.95 ? "%s%.1f%c" : "%s%.0f%c", sign, value,
			 letters[i]);
	return buf;
}

const char *bitrate_format(int64_t bits, char buf[UNITS_STRLEN])
{
	static const char *const units[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"};
	double value = (double)bits;
	size_t unit = 0;

	while (value >= 1000 && unit + 1 < sizeof(units) / sizeof(*units)) {
		value /= 1000;
		unit++;
	}
	snprintf(buf, UNITS_STRLEN, unit && value < 100 ? "%.1f %s" : "%.0f %s", value,
		 units[unit]);
	return buf;
}

const char *duration_format(int64_t ms, char buf[UNITS_STRLEN])
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {{"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}};
	size_t i = 0;

	while (i < 3 && ms < units[i].ms)
		i++;
	if (ms < 1000)
		snprintf(buf, UNITS_STRLEN, "%dms", (int)ms);
	else if (i == 3 || ms % units[i].ms / units[i + 1].ms == 0)
		snprintf(buf, UNITS_STRLEN, "%lld%s", (long long)(ms / units[i].ms), units[i].name);
	else
		snprintf(buf, UNITS_STRLEN, "%lld%s %lld%s", (long long)(ms / units[i].ms),
			 units[i].name, (long long)(ms % units[i].ms / units[i + 1].ms),
			 units[i + 1].name);
	return buf;
}
