/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tamper_objects.h - remembers how often other processes have changed each thing (a route, a rule,
 * a sysctl or the ruleset), and decides what to do: restore it now or later, only report it, or
 * give up. Pure; time is passed in.
 */
#ifndef WAYMARK_SRC_DAEMON_TAMPER_OBJECTS_H
#define WAYMARK_SRC_DAEMON_TAMPER_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

/* The first THING_PROMPT_MAX restores of a thing within THING_PROMPT_MS happen at once; later
 * restores are THING_SPACING_MS apart. */
#define THING_PROMPT_MAX 5
#define THING_PROMPT_MS	 (60 * 1000)
#define THING_SPACING_MS 5000

/* If another process undoes THING_FIGHT_MAX restores in a row, each within THING_FIGHT_MS, leave
 * the thing alone for THING_REST_MS. */
#define THING_FIGHT_MS	2500
#define THING_FIGHT_MAX 8
#define THING_REST_MS	(10 * 60 * 1000)

/* Maximum number of remembered things. If there are more, the thing whose last tamper_objects_ask()
 * is the oldest is forgotten. */
#define THINGS_MAX 256

enum thing_answer {
	THING_RESTORE,
	THING_WAIT,    /* restored too often: restore it later */
	THING_NOTICE,  /* report it once, and do not repair it */
	THING_GIVE_UP, /* report once that repairs stop, because each repair was undone */
	THING_LEAVE,   /* do nothing: it is already reported */
};

struct things;

struct things *tamper_objects_new(void); /* NULL with errno */
void tamper_objects_free(struct things *t);
void tamper_objects_forget(struct things *t);

/* Note that a link has changed. A network manager that configures the link can then remove rules
 * that it did not add. Such a removal does not count as undoing a restore. */
void tamper_objects_note_link(struct things *t, int64_t now_ms);

/* A pass (tamper.h) calls tamper_objects_begin(), then tamper_objects_ask() for everything that
 * another process has changed, and tamper_objects_end(). `is_repaired` is the setting `repair` of
 * the configuration. If a pass does not ask about a reported thing, the thing is correct again. */
void tamper_objects_begin(struct things *t, int64_t now_ms);
enum thing_answer tamper_objects_ask(struct things *t, const char *name, bool is_repaired);
void tamper_objects_end(struct things *t);

/* Return whether any thing waits for its restore (THING_WAIT). */
bool tamper_objects_is_waiting(const struct things *t);
/* Return the earliest time at which a thing's wait (THING_WAIT) or rest (after THING_GIVE_UP) ends;
 * 0: no thing waits or rests. */
int64_t tamper_objects_next_ms(const struct things *t);

#endif
