/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * units.h - parses and formats numbers, durations and sizes for users.
 */
#ifndef WAYMARK_BASE_UNITS_H
#define WAYMARK_BASE_UNITS_H

#include <stdint.h>

/* Parse a decimal number from 0 to `most`, without blanks or sign. Return 0, -EINVAL or -ERANGE. */
int number_parse(uint64_t *number, const char *text, uint64_t most);

/* Parse a duration, such as "90 days", "1h 30min" or "60s". duration_parse_ms() also accepts
 * "250ms". Each number except 0 needs a unit. Return 0, -EINVAL or -ERANGE. */
int duration_parse(uint64_t *seconds, const char *text);
int duration_parse_ms(uint64_t *ms, const char *text);

/* Parse a size, such as "2 GiB" or "500 MB". A number without a unit is in bytes. Return 0, -EINVAL
 * or -ERANGE. */
int size_parse(uint64_t *bytes, const char *text);

#define UNITS_STRLEN 48

/* Write a size to buf for users, in at most 7 characters: 17 bytes are "17", 1.2 KiB are "1.2K".
 * The units are powers of 1024. Return buf. */
const char *size_format(int64_t bytes, char buf[UNITS_STRLEN]);

/* Write a bit rate to buf for users: "17 bit/s", "1.2 Mbit/s". The units are powers of 1000. Return
 * buf. */
const char *bitrate_format(int64_t bits, char buf[UNITS_STRLEN]);

/* Write a duration to buf for users, in its two largest units: "85ms", "12s", "4min 2s", "3d 4h".
 * Return buf. */
const char *duration_format(int64_t ms, char buf[UNITS_STRLEN]);

#endif
