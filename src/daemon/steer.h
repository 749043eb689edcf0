/* SPDX-License-Identifier: GPL-2.0-or-later */
/* steer.h - keeps the steering as planned while links, addresses and routes change. */
#ifndef WAYMARK_SRC_DAEMON_STEER_H
#define WAYMARK_SRC_DAEMON_STEER_H

#include <stdbool.h>
#include <stdint.h>

struct steer;
struct daemon;

/* Type of the function that is called during a start or reload, when the rules are installed and
 * the default route of table main is not changed yet (steering_set_midway()). is_new: the ruleset
 * was loaded during this start or reload. */
typedef void steer_midway_fn(struct daemon *d, bool is_new);

/* Open the steering. This forks the launcher of transactions, so call it before the first thread
 * starts. Return 0 or -errno, logged. */
int steer_open(struct daemon *d);
void steer_set_midway(struct daemon *d, steer_midway_fn *fn);
int steer_start(struct daemon *d);
void steer_tick(struct daemon *d, int64_t now_ms);
void steer_stop(struct daemon *d);
void steer_close(struct daemon *d);
/* Request a reconcile at the next tick. */
void steer_ask(struct daemon *d, int64_t now_ms);
bool steer_is_pending(const struct daemon *d);
/* Install the steering of the new configuration. This also ends a pause. Return 0 or -errno. */
int steer_reload(struct daemon *d);
/* Pause: remove the steering, and install nothing until the next reload. Return 0 or -errno,
 * logged. */
int steer_pause(struct daemon *d);
bool steer_is_paused(const struct daemon *d);
/* If tampering is suspected, repair and report it now. Call this before a reload, because a reload
 * repairs without a report, and before a stop, because nothing repairs after a stop. */
void steer_settle(struct daemon *d);

#endif
