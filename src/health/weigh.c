/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * weigh.c - counts the destinations, sources and services of an uplink's flows in small hash
 * tables, and judges from the sums whether the uplink is silent or degraded.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/health/weigh.h"

#define PLACES	       4096 /* power of two; at most half are used */
#define SOURCES	       512
#define SERVICES       256
#define GRACE_MS       400 /* a flow younger than this may still get an answer */
#define PER_SOURCE_MAX 3   /* maximum number of unknown destinations that count per source */

struct destination {
	struct addr addr;
	struct addr src;  /* source of the first unanswered flow */
	uint32_t service; /* service of the first unanswered flow */
	/* has_answer: it answered a flow of the window; had_answer: it answered an older flow;
	 * has_silence: a flow of the window is unanswered */
	bool is_used, has_answer, had_answer, has_silence;
	bool is_mixed; /* flows to several services are unanswered */
};

struct service {
	uint32_t id;
	bool is_used;
	bool had_answer; /* this uplink got an answer from it */
	/* `dead`: how many destinations do not answer and were asked for this service alone.
	 * `lost`: how many of these answered before. */
	uint32_t dead, lost;
	uint32_t elsewhere[2]; /* recent flows by other uplinks: unanswered, answered */
};

struct source {
	struct addr addr;
	bool is_used;
	uint32_t n_unknown; /* destinations that never answered and that it asked first */
};

struct weigher {
	int64_t from_ms, to_ms; /* unanswered flows count if they began between these times */
	uint32_t window_ms;
	uint32_t n_destinations, n_sources, n_services;
	struct destination destinations[PLACES];
	struct source sources[SOURCES];
	struct service services[SERVICES];
};

uint32_t weigh_service(uint8_t proto, uint16_t dport)
{
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return dport;
	default:
		return 0x10000u | proto;
	}
}

struct weigher *weigher_new(int64_t now_ms, uint32_t window_ms)
{
	struct weigher *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->window_ms = window_ms;
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

static struct service *service_get(struct weigher *w, uint32_t id)
{
	uint32_t i = id % SERVICES;

