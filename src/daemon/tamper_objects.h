/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tamper_objects.h - how often each thing has been undone, and what to do about it:
 * restore it now, wait, only notice it, or give up. Pure; time is passed in.
 */
#ifndef WAYMARK_SRC_DAEMON_TAMPER_OBJECTS_H
#define WAYMARK_SRC_DAEMON_TAMPER_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

/* So many restores of a thing within so long happen at once; further ones are spaced. */
#define THING_PROMPT_MAX 5
#define THING_PROMPT_MS	 (60 * 1000)
#define THING_SPACING_MS 5000

/* A thing that is undone so soon after its restore, so often in a row, is fought over:
 * it is left alone until it has had its rest. */
#define THING_FIGHT_MS	2500
#define THING_FIGHT_MAX 8
#define THING_REST_MS	(10 * 60 * 1000)

/* Things that are remembered; with more, the one asked about longest ago is forgotten. */
#define THINGS_MAX 256

enum thing_answer {
	THING_RESTORE,
	THING_WAIT,    /* restored a moment ago, again: later */
	THING_NOTICE,  /* report it, once, and leave it as it is */
	THING_GIVE_UP, /* the same, because another process fights over it */
	THING_LEAVE,   /* already reported */
};

struct things;

struct things *tamper_objects_new(void); /* NULL with errno */
void tamper_objects_free(struct things *t);
void tamper_objects_forget(struct things *t);

/* Note that a link has changed: a network manager that configures it removes foreign
 * rules once, which is no fight. */
void tamper_objects_note_link(struct things *t, int64_t now_ms);

/* A pass asks about everything that is not as wanted, at one time. What is reported and
 * not asked about in the next pass is right again. */
void tamper_objects_begin(struct things *t, int64_t now_ms);
enum thing_answer tamper_objects_ask(struct things *t, const char *name, bool is_repaired);
void tamper_objects_end(struct things *t);

/* Whether a thing waits for its restore. */
bool tamper_objects_is_waiting(const struct things *t);
/* When the next thing may be restored: it waited, or has had its rest; 0: none. */
int64_t tamper_objects_next_ms(const struct things *t);

#endif
