/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_look.c - collects what a change is based on: the saved state, a snapshot of the kernel,
 * and the plan that follows from both.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steering/steering_internal.h"

/* Take an uplink's gateway from the state if this process has learnt none. This is needed only if
 * balance is "main": gateways are learnt from the default routes of table main, and only then our
 * own default route can displace these. */
static void gateways_recall(struct steering *s)
{
	for (size_t i = 0; s->config->balance == BALANCE_MAIN && i < s->state->n_gateways; i++) {
		const struct saved_gateway *g = &s->state->gateways[i];
		const struct uplink_config *u = config_uplink_by_name(s->config, g->uplink);
		unsigned f = family_index(g->family);

		if (!u || strcmp(u->ifname, g->ifname) || s->learnt.n[u->slot][f])
			continue;
		s->learnt.defaults[u->slot][f][0] = (struct learnt_default){
			.gateway = g->gateway,
			.is_recalled = true,
		};
		s->learnt.n[u->slot][f] = 1;
	}
}

/* Read the state file. But keep the state in memory if the file is missing or invalid, or if the
 * state in memory is newer because it could not be written to the file. */
int steering_recall(struct steering *s)
{
	struct steering_state *st = steering_state_load(s->config);

	if (!st)
		return -errno;
	if (!s->is_unsaved && (st->is_known || !s->state->is_known)) {
		steering_state_free(s->state);
		s->state = st;
	} else {
		steering_state_free(st);
	}
	gateways_recall(s);
	return 0;
}

int steering_save(struct steering *s)
{
	char *text = steering_state_write(s->state);
	int err;

	if (!text)
		return -errno;
	if (s->save)
		err = s->save(s->save_data, s->config->control_socket, text);
	else
		err = steering_state_save(s->config, text);
	free(text);
	return err;
}

int steering_forget(struct steering *s)
{
	return s->save ? s->save(s->save_data, s->config->control_socket, NULL)
		       : steering_state_delete(s->config);
}

int steering_remember(struct steering *s)
{
	static const uint8_t family[] = {AF_INET, AF_INET6};

	for (size_t i = 0; i < s->config->n_uplinks; i++) {
		const struct uplink_config *u = &s->config->uplinks[i];

		for (unsigned f = 0; f < 2; f++) {
			const struct learnt_default *d =
				learnt_default_find(&s->learnt, u->slot, f);
			struct saved_gateway g = {.family = family[f]};

			if (!d)
				continue;
			memcpy(g.uplink, u->name, sizeof(g.uplink));
			memcpy(g.ifname, u->ifname, sizeof(g.ifname));
			g.gateway = d->gateway;
			if (steering_state_keep_gateway(s->state, &g) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* Replace the plan. If the previous plan was fully applied, keep it as s->former. Drop any other
 * plan, because it does not describe what is installed. */
static void plan_replace(struct steering *s, struct route_plan *plan)
{
	if (s->is_settled) {
		route_plan_free(s->former);
		s->former = s->plan;
	} else {
		route_plan_free(s->plan);
	}
	s->is_settled = false;
	s->plan = plan;
}

/* Return a new plan, or NULL. A plan shows which uplinks are in trouble, and so which uplinks to
 * release (steering_release.c). If the released uplinks change, make the plan again. */
static struct route_plan *plan_make(struct steering *s, const struct netstate *now)
{
	struct route_plan *plan = route_plan_new(s->config, now, &s->learnt, &s->decisions);

	if (!plan || !releases_update(s, plan))
		return plan;
	route_plan_free(plan);
	return route_plan_new(s->config, now, &s->learnt, &s->decisions);
}

int steering_look(struct steering *s)
{
	struct netstate *now = rtnl_snapshot(s->rtnl);
	struct route_plan *plan;

	if (!now)
		return -errno;
	learnt_gateways_update(&s->learnt, s->config, now);
	plan = plan_make(s, now);
	if (!plan) {
		netstate_free(now);
		return -ENOMEM;
	}
	netstate_free(s->netstate);
	plan_replace(s, plan);
	s->netstate = now;
	return 0;
}
