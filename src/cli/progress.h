/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress.h - draws a progress bar for a long listing. The bar is drawn only if standard error is
 * a terminal and standard output is not.
 */
#ifndef WAYMARK_SRC_CLI_PROGRESS_H
#define WAYMARK_SRC_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool is_on;
	int64_t first, last; /* ids of the first and the last row; ids descend */
	uint64_t rows;	     /* rows so far */
	int64_t shown_ms;    /* when the bar was last drawn */
};

void progress_start(struct progress *p, bool is_wanted, int64_t newest, int64_t oldest);
/* Count a row that the query returned, and redraw the bar if it is due. Cheap. */
void progress_step(struct progress *p, int64_t id);
void progress_end(struct progress *p);

#endif
