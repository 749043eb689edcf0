/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * follow.c - reads the daemon's decisions from the answer to `status`.
 */
#include "cli/follow.h"

#include <string.h>

#include "cli/client.h"
#include "waymark/base/words.h"
#include "waymark/steering/steering.h"

static bool is_decided(const struct answer_uplink *u)
{
	return u->cause && (!strcmp(u->cause, state_cause_name(CAUSE_OPERATOR)) ||
			    !strcmp(u->cause, state_cause_name(CAUSE_HEALTH)));
}

static enum uplink_decision decision_of(const struct answer_uplink *u)
{
	if (!u->state || !is_decided(u))
		return DECISION_NONE;
	if (!strcmp(u->state, "drain"))
		return DECISION_DRAIN;
	return strcmp(u->state, "down") ? DECISION_NONE : DECISION_DOWN;
}

static void decisions_take(struct uplink_decisions *decisions, const struct config *c,
			   const struct answer *a)
{
	for (size_t i = 0; i < a->n_uplinks; i++) {
		const struct uplink_config *u =
			a->uplinks[i].name ? config_uplink_by_name(c, a->uplinks[i].name) : NULL;

		if (u)
			decisions->by_slot[u->slot] = decision_of(&a->uplinks[i]);
	}
}

void follow_decisions(struct uplink_decisions *decisions, const struct config *c)
{
	struct answer a;

	memset(decisions, 0, sizeof(*decisions));
	if (client_answer(c->control_socket, "status", &a))
		return;
	decisions_take(decisions, c, &a);
	answer_free(&a);
}

void follow_daemon(struct steering *steering, const struct config *c)
{
	struct uplink_decisions decisions = {0};
	struct answer a;

	if (client_answer(c->control_socket, "status", &a))
		return;
	if (c->events == EVENTS_AUTO)
		steering_set_minimal_events(steering,
					    a.events.mode && !strcmp(a.events.mode, "minimal"));
	decisions_take(&decisions, c, &a);
	for (size_t i = 0; i < c->n_uplinks; i++)
		steering_set_decision(steering, c->uplinks[i].slot,
				      decisions.by_slot[c->uplinks[i].slot]);
	answer_free(&a);
}
