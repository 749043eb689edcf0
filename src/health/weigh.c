/* SPDX-License-Identifier: GPL-2.0-or-later */
/* weigh.c - keeps destinations and sources in two small hash tables. */
#include <stdlib.h>
#include <string.h>

#include "waymark/health/weigh.h"

#define PLACES	       4096 /* power of two; at most half are used */
#define SOURCES	       512
#define GRACE_MS       400 /* a flow younger than this may still get an answer */
#define PER_SOURCE_MAX 3   /* maximum number of unknown destinations that count per source */

struct destination {
	struct addr addr;
	struct addr src; /* source of the first unanswered flow */
	bool is_used, has_answer, had_answer, has_silence;
};

struct source {
	struct addr addr;
	bool is_used;
	uint32_t n_unknown;
};

struct weigher {
	int64_t from_ms, to_ms; /* unanswered flows count if they began between these times */
	uint32_t n_destinations, n_sources;
	struct destination destinations[PLACES];
	struct source sources[SOURCES];
};

struct weigher *weigher_new(int64_t now_ms, uint32_t window_ms)
{
	struct weigher *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->from_ms = now_ms - window_ms;
	w->to_ms = now_ms - GRACE_MS;
	return w;
}

void weigher_free(struct weigher *w)
{
	free(w);
}

/* FNV-1a. */
static uint32_t addr_hash(const struct addr *a)
{
	size_t n = a->family == AF_INET ? 4 : 16;
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ a->bytes[i]) * 16777619u;
	return hash ^ hash >> 15;
}

static struct destination *destination_get(struct weigher *w, const struct addr *dst)
{
	uint32_t i = addr_hash(dst) % PLACES;

	while (w->destinations[i].is_used && addr_compare(&w->destinations[i].addr, dst))
		i = (i + 1) % PLACES;
	if (w->destinations[i].is_used)
		return &w->destinations[i];
	if (w->n_destinations >= PLACES / 2)
		return NULL;
	w->n_destinations++;
	w->destinations[i].is_used = true;
	w->destinations[i].addr = *dst;
	return &w->destinations[i];
}

static struct source *source_get(struct weigher *w, const struct addr *src)
{
	uint32_t i = addr_hash(src) % SOURCES;

	while (w->sources[i].is_used && addr_compare(&w->sources[i].addr, src))
		i = (i + 1) % SOURCES;
	if (w->sources[i].is_used)
		return &w->sources[i];
	if (w->n_sources >= SOURCES / 2)
		return NULL;
	w->n_sources++;
	w->sources[i].is_used = true;
	w->sources[i].addr = *src;
	return &w->sources[i];
}

void weigher_take(struct weigher *w, const struct addr *src, const struct addr *dst,
		  bool is_answered, int64_t started_ms)
{
	bool is_recent = !started_ms || started_ms >= w->from_ms;
	struct destination *d;

	/* Ignore an unanswered flow that is too old, so that an old scan does not fill the table.
	 * Also ignore an unanswered flow that is so new that an answer may still come. */
	if (!is_answered && (!is_recent || started_ms > w->to_ms))
		return;
	d = destination_get(w, dst);
	if (!d)
		return;
	if (is_answered && started_ms && is_recent)
		d->has_answer = true;
	else if (is_answered)
		d->had_answer = true;
	else {
		if (!d->has_silence)
			d->src = *src;
		d->has_silence = true;
	}
}

static void unknown_count(struct weigher *w, const struct destination *d, struct weighing *out)
{
	struct source *s = source_get(w, &d->src);

	out->unknown++;
	if (s && s->n_unknown++ < PER_SOURCE_MAX)
		out->unknown_fair++;
}

void weigher_sum(struct weigher *w, struct weighing *out)
{
	*out = (struct weighing){0};
	memset(w->sources, 0, sizeof(w->sources));
	w->n_sources = 0;
	for (size_t i = 0; i < PLACES; i++) {
		const struct destination *d = &w->destinations[i];

		if (d->has_answer)
			out->alive++;
		else if (d->has_silence && d->had_answer)
			out->lost++;
		else if (d->has_silence)
			unknown_count(w, d, out);
		if (d->has_silence && !d->has_answer)
			source_get(w, &d->src);
	}
	out->sources = w->n_sources;
}

bool weighing_is_silent(const struct weighing *w)
{
	if (w->alive)
		return false;
	return w->lost >= 3 || (w->lost && w->lost + w->unknown >= 5) ||
	       (w->sources >= 2 && w->lost + w->unknown >= 8);
}

bool weighing_is_degraded(const struct weighing *w, double least)
{
	uint32_t dead = w->lost + w->unknown_fair;

	return (w->lost >= 3 || (w->sources >= 2 && dead >= 6)) &&
	       w->alive < least * (w->alive + dead);
}
