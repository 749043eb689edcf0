/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * units.h - durations and sizes as people write them.
 */
#ifndef WAYMARK_BASE_UNITS_H
#define WAYMARK_BASE_UNITS_H

#include <stdint.h>

/* "90 days", "60s", "2h" to seconds; "2 GiB", "500 MB" to bytes. 0 or -EINVAL /
 * -ERANGE. A bare number is seconds or bytes. */
int duration_parse(uint64_t *seconds, const char *text);
int size_parse(uint64_t *bytes, const char *text);

#endif
