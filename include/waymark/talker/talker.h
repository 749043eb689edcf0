/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * talker.h - the talker: the process that talks to the outside for waymarkd. It runs as the alert
 * user without any capability. It runs alert and check programs, sends alerts to the webhook, and
 * answers scrapes over HTTP.
 *
 * waymarkd starts the talker before it opens any file or socket, and never waits for it. If the
 * channel to the talker is full or the talker is dead, waymarkd sends the message again later or
 * counts it as not delivered. The talker consists of a spawner and its child, the worker. If the
 * worker dies, the spawner starts another one. A spawner that dies is not replaced.
 */
#ifndef WAYMARK_TALKER_TALKER_H
#define WAYMARK_TALKER_TALKER_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/alert/sink.h"
#include "waymark/base/addr.h"

struct talker;

/* The user that the talker runs as. If `name` is NULL, or if this process is not root, the talker
 * runs as the user of this process. */
struct talker_user {
	const char *name;
	bool is_changed; /* set by talker_start(): whether the talker runs as another user */
};

/* Fork the talker. Call this before the process starts a thread or opens an fd that the talker must
 * not inherit. On failure return NULL with errno; ENOENT: the user does not exist. */
struct talker *talker_start(struct talker_user *user);
/* Wait at most a few seconds for running and queued alert programs, then end the talker. */
void talker_stop(struct talker *t);
/* Stop and free the talker. NULL is allowed. */
void talker_free(struct talker *t);

enum talker_state {
	TALKER_WORKS,
	TALKER_SILENT, /* the worker does not answer */
	TALKER_DEAD,   /* the worker died; the spawner starts another one */
	TALKER_GONE,   /* the spawner died; no worker will be started */
};

/* Callbacks. talker_process() and talker_tick() call them. */
struct talker_events {
	void *data;
	/* A scrape needs the metrics: return their text, malloc'd, or NULL. */
	char *(*page)(void *data);
	/* The check that talker_check() started with this number has ended. The result is "good",
	 * "bad", or the reason why the program did not run. */
	void (*checked)(void *data, int64_t number, const char *result);
	/* A program wrote this line. */
	void (*output)(void *data, const char *line);
	/* The talker's state has changed to `state`; `why` is the reason, for people. */
	void (*changed)(void *data, enum talker_state state, const char *why);
};
void talker_set_events(struct talker *t, const struct talker_events *events);

/* Return the fd to poll for reading, or -1 once the talker has exited. */
int talker_fd(const struct talker *t);
void talker_process(struct talker *t);
/* Call several times per second. */
void talker_tick(struct talker *t, int64_t now_ms);

/* Answer scrapes at addr and port; port 0 stops listening. Return 0. On failure return -errno and
 * keep the previous listener. */
int talker_listen(struct talker *t, const struct addr *addr, uint16_t port);

/* Start the check program at `path`, with a time limit of limit_ms. Its result is passed to
 * checked() later, together with `number`. Return 0 or -errno. */
int talker_check(struct talker *t, int64_t number, const char *path, char *const *environment,
		 uint32_t limit_ms);
/* Return a number that grows when a worker is replaced. A check that is running at that moment
 * never gets a result. */
uint32_t talker_generation(const struct talker *t);
/* Return how many times a worker that died was replaced. */
uint64_t talker_restarts(const struct talker *t);

/* Sinks that pass alerts to the talker. Give this list to alerter_new_with(), with the talker as
 * `data`; they replace the sinks that would deliver alerts from this process. The list ends with
 * NULL. */
extern const struct sink *const talker_sinks[];

#endif
