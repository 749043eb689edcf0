/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tamper_objects.c - a table of limited size with the things (rules, routes, ...) that other
 * processes have changed.
 *
 * Pure. Must not know what the things are, only their names.
 */
#include "daemon/tamper_objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct thing {
	char name[160];	  /* "": this entry is free */
	int64_t asked_ms; /* time of the last pass that asked about the thing */
	int64_t restored_ms[THING_PROMPT_MAX]; /* times of the latest restores, as a ring; 0: none
					        * yet */
	unsigned next;			       /* index of the oldest time in the ring */
	unsigned fights;		       /* consecutive restores that were soon undone */
	int64_t waits_until_ms;		       /* time of the postponed restore; 0: no restore is
					        * postponed */
	int64_t rests_until_ms;		       /* end of the rest after giving up; 0: no rest */
	bool is_reported; /* the change is reported, and the thing is not to be repaired */
};

struct things {
	int64_t now_ms;
	int64_t link_ms; /* when a link last changed */
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

void tamper_objects_note_link(struct things *t, int64_t now_ms)
{
	t->link_ms = now_ms;
}

void tamper_objects_begin(struct things *t, int64_t now_ms)
{
	t->now_ms = now_ms;
}

void tamper_objects_end(struct things *t)
{
	for (size_t i = 0; i < THINGS_MAX; i++) {
		struct thing *at = &t->thing[i];

		if (at->asked_ms == t->now_ms)
			continue;
		at->is_reported = false;
		at->waits_until_ms = 0;
	}
}

bool tamper_objects_is_waiting(const struct things *t)
{
	for (size_t i = 0; i < THINGS_MAX; i++)
		if (t->thing[i].waits_until_ms)
			return true;
	return false;
}

static int64_t first_of(int64_t a_ms, int64_t b_ms)
{
	return !a_ms || (b_ms && b_ms < a_ms) ? b_ms : a_ms;
}

int64_t tamper_objects_next_ms(const struct things *t)
{
	int64_t first_ms = 0;

	for (size_t i = 0; i < THINGS_MAX; i++) {
		first_ms = first_of(first_ms, t->thing[i].rests_until_ms);
		first_ms = first_of(first_ms, t->thing[i].waits_until_ms);
	}
	return first_ms;
}

/* Return an entry for a new thing: a free entry or, if there is none, the entry with the lowest
 * asked_ms. */
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

/* Return whether the thing is left alone at this time. If the clock was set back, the rest ends. */
static bool thing_rests(struct thing *at, int64_t now_ms)
{
	if (!at->rests_until_ms)
		return false;
	if (now_ms < at->rests_until_ms && at->rests_until_ms - now_ms <= THING_REST_MS)
		return true;
	at->rests_until_ms = 0;
	at->fights = 0;
	memset(at->restored_ms, 0, sizeof(at->restored_ms));
	return false;
}

static int64_t last_restored_ms(const struct thing *at)
{
	return at->restored_ms[(at->next + THING_PROMPT_MAX - 1) % THING_PROMPT_MAX];
}

/* Return whether then_ms is set (not 0), is not later than now_ms, and is at most most_ms earlier
 * than now_ms. */
static bool is_within(int64_t then_ms, int64_t now_ms, int64_t most_ms)
{
	return then_ms && then_ms <= now_ms && now_ms - then_ms <= most_ms;
}

/* Return when to restore the thing: now or, after many recent restores, THING_SPACING_MS after the
 * last one. */
static int64_t restore_due_ms(const struct thing *at, int64_t now_ms)
{
	if (!is_within(at->restored_ms[at->next], now_ms, THING_PROMPT_MS) ||
	    !is_within(last_restored_ms(at), now_ms, THING_SPACING_MS))
		return now_ms;
	return last_restored_ms(at) + THING_SPACING_MS;
}

/* The thing was changed again. If its last restore was undone within THING_FIGHT_MS, increment
 * `fights`, else set it to 0. A restore that was counted, or after which a link has changed
 * (tamper_objects_note_link()), is not counted. */
static void fight_count(struct thing *at, const struct things *t)
{
	int64_t restored_ms = last_restored_ms(at);
	bool is_counted = at->waits_until_ms != 0;

	if (is_counted)
		return;
	if (!is_within(restored_ms, t->now_ms, THING_FIGHT_MS))
		at->fights = 0;
	else if (t->link_ms < restored_ms)
		at->fights++;
}

static enum thing_answer thing_restore(struct thing *at, const struct things *t)
{
	int64_t due_ms;

	/* If a reconcile is retried, it asks about the thing a second time in the same pass. Do not
	 * count the restore twice. */
	if (last_restored_ms(at) == t->now_ms)
		return THING_RESTORE;
	fight_count(at, t);
	if (at->fights >= THING_FIGHT_MAX) {
		at->waits_until_ms = 0;
		at->rests_until_ms = t->now_ms + THING_REST_MS;
		return THING_GIVE_UP;
	}
	due_ms = restore_due_ms(at, t->now_ms);
	if (due_ms > t->now_ms) {
		at->waits_until_ms = due_ms;
		return THING_WAIT;
	}
	at->waits_until_ms = 0;
	at->restored_ms[at->next] = t->now_ms;
	at->next = (at->next + 1) % THING_PROMPT_MAX;
	return THING_RESTORE;
}

enum thing_answer tamper_objects_ask(struct things *t, const char *name, bool is_repaired)
{
	struct thing *at = thing_find(t, name);
	bool was_reported = at->is_reported;

	at->asked_ms = t->now_ms;
	if (thing_rests(at, t->now_ms))
		return THING_LEAVE;
	if (is_repaired)
		return thing_restore(at, t);
	at->is_reported = true;
	return was_reported ? THING_LEAVE : THING_NOTICE;
}
