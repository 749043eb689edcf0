/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress.c - draws a progress bar a few times per second. Rows come in descending order of their
 * ids. Therefore the id of a row shows how many rows are still to come.
 */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "waymark/base/clock.h"

#define ROWS_A_LOOK 1024 /* number of rows between two readings of the clock */
#define PERIOD_MS   200
#define BAR	    30

void progress_start(struct progress *p, bool is_wanted, int64_t newest, int64_t oldest)
{
	*p = (struct progress){.first = newest, .last = oldest};
	p->is_on = is_wanted && newest > oldest && isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO);
	p->shown_ms = clock_steady_ms();
}

static void draw(struct progress *p, int64_t id)
{
	int64_t done = p->first - id, all = p->first - p->last;
	int percent = done < 0 ? 0 : done > all ? 100 : (int)(done * 100 / all);
	char bar[BAR + 1];

	for (int i = 0; i < BAR; i++)
		bar[i] = i * 100 < percent * BAR ? '#' : '.';
	bar[BAR] = '\0';
	fprintf(stderr, "\r[%s] %3d %%  %" PRIu64 " rows", bar, percent, p->rows);
}

void progress_step(struct progress *p, int64_t id)
{
	int64_t now;

	if (!p->is_on || ++p->rows % ROWS_A_LOOK)
		return;
	now = clock_steady_ms();
	if (now - p->shown_ms < PERIOD_MS)
		return;
	p->shown_ms = now;
	draw(p, id);
}

/* Erase the bar, so that only messages stay on the terminal. */
void progress_end(struct progress *p)
{
	if (p->is_on)
		fprintf(stderr, "\r\033[K");
	p->is_on = false;
}
