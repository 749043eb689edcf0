/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * talker.h - the talker: the process that talks to the outside for waymarkd. It runs as the alert
 * user without any capability, and handles alert and check programs, the webhook, and scrapes over
 * HTTP.
 *
 * waymarkd starts the talker before it opens anything, and never waits for it. If the channel is
 * full or the talker is dead, waymarkd sends the message again later or counts it as not delivered.
 * The talker consists of a spawner and its child, the worker. The spawner restarts a worker that
 * dies; a spawner that dies is not restarted.
 */
#ifndef WAYMARK_TALKER_TALKER_H
#define WAYMARK_TALKER_TALKER_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/alert/sink.h"
#include "waymark/base/addr.h"

struct talker;

/* The user that the talker becomes. If name is NULL, or if this process is not root, the talker
 * keeps the user of this process. */
struct talker_user {
	const char *name;
	bool is_changed; /* set by talker_start: the talker runs as another user */
};

/* Fork the talker. Call this while the process has a single thread and no open fd that the talker
 * must not inherit. Return NULL with errno on failure: ENOENT if the user does not exist. */
struct talker *talker_start(struct talker_user *user);
/* Give running and waiting alert programs a few seconds, then end the talker. */
void talker_stop(struct talker *t);
/* Stop and free the talker. NULL is allowed. */
void talker_free(struct talker *t);

enum talker_state {
	TALKER_WORKS,
	TALKER_SILENT, /* the worker does not answer */
	TALKER_DEAD,   /* the worker died; the spawner starts another one */
	TALKER_GONE,   /* the spawner died; no worker will be started */
};

/* Callbacks. talker_process and talker_tick call them. */
struct talker_events {
	void *data;
	/* Return the text of the metrics, malloc'd, or NULL. */
	char *(*page)(void *data);
	/* Take the result of the check with this number: "good", "bad", or why the check did not
	 * run. */
	void (*checked)(void *data, int64_t number, const char *result);
	/* Take a line that a program wrote. */
	void (*output)(void *data, const char *line);
	/* Note the talker's new state and why it changed. */
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

/* Start a check program. The result is reported later to checked() with this number. Return 0 or
 * -errno. */
int talker_check(struct talker *t, int64_t number, const char *path, char *const *environment,
		 uint32_t limit_ms);
/* Return a number that grows whenever the worker is replaced. Checks that a former worker ran give
 * no result. */
uint32_t talker_generation(const struct talker *t);
/* Return how many times a worker that died was replaced. */
uint64_t talker_restarts(const struct talker *t);

/* These sinks hand alerts to the talker. They replace the sinks that deliver from this process. The
 * data argument of their open() is the talker. The list ends with NULL. */
extern const struct sink *const talker_sinks[];

#endif
