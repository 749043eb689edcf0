/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tamper_objects.c - a bounded table of things that somebody undoes.
 *
 * Pure. It must not know what the things are, only their names.
 */
#include "daemon/tamper_objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct thing {
	char name[160]; /* "": the place is free */
	int64_t asked_ms;
	int64_t restored_ms[THING_RESTORES_MAX]; /* a ring; 0: not yet */
	unsigned next;				 /* in the ring: the oldest */
	int64_t rests_until_ms;			 /* 0: it does not */
	bool is_told;
};

struct things {
	int64_t now_ms;
	struct thing thing[THINGS_MAX];
};

struct things *tamper_objects_new(void)
{
	return calloc(1, sizeof(struct things));
}

void tamper_objects_free(struct things *t)
{
	free(t);
}

void tamper_objects_forget(struct things *t)
{
	memset(t, 0, sizeof(*t));
}

void tamper_objects_begin(struct things *t, int64_t now_ms)
{
	t->now_ms = now_ms;
}

void tamper_objects_end(struct things *t)
{
	for (size_t i = 0; i < THINGS_MAX; i++)
		if (t->thing[i].asked_ms != t->now_ms)
			t->thing[i].is_told = false;
}

int64_t tamper_objects_rested_ms(const struct things *t)
{
	int64_t first = 0;

	for (size_t i = 0; i < THINGS_MAX; i++) {
		int64_t until = t->thing[i].rests_until_ms;

		if (until && (!first || until < first))
			first = until;
	}
	return first;
}

/* A free place, or that of who was asked of longest ago. */
static struct thing *thing_new(struct things *t, const char *name)
{
	struct thing *oldest = &t->thing[0];

	for (size_t i = 1; i < THINGS_MAX && *oldest->name; i++) {
		struct thing *at = &t->thing[i];

		if (!*at->name || at->asked_ms < oldest->asked_ms)
			oldest = at;
	}
	memset(oldest, 0, sizeof(*oldest));
	snprintf(oldest->name, sizeof(oldest->name), "%s", name);
	return oldest;
}

static struct thing *thing_find(struct things *t, const char *name)
{
	for (size_t i = 0; i < THINGS_MAX; i++)
		if (!strncmp(t->thing[i].name, name, sizeof(t->thing[i].name) - 1))
			return &t->thing[i];
	return thing_new(t, name);
}

/* A clock that has jumped back must not make it rest for ever. */
static bool thing_rests(struct thing *at, int64_t now_ms)
{
	if (!at->rests_until_ms)
		return false;
	if (now_ms < at->rests_until_ms && at->rests_until_ms - now_ms <= THING_REST_MS)
		return true;
	at->rests_until_ms = 0;
	memset(at->restored_ms, 0, sizeof(at->restored_ms));
	return false;
}

/* What could not be done at once is asked of again in the same pass. */
static bool is_of_this_pass(const struct thing *at, int64_t now_ms)
{
	return at->restored_ms[(at->next + THING_RESTORES_MAX - 1) % THING_RESTORES_MAX] == now_ms;
}

static enum thing_answer thing_restore(struct thing *at, int64_t now_ms)
{
	int64_t oldest_ms = at->restored_ms[at->next];

	if (is_of_this_pass(at, now_ms))
		return THING_RESTORE;
	if (oldest_ms && oldest_ms <= now_ms && now_ms - oldest_ms <= THING_RESTORES_MS) {
		at->rests_until_ms = now_ms + THING_REST_MS;
		return THING_GIVE_UP;
	}
	at->restored_ms[at->next] = now_ms;
	at->next = (at->next + 1) % THING_RESTORES_MAX;
	return THING_RESTORE;
}

enum thing_answer tamper_objects_ask(struct things *t, const char *name, bool is_repaired)
{
	struct thing *at = thing_find(t, name);
	bool was_told = at->is_told;

	at->asked_ms = t->now_ms;
	if (thing_rests(at, t->now_ms))
		return THING_LEAVE;
	if (is_repaired)
		return thing_restore(at, t->now_ms);
	at->is_told = true;
	return was_told ? THING_LEAVE : THING_NOTICE;
}
