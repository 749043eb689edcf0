/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress.h - one line on a terminal: how much of the history is shipped.
 */
#ifndef WAYMARK_SRC_EXPORT_PROGRESS_H
#define WAYMARK_SRC_EXPORT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "export/state.h"

struct progress {
	bool is_on, has_shown;
	int64_t started_ms;
	int64_t first_done; /* changes that were acknowledged before */
};

void progress_start(struct progress *p, bool is_on);
void progress_show(struct progress *p, const struct state *s, int64_t now_ms);
void progress_end(struct progress *p);

/* The line: "flows 50,000 of 200,000 (25 %), 12,500 per second, 0:12 left". */
void progress_line(char *to, size_t size, int64_t done, int64_t all, int64_t fresh, int64_t ms);

#endif