	while (w->services[i].is_used && w->services[i].id != id)
		i = (i + 1) % SERVICES;
	if (w->services[i].is_used)
		return &w->services[i];
	if (w->n_services >= SERVICES / 2)
		return NULL;
	w->n_services++;
	w->services[i] = (struct service){.id = id, .is_used = true};
	return &w->services[i];
}

/* --- flows --------------------------------------------------------------------------------- */

static bool is_recent(const struct weigher *w, const struct weighed_flow *f)
{
	return !f->started_ms || f->started_ms >= w->from_ms;
}

/* Return whether the flow counts as unanswered: it began in the window, but so long ago that its
 * answer is late. Older flows do not count, because an old scan would fill the tables. */
static bool is_overdue(const struct weigher *w, const struct weighed_flow *f)
{
	return !f->is_answered && is_recent(w, f) && f->started_ms <= w->to_ms;
}

static void silence_note(struct destination *d, const struct weighed_flow *f)
{
	if (!d->has_silence) {
		d->src = *f->src;
		d->service = f->service;
	}
	d->is_mixed |= d->service != f->service;
	d->has_silence = true;
}

void weigher_take(struct weigher *w, const struct weighed_flow *f)
{
	struct destination *d;
	struct service *s;

	if (!f->is_answered && !is_overdue(w, f))
		return;
	d = destination_get(w, f->dst);
	s = service_get(w, f->service);
	if (s && f->is_answered)
		s->had_answer = true;
	if (!d)
		return;
	if (f->is_answered && f->started_ms && is_recent(w, f))
		d->has_answer = true;
	else if (f->is_answered)
		d->had_answer = true;
	else
		silence_note(d, f);
}

void weigher_take_elsewhere(struct weigher *w, const struct weighed_flow *f)
{
	struct service *s;

	if (!f->started_ms || !is_recent(w, f) || (!f->is_answered && !is_overdue(w, f)))
		return;
	s = service_get(w, f->service);
	if (s)
		s->elsewhere[f->is_answered]++;
}

/* --- sums ---------------------------------------------------------------------------------- */

static void unknown_count(struct weigher *w, const struct destination *d, struct weighing *out)
{
	struct source *s = source_get(w, &d->src);

	out->unknown++;
	if (s && s->n_unknown++ < PER_SOURCE_MAX)
		out->unknown_fair++;
}

static void dead_count(struct weigher *w, const struct destination *d, struct weighing *out)
{
	struct service *s = d->is_mixed ? NULL : service_get(w, d->service);

	source_get(w, &d->src);
	if (d->had_answer)
		out->lost++;
	else
		unknown_count(w, d, out);
	if (!s)
		return;
	s->dead++;
	s->lost += d->had_answer;
}

/* Write the fields of *out about the main service, which has the most `dead` destinations, about
 * the other services, and about the main service by other uplinks. */
static void services_sum(const struct weigher *w, struct weighing *out)
{
	const struct service *main = NULL;

	for (size_t i = 0; i < SERVICES; i++)
		if (w->services[i].dead > (main ? main->dead : 0))
			main = &w->services[i];
	out->service = main ? main->id : SERVICE_NONE;
	out->other_lost = out->lost - (main ? main->lost : 0);
	if (!main)
		return;
	out->service_dead = main->dead;
	out->elsewhere_unanswered = main->elsewhere[false];
	out->elsewhere_answered = main->elsewhere[true];
	for (size_t i = 0; i < SERVICES; i++)
		if (w->services[i].had_answer && &w->services[i] != main)
			out->had_other = true;
}

void weigher_sum(struct weigher *w, struct weighing *out)
{
	*out = (struct weighing){.window_ms = w->window_ms};
	memset(w->sources, 0, sizeof(w->sources));
	w->n_sources = 0;
	for (size_t i = 0; i < SERVICES; i++)
		w->services[i].dead = w->services[i].lost = 0;
	for (size_t i = 0; i < PLACES; i++) {
		const struct destination *d = &w->destinations[i];

		if (d->has_answer)
			out->alive++;
		else if (d->has_silence)
			dead_count(w, d, out);
	}
	out->sources = w->n_sources;
	services_sum(w, out);
}

/* --- findings ------------------------------------------------------------------------------ */

/* After this time without any answer, one service alone shows that the uplink is silent. Clients
 * that cannot resolve names begin no flows to other services that could show it earlier. */
#define ALONE_MS	   10000
#define ALONE_ELSEWHERE_MS 4000 /* the same if the service answers by other uplinks */
#define ELSEWHERE_LEAST	   3	/* minimum number of flows by other uplinks for a comparison */

static bool is_enough(const struct weighing *w)
{
	return w->lost >= 3 || (w->lost && w->lost + w->unknown >= 5) ||
	       (w->sources >= 2 && w->lost + w->unknown >= 8);
}

/* Return whether the flows to one service alone show that the uplink is silent. */
static bool is_silent_by_service(const struct weighing *w)
{
	uint32_t elsewhere = w->elsewhere_answered + w->elsewhere_unanswered;
	bool is_likely = w->other_lost || !w->had_other;

	if (elsewhere < ELSEWHERE_LEAST)
		return is_likely || w->window_ms >= ALONE_MS;
	if (2 * w->elsewhere_answered < elsewhere)
		return false;
	return is_likely || w->window_ms >= ALONE_ELSEWHERE_MS;
}

enum weighing_finding weighing_judge(const struct weighing *w)
{
	bool is_one_service = 2 * w->service_dead > w->lost + w->unknown && w->other_lost < 2;

	if (w->alive || !is_enough(w))
		return WEIGHING_NOTHING;
	if (!is_one_service || is_silent_by_service(w))
		return WEIGHING_SILENT;
	return WEIGHING_SERVICE;
}

bool weighing_is_degraded(const struct weighing *w, double least)
{
	uint32_t dead = w->lost + w->unknown_fair;

	return (w->lost >= 3 || (w->sources >= 2 && dead >= 6)) &&
	       w->alive < least * (w->alive + dead);
}
