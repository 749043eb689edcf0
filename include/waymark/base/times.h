/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * times.h - writes and parses points in time. They are milliseconds since 1970 UTC
 * (CLOCK_REALTIME).
 */
#ifndef WAYMARK_BASE_TIMES_H
#define WAYMARK_BASE_TIMES_H

#include <stdbool.h>
#include <stdint.h>

#define TIMES_STRLEN 32

/* Write a time as "2026-03-01T12:34:56.789Z" (ISO 8601, UTC) to buf and return buf. If the year is
 * not 0 to 9999, write "". */
const char *times_format_iso(int64_t ms, char buf[TIMES_STRLEN]);

/* How a time is formatted for users. */
enum times_form {
	TIMES_FULL,   /* 2026-03-01 13:34:56.789 */
	TIMES_DATED,  /* Mar 01 13:34:56 */
	TIMES_OF_DAY, /* 13:34:56 */
};

/* Write the time ms to buf in local time (TZ, /etc/localtime) and return buf. If local time is UTC,
 * the full form ends with Z. If ms is negative or beyond the year 9999, write "". */
const char *times_format(int64_t ms, enum times_form form, char buf[TIMES_STRLEN]);

/* Parse the format of times_format_iso(). Return 0 or -EINVAL. */
int times_parse_iso(const char *text, int64_t *ms);

/* Return whether two times are on the same local day. */
bool times_is_same_day(int64_t a_ms, int64_t b_ms);

/* Return the start of the billing period that contains ms. A period starts at local midnight on day
 * `day` (1 to 28) of each month. */
int64_t times_period_start(int64_t ms, unsigned day);

/* Parse a point in time that a user typed:
 *   now
 *   today, yesterday, tomorrow		midnight, local time
 *   10 minutes ago, 2h, -2h, 1h 30min	before now_ms, units as in duration_parse
 *   +5 min				after now_ms
 *   @1700000000, @1700000000.5	seconds since 1970
 *   2026-03-01, 2026-03-01 12:34, 2026-03-01T12:34:56.789, 12:34, 12:34:56
 *					local time (TZ, /etc/localtime), unless one of
 *					Z, UTC, +02:00, +0200 or +02 follows the time
 * A number without a unit is invalid. Return 0, -EINVAL or -ERANGE. */
int times_parse_since(const char *text, int64_t now_ms, int64_t *ms);

#endif
