/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_diagnose.c - why a packet with an uplink's mark might leave by another
 * line, from what the kernel has at this moment.
 *
 * Must not change anything, nor touch the plan of the last apply: it is asked in
 * the middle of things.
 */
#include "steering/steering_internal.h"

enum reason steering_diagnose(struct steering *s, const struct uplink_config *u,
			      const struct fib_query *q)
{
	struct netstate *now;
	enum reason reason;

	if (s->decisions.by_slot[u->slot] == DECISION_DOWN)
		return REASON_UPLINK_DOWN;
	now = rtnl_snapshot(s->rtnl);
	if (!now)
		return REASON_UNEXPLAINED;
	reason = fib_diagnose(now, s->config, u, q);
	netstate_free(now);
	return reason;
}

bool steering_is_restoring(struct steering *s)
{
	if (!s->state->listing_hash && steering_recall(s) < 0)
		return true;
	return ruleset_is_loaded(s);
}
