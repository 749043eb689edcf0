/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplink_state.h - describes an uplink's state in one word, from the plan and a snapshot. Pure. The
 * daemon and the command line both use these functions, so that they report the same state.
 */
#ifndef WAYMARK_PLAN_UPLINK_STATE_H
#define WAYMARK_PLAN_UPLINK_STATE_H

#include "waymark/config/config.h"
#include "waymark/plan/netstate.h"
#include "waymark/plan/route_plan.h"

/* Return "up", "down", "drain", "missing", "no-address" or "no-gateway". An uplink is up if it
 * works in one family. If `plan` is NULL or lacks the uplink, derive the state from the interface
 * and its addresses alone. */
const char *uplink_state(const struct uplink_config *u, const struct route_plan *plan,
			 const struct netstate *s);

/* Return the plan of one uplink, or NULL. */
const struct uplink_plan *uplink_plan_find(const struct route_plan *plan, uint8_t slot);

/* Return the uplink's addresses with their prefix lengths, without link-local ones, separated by
 * commas. The text is malloc'd; NULL with errno on failure. */
char *uplink_addresses(const struct uplink_config *u, const struct netstate *s);

#endif
