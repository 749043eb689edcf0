/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress.c - shows how many changes of table flows a target has acknowledged, from the positions
 * in the state. Of several targets, it shows the one with the most pending changes.
 */
#include "export/progress.h"

#include <stdio.h>

#define BAR_CELLS 20

void progress_start(struct progress *p, bool is_on)
{
	*p = (struct progress){.is_on = is_on};
}

static void sums(const struct export_state *s, int64_t *done, int64_t *all)
{
	*done = *all = 0;
	for (unsigned i = 0; i < s->n_targets; i++) {
		const struct export_state_table *t = s->targets[i].tables;
		int64_t position = t[FEED_FLOWS].position, seen = t[FEED_FLOWS].seen;

		if (i == 0 || seen - position > *all - *done) {
			*done = position;
			*all = seen > position ? seen : position;
		}
	}
}

void progress_line(char *to, size_t size, int64_t done, int64_t all, int64_t fresh, int64_t ms)
{
	int64_t rate = ms > 0 ? fresh * 1000 / ms : 0, left = rate ? (all - done) / rate : 0;
	int cells = all ? (int)(done * BAR_CELLS / all) : BAR_CELLS;
	char bar[BAR_CELLS + 1];

	for (int i = 0; i < BAR_CELLS; i++)
		bar[i] = i < cells ? '#' : '.';
	bar[BAR_CELLS] = '\0';
	snprintf(to, size, "[%s] %lld of %lld changes (%lld %%), %lld per second, %lld:%02lld left",
		 bar, (long long)done, (long long)all, (long long)(all ? done * 100 / all : 100),
		 (long long)rate, (long long)(left / 60), (long long)(left % 60));
}

void progress_show(struct progress *p, const struct export_state *s, int64_t now_ms)
{
	int64_t done, all;
	char line[160];

	if (!p->is_on)
		return;
	sums(s, &done, &all);
	if (!p->has_shown) {
		p->has_shown = true;
		p->started_ms = now_ms;
		p->first_done = done;
	}
	progress_line(line, sizeof(line), done, all, done - p->first_done, now_ms - p->started_ms);
	fprintf(stderr, "\r%s\033[K", line);
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->has_shown)
		fputc('\n', stderr);
}
