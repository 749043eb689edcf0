/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * talker.h - the process that talks to the outside for waymarkd, as the alert user and
 * without any capability: alert and check programs, the webhook, HTTP for scrapes.
 *
 * waymarkd starts it first, before it opens anything, and never waits for it: what finds
 * the channel full or the talker away is counted as not delivered, or sent again later.
 * A talker that dies is started again by its spawner; a spawner that dies is not.
 */
#ifndef WAYMARK_TALKER_TALKER_H
#define WAYMARK_TALKER_TALKER_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/alert/sink.h"
#include "waymark/base/addr.h"

struct talker;

/* The user that the talker becomes. name NULL, or not root: it keeps our user. */
struct talker_user {
	const char *name;
	bool is_changed; /* out: it is another user than ours */
};

/* Fork the talker. Call while single-threaded, with no fd open that the talker must not have. NULL
 * with errno: ENOENT if the user does not exist. */
struct talker *talker_start(struct talker_user *user);
/* Give running and waiting alerts a moment, then end the talker. */
void talker_stop(struct talker *t);
/* NULL: nothing. */
void talker_free(struct talker *t);

enum talker_state {
	TALKER_WORKS,
	TALKER_SILENT, /* it does not answer */
	TALKER_DEAD,   /* another one is being started */
	TALKER_GONE,   /* no other one will be started */
};

/* Called from talker_process and talker_tick. */
struct talker_events {
	void *data;
	/* Return the page, malloc'd, or NULL. */
	char *(*page)(void *data);
	/* The result of a check: "good", "bad", or why it did not run. */
	void (*checked)(void *data, int64_t number, const char *result);
	/* A line that a program wrote. */
	void (*output)(void *data, const char *line);
	/* The state has changed to state because of why. */
	void (*changed)(void *data, enum talker_state state, const char *why);
};
void talker_set_events(struct talker *t, const struct talker_events *events);

/* Return the fd to poll for reading, or -1 once the talker has exited. */
int talker_fd(const struct talker *t);
void talker_process(struct talker *t);
/* Call several times per second. */
void talker_tick(struct talker *t, int64_t now_ms);

/* Answer scrapes at addr; port 0: stop listening. Return 0, or -errno and change nothing. */
int talker_listen(struct talker *t, const struct addr *addr, uint16_t port);

/* Start a check program; its result is reported with number. Return 0 or -errno. */
int talker_check(struct talker *t, int64_t number, const char *path, char *const *environment,
		 uint32_t limit_ms);
/* Return a number that grows when the worker is replaced: checks of a former worker give no
 * result. */
uint32_t talker_generation(const struct talker *t);
/* Return how many times a worker that died was replaced. */
uint64_t talker_restarts(const struct talker *t);

/* Sinks that hand alerts to the talker, in place of those of this process; their data is the
 * talker. Ends with NULL. */
extern const struct sink *const talker_sinks[];

#endif
