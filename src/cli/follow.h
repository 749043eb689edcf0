/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * follow.h - reads what a running waymarkd has decided about uplinks and events. A command needs
 * this to make the same plan as the daemon: the daemon would revert any other plan.
 */
#ifndef WAYMARK_SRC_CLI_FOLLOW_H
#define WAYMARK_SRC_CLI_FOLLOW_H

#include "waymark/config/config.h"
#include "waymark/plan/route_plan.h"

struct steering;

/* Set the event mode and the decisions about uplinks of `steering` to those of a running daemon. Do
 * nothing if no daemon runs. */
void follow_daemon(struct steering *steering, const struct config *c);
/* Read the daemon's decision about each uplink. If no daemon runs, set all decisions to
 * DECISION_NONE. */
void follow_decisions(struct uplink_decisions *decisions, const struct config *c);

#endif
