/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.h - reads clocks in milliseconds, and compares times with deadlines.
 */
#ifndef WAYMARK_BASE_CLOCK_H
#define WAYMARK_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Return CLOCK_REALTIME in milliseconds. This time jumps when the clock is set. */
int64_t clock_now_ms(void);
/* Return CLOCK_MONOTONIC in milliseconds. */
int64_t clock_steady_ms(void);
/* Return whether the time due_ms has come; if due_ms is 0, return false. most_ms is the longest
 * delay that the caller uses: if due_ms is further ahead of now_ms, the clock was set back after
 * the caller had computed due_ms, and the function returns true. */
bool clock_is_due(int64_t due_ms, int64_t now_ms, int64_t most_ms);

#endif
