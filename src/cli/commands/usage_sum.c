/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage_sum.c - sorts bins by uplink and period, and adds up the bins of each period.
 */
#include "cli/commands/usage_sum.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "waymark/base/sort.h"

#define BINS_MIN 256

int usage_add(struct usage_bins *b, const char *uplink, int64_t time_ms, int64_t sent,
	      int64_t received)
{
	struct usage_bin *bin;

	if (b->n == b->room) {
		size_t room = b->room ? 2 * b->room : BINS_MIN;
		struct usage_bin *list = realloc(b->list, room * sizeof(*list));

		if (!list)
			return -ENOMEM;
		b->list = list;
		b->room = room;
	}
	bin = &b->list[b->n++];
	*bin = (struct usage_bin){.time_ms = time_ms, .bytes = {sent, received}};
	snprintf(bin->uplink, sizeof(bin->uplink), "%s", uplink);
	return 0;
}

void usage_clear(struct usage_bins *b)
{
	free(b->list);
	*b = (struct usage_bins){0};
}

/* Set *from to the start of the period that contains ms, in local time, and *until to the start of
 * the next period. */
static void period_find(enum usage_period period, int64_t ms, int64_t *from, int64_t *until)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm, next;

	if (period == USAGE_5MIN) {
		*from = ms - ms % (USAGE_BIN_S * 1000);
		*until = *from + USAGE_BIN_S * 1000;
		return;
	}
	localtime_r(&t, &tm);
	tm.tm_sec = tm.tm_min = 0;
	if (period != USAGE_HOUR) {
		tm.tm_hour = 0;
		tm.tm_isdst = -1;
	}
	if (period == USAGE_MONTH)
		tm.tm_mday = 1;
	next = tm;
	next.tm_hour += period == USAGE_HOUR;
	next.tm_mday += period == USAGE_DAY;
	next.tm_mon += period == USAGE_MONTH;
	*from = (int64_t)mktime(&tm) * 1000;
	*until = period == USAGE_HOUR ? *from + 3600000 : (int64_t)mktime(&next) * 1000;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int by_time(const void *a, const void *b)
{
	const struct usage_sum *x = a, *y = b;

	if (x->time_ms != y->time_ms)
		return (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
	return strcmp(x->uplink, y->uplink);
}

static int by_uplink(const void *a, const void *b)
{
	const struct usage_bin *x = a, *y = b;
	int order = strcmp(x->uplink, y->uplink);

	return order ? order : (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
}

/* Fill in the sum of n bins, all of one uplink and period. scratch has room for n numbers. */
static void sum_fill(struct usage_sum *s, const struct usage_bin *bins, size_t n, int64_t *scratch)
{
	snprintf(s->uplink, sizeof(s->uplink), "%s", bins->uplink);
	for (int d = 0; d < 2; d++) {
		for (size_t i = 0; i < n; i++) {
			s->bytes[d] += bins[i].bytes[d];
			scratch[i] = bins[i].bytes[d] * 8 / USAGE_BIN_S;
		}
		list_sort(scratch, n, sizeof(*scratch), by_size);
		s->peak[d] = scratch[n - 1];
		s->p95[d] = scratch[n - 1 - n / 20];
	}
}

int usage_sums(struct usage_bins *b, enum usage_period period, int64_t since_ms,
	       struct usage_sum **sums, size_t *n)
{
	int64_t *scratch = calloc(b->n + 1, sizeof(*scratch)), from, until;
	size_t first = 0, end;

	*n = 0;
	*sums = calloc(b->n + 1, sizeof(**sums));
	if (!*sums || !scratch) {
		free(scratch);
		free(*sums);
		*sums = NULL;
		return -ENOMEM;
	}
	list_sort(b->list, b->n, sizeof(*b->list), by_uplink);
	for (; first < b->n; first = end) {
		period_find(period, b->list[first].time_ms, &from, &until);
		for (end = first + 1; end < b->n && b->list[end].time_ms < until &&
				      !strcmp(b->list[end].uplink, b->list[first].uplink);)
			end++;
		if (until <= since_ms)
			continue;
		(*sums)[*n] = (struct usage_sum){.time_ms = from, .until_ms = until};
		sum_fill(&(*sums)[(*n)++], &b->list[first], end - first, scratch);
	}
	list_sort(*sums, *n, sizeof(**sums), by_time);
	free(scratch);
	return 0;
}

int64_t usage_since(const struct usage_bins *b, const char *uplink, int64_t since_ms)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->list[i].time_ms >= since_ms && !strcmp(b->list[i].uplink, uplink))
			bytes += b->list[i].bytes[0] + b->list[i].bytes[1];
	return bytes;
}
