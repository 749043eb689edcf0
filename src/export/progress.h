/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress.h - shows on one line of a terminal how much of the history has been shipped.
 */
#ifndef WAYMARK_SRC_EXPORT_PROGRESS_H
#define WAYMARK_SRC_EXPORT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/store/export_state.h"

struct progress {
	bool is_on, has_shown;
	int64_t started_ms;
	int64_t first_done; /* changes acknowledged before the first line was shown */
};

void progress_start(struct progress *p, bool is_on);
void progress_show(struct progress *p, const struct export_state *s, int64_t now_ms);
void progress_end(struct progress *p);

/* Write the line, such as "[#####...............] 50000 of 200000 changes (25 %), 12500 per second,
 * 0:12 left". `done` of `all` changes are acknowledged, `fresh` of these in the last `ms`
 * milliseconds. */
void progress_line(char *to, size_t size, int64_t done, int64_t all, int64_t fresh, int64_t ms);

#endif
