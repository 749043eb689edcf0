/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * follow.h - reads what a running waymarkd has decided, so that a command makes the same
 * plan as the daemon. Otherwise the daemon would revert what the command applied.
 */
#ifndef WAYMARK_SRC_CLI_FOLLOW_H
#define WAYMARK_SRC_CLI_FOLLOW_H

#include "waymark/config/config.h"
#include "waymark/plan/route_plan.h"

struct steering;

/* Make steering follow the events and decisions of a running daemon; without a daemon, do
 * nothing. */
void follow_daemon(struct steering *steering, const struct config *c);
/* Read the daemon's decision on each uplink; if no daemon runs, all are DECISION_NONE. */
void follow_decisions(struct uplink_decisions *decisions, const struct config *c);

#endif
