/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * units.h - numbers, durations and sizes, as users write and read them.
 */
#ifndef WAYMARK_BASE_UNITS_H
#define WAYMARK_BASE_UNITS_H

#include <stdint.h>

/* Parse a decimal number from 0 to `most`, without blanks or sign. Return 0, -EINVAL or -ERANGE. */
int number_parse(uint64_t *number, const char *text, uint64_t most);

/* Parse a duration: "90 days", "1h 30min", "60s"; duration_parse_ms() also accepts "250ms". Each
 * number except 0 needs a unit. Return 0, -EINVAL or -ERANGE. */
int duration_parse(uint64_t *seconds, const char *text);
int duration_parse_ms(uint64_t *ms, const char *text);

/* Parse a size: "2 GiB", "500 MB"; a number without a unit is in bytes. Return 0, -EINVAL or
 * -ERANGE. */
int size_parse(uint64_t *bytes, const char *text);

#define UNITS_STRLEN 48

/* Format a size for users in at most 7 characters: 17 as "17", 1.2 KiB as "1.2K". The units are
 * powers of 1024. Write to buf and return it. */
const char *size_format(int64_t bytes, char buf[UNITS_STRLEN]);

/* Format a bit rate for users: "17 bit/s", "1.2 Mbit/s". The units are powers of 1000. Write to buf
 * and return it. */
const char *bitrate_format(int64_t bits, char buf[UNITS_STRLEN]);

/* Format a duration for users in its two largest units: "85ms", "12s", "4min 2s", "3d 4h". Write to
 * buf and return it. */
const char *duration_format(int64_t ms, char buf[UNITS_STRLEN]);

#endif
