/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_diagnose.c - finds in the kernel's current rules and routes why a packet with an
 * uplink's mark leaves by another interface, or why a new flow leaves by a drained uplink.
 *
 * Must not change the kernel's state, nor use the plan of the last apply, because an apply may be
 * in progress.
 */
#include "steering/steering_internal.h"
#include "waymark/plan/drain.h"

static void object_name(enum reason reason, const struct fib_answer *a, const struct netstate *s,
			char object[OBJECT_MAX])
{
	if (reason == REASON_RULE_BEFORE)
		rule_format(object, OBJECT_MAX, a->rule);
	else if (reason == REASON_ROUTE_SPECIFIC)
		route_format(object, OBJECT_MAX, a->route, s);
}

enum reason steering_diagnose(struct steering *s, const struct uplink_config *u,
			      const struct fib_query *q, char object[OBJECT_MAX])
{
	struct netstate *now = rtnl_snapshot(s->rtnl);
	struct fib_answer answer;
	enum reason reason;

	object[0] = '\0';
	if (!now)
		return REASON_UNEXPLAINED;
	reason = fib_diagnose(now, s->config, u, q, &answer);
	object_name(reason, &answer, now, object);
	netstate_free(now);
	return reason;
}

bool steering_is_undrained(struct steering *s, const struct uplink_config *u,
			   const struct addr *src, const struct addr *dst, char object[OBJECT_MAX])
{
	struct netstate *now = rtnl_snapshot(s->rtnl);
	bool is_undrained;

	object[0] = '\0';
	if (!now)
		return false;
	is_undrained = drain_is_ignored(now, s->config, u, src, dst, object);
	netstate_free(now);
	return is_undrained;
}

bool steering_is_restoring(struct steering *s)
{
	if (!s->state->listing_hash && steering_recall(s) < 0)
		return true;
	return ruleset_is_loaded(s);
}
