/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.h - the only place where the time is read.
 */
#ifndef WAYMARK_BASE_CLOCK_H
#define WAYMARK_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Return CLOCK_REALTIME in milliseconds. It jumps when the clock is set. */
int64_t clock_now_ms(void);
/* Return CLOCK_MONOTONIC in milliseconds. */
int64_t clock_steady_ms(void);
/* Return whether now_ms has reached due_ms; due_ms 0: never. If due_ms is more than most_ms ahead
 * of now_ms, the clock has been set back since due_ms was computed: return true in this case,
 * too. */
bool clock_is_due(int64_t due_ms, int64_t now_ms, int64_t most_ms);

#endif
