/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplink_state.h - an uplink's state in one word, from the plan and a snapshot.
 * Pure; the daemon and the tool say the same.
 */
#ifndef WAYMARK_PLAN_UPLINK_STATE_H
#define WAYMARK_PLAN_UPLINK_STATE_H

#include "waymark/config/config.h"
#include "waymark/plan/netstate.h"
#include "waymark/plan/route_plan.h"

/* Return "up", "down", "drain", "missing", "no-address", "no-gateway". An uplink that is fine in
 * one family is up. plan may be NULL or lack the uplink (mode audit plans
 * nothing): then link and addresses alone decide. */
const char *uplink_state(const struct uplink_config *u, const struct route_plan *plan,
			 const struct netstate *s);

/* Return the plan of one uplink, or NULL. */
const struct uplink_plan *uplink_plan_find(const struct route_plan *plan, uint8_t slot);

/* List the uplink's addresses except link-local ones, each with its length,
 * comma-separated, malloc'd; NULL with errno. */
char *uplink_addresses(const struct uplink_config *u, const struct netstate *s);

#endif
