/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steer.h - keeps the steering as planned while links come and go.
 */
#ifndef WAYMARK_SRC_DAEMON_STEER_H
#define WAYMARK_SRC_DAEMON_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/base/record.h"

struct steer;
struct daemon;

/* Called in the middle of a start or reload, when the rules are installed and no route
 * has changed yet (steering_set_midway). */
typedef void steer_midway_fn(struct daemon *d, bool is_new);

/* Also start the launcher of transactions, so call before the first thread. Return 0 or -errno,
 * logged. */
int steer_open(struct daemon *d);
void steer_set_midway(struct daemon *d, steer_midway_fn *fn);
/* Fill in why an uplink has the state that is about to be published. */
typedef void steer_explain_fn(const struct daemon *d, uint8_t slot, struct uplink_state_record *r);
void steer_set_explain(struct daemon *d, steer_explain_fn *fn);
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
/* Publish uplink states that the history lacks; the uplinks must be in it by then. */
void steer_publish_states(struct daemon *d);
/* Publish the state of each uplink again: the history has lost it. */
void steer_write_states(struct daemon *d);
/* Return the state of an uplink as a number; 0: unknown yet. */
uint8_t steer_state(const struct daemon *d, uint8_t slot);
/* Return whether new flows avoid the uplink while its existing flows stay. */
bool steer_is_drained(const struct daemon *d, uint8_t slot);
bool steer_is_up(const struct daemon *d, uint8_t slot);
/* Return whether the uplink is up and leads out in this family: 0 IPv4, 1 IPv6. */
bool steer_family_is_up(const struct daemon *d, uint8_t slot, unsigned family);
/* Return whether existing flows of the uplink keep working in this family. */
bool steer_family_carries(const struct daemon *d, uint8_t slot, unsigned family);
/* Forget the state of this slot: another uplink has it now, or none. */
void steer_forget(struct daemon *d, uint8_t slot);

#endif
