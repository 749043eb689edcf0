/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplink_health.h - feeds the health detector (waymark/health/) with the kernel's counters and
 * dumps, runs check programs, decides which uplinks are used, and passes these decisions to the
 * steering.
 */
#ifndef WAYMARK_SRC_DAEMON_UPLINK_HEALTH_H
#define WAYMARK_SRC_DAEMON_UPLINK_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/base/record.h"
#include "waymark/health/decide.h"
#include "waymark/health/health.h"

struct uplink_health;
struct daemon;

int uplink_health_open(struct daemon *d); /* 0 or -errno, logged */
void uplink_health_close(struct daemon *d);
void uplink_health_tick(struct daemon *d, int64_t now_ms);
/* Forget the state of a slot that now belongs to another uplink or to none. */
void uplink_health_forget(struct daemon *d, uint8_t slot);
/* Decide for each uplink whether it is used, drained or down, and pass changes to the steering.
 * Called at the start, at each tick, and immediately after an operator's order. */
void uplink_health_decide(struct daemon *d, int64_t now_ms);

/* Take the result of the check program that was started with this number (`checked` in
 * talker.h). */
void uplink_health_checked(struct daemon *d, int64_t number, const char *result);

/* The health of an uplink: what the uplink's flows show (passive), the current decision, and the
 * state of its check program. */
struct uplink_health_view {
	struct health_view passive;
	struct decision decision;
	int check; /* check program: 1 good, 0 bad, -1 unknown */
};
void uplink_health_get(const struct daemon *d, uint8_t slot, struct uplink_health_view *out);

/* Return why an uplink has `state`, which is a result of uplink_state(). */
enum state_cause uplink_health_cause(const struct daemon *d, uint8_t slot, const char *state);
/* Fill in the record of an uplink's state: the decision, the cause of the state, and the operator
 * who gave the latest order. */
void uplink_health_explain(const struct daemon *d, uint8_t slot, struct uplink_state_record *r);

/* Return the health that is reported: silent if the check program fails, healthy if it passes and
 * there are no new flows, else what the flows show. */
enum health_state uplink_health_state(const struct daemon *d, uint8_t slot);

#endif
