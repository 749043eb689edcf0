/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * units.h - numbers, durations and sizes as people write them.
 */
#ifndef WAYMARK_BASE_UNITS_H
#define WAYMARK_BASE_UNITS_H

#include <stdint.h>

/* Parse a decimal number of at most most, and nothing beside it. 0, -EINVAL or -ERANGE. */
int number_parse(uint64_t *number, const char *text, uint64_t most);

/* Parse a duration: "90 days", "1h 30min", "60s"; duration_parse_ms takes "250ms", too.
 * Each number needs its unit, but for 0. 0, -EINVAL or -ERANGE. */
int duration_parse(uint64_t *seconds, const char *text);
int duration_parse_ms(uint64_t *ms, const char *text);

/* Parse a size in bytes: "2 GiB", "500 MB"; a bare number is bytes. Likewise. */
int size_parse(uint64_t *bytes, const char *text);

#define UNITS_STRLEN 48

/* Format a number of bytes for people, in at most 7 characters: "17", "1.2 KiB" is
 * "1.2K". Factors are 1024. Writes to buf and returns it. */
const char *size_format(int64_t bytes, char buf[UNITS_STRLEN]);

/* Format a rate for people: "17 bit/s", "1.2 Mbit/s". Factors are 1000. Likewise. */
const char *bitrate_format(int64_t bits, char buf[UNITS_STRLEN]);

/* Format a duration for people by its two largest units: "85ms", "12s", "4min 2s", "3d 4h". */
const char *duration_format(int64_t ms, char buf[UNITS_STRLEN]);

#endif
