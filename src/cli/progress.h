/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress.h - how far a long listing has got, on standard error where that is a
 * terminal and the listing itself goes elsewhere.
 */
#ifndef WAYMARK_SRC_CLI_PROGRESS_H
#define WAYMARK_SRC_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool is_on;
	int64_t first, last; /* ids, from the newest down to the oldest */
	uint64_t rows;
	int64_t shown_ms;
};

void progress_start(struct progress *p, bool is_wanted, int64_t newest, int64_t oldest);
/* A row is out. Cheap. */
void progress_step(struct progress *p, int64_t id);
void progress_end(struct progress *p);

#endif
