/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * follow.h - what a running daemon has chosen, for a plan that is made beside it: it would
 * restore its choice.
 */
#ifndef WAYMARK_SRC_CLI_FOLLOW_H
#define WAYMARK_SRC_CLI_FOLLOW_H

#include "waymark/config/config.h"
#include "waymark/plan/route_plan.h"

struct steering;

/* Follow the events and decisions of a running daemon; without one do nothing. */
void follow_daemon(struct steering *steering, const struct config *c);
/* Read the daemon's decision on each uplink; all DECISION_NONE if no daemon runs. */
void follow_decisions(struct uplink_decisions *decisions, const struct config *c);

#endif
