/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steer.h - keeps the steering as planned while links come and go.
 */
#ifndef WAYMARK_SRC_DAEMON_STEER_H
#define WAYMARK_SRC_DAEMON_STEER_H

#include <stdbool.h>
#include <stdint.h>

struct steer;
struct daemon;

/* Called in the middle of a start or reload, when the rules are installed and no route
 * has changed yet (steering_set_midway). */
typedef void steer_midway_fn(struct daemon *d, bool is_new);

/* Also start the launcher of transactions, so call before the first thread. Return 0 or -errno,
 * logged. */
int steer_open(struct daemon *d);
void steer_set_midway(struct daemon *d, steer_midway_fn *fn);
int steer_start(struct daemon *d);
void steer_tick(struct daemon *d, int64_t now_ms);
void steer_stop(struct daemon *d);
void steer_close(struct daemon *d);
/* Ask for a reconcile at the next tick. */
void steer_ask(struct daemon *d, int64_t now_ms);
bool steer_is_pending(const struct daemon *d);
/* Follow another configuration: ruleset, routes, addresses. 0 or -errno. */
int steer_reload(struct daemon *d);
/* Remove the steering and pause until the next reload. 0 or -errno, logged. */
int steer_pause(struct daemon *d);
bool steer_is_paused(const struct daemon *d);
/* Repair and report pending suspicions: a reload would repair them silently, and after a stop
 * nothing would. */
void steer_settle(struct daemon *d);

#endif
