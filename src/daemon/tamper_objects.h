/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tamper_objects.h - what has been undone how often, and what to do about it: put it
 * back, tell of it, or give up. Pure; time is passed in.
 */
#ifndef WAYMARK_SRC_DAEMON_TAMPER_OBJECTS_H
#define WAYMARK_SRC_DAEMON_TAMPER_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

/* The same thing is put back so often within so long; the next time nobody does,
 * until it has had its rest. */
#define THING_RESTORES_MAX 5
#define THING_RESTORES_MS  (60 * 1000)
#define THING_REST_MS	   (10 * 60 * 1000)

/* Things that are remembered; with more, the one asked of longest ago is forgotten. */
#define THINGS_MAX 256

enum thing_answer {
	THING_RESTORE,
	THING_NOTICE,  /* tell of it, once, and leave it as it is */
	THING_GIVE_UP, /* the same, because it was put back too often */
	THING_LEAVE,   /* it has been told of */
};

struct things;

struct things *tamper_objects_new(void); /* NULL with errno */
void tamper_objects_free(struct things *t);
void tamper_objects_forget(struct things *t);

/* A pass asks of everything that is not as wanted, at one time. What is told of
 * and not asked of in the next pass is right again. */
void tamper_objects_begin(struct things *t, int64_t now_ms);
enum thing_answer tamper_objects_ask(struct things *t, const char *name, bool is_repaired);
void tamper_objects_end(struct things *t);

/* When the next thing has had its rest; 0: none rests. */
int64_t tamper_objects_rested_ms(const struct things *t);

#endif
