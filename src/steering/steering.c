/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering.c - opens, configures, queries and prints the steering. steering_apply.c applies and
 * removes it.
 *
 * Must not know libnftables, netlink or the state file's syntax, which only the adapters know.
 */
#include "waymark/steering/steering.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steering/steering_internal.h"
#include "waymark/plan/ruleset.h"

struct steering *steering_open(const struct config *c)
{
	struct steering *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return NULL;
	s->config = c;
	s->is_minimal = c->events == EVENTS_MINIMAL;
	s->patience_ms = STEERING_PATIENCE_MS;
	s->rtnl = rtnl_open();
	s->nft = s->rtnl ? nft_open() : NULL;
	s->state = s->nft ? steering_state_new() : NULL;
	if (s->state)
		return s;
	err = errno;
	steering_close(s);
	errno = err;
	return NULL;
}

void steering_close(struct steering *s)
{
	if (!s)
		return;
	steering_confirm(s);
	free(s->listing);
	steering_state_free(s->state);
	route_plan_free(s->former);
	route_plan_free(s->plan);
	netstate_free(s->netstate);
	nft_close(s->nft);
	rtnl_close(s->rtnl);
	free(s);
}

int steering_nft_fd(const struct steering *s)
{
	return nft_fd(s->nft);
}

uint32_t steering_port(const struct steering *s)
{
	return rtnl_port(s->rtnl);
}

/* Replace the configuration. An uplink can have another slot now, so copy its decision and its
 * learnt gateways from the old slot to the new one. Gateways of an uplink with a new interface are
 * dropped. */
void steering_set_config(struct steering *s, const struct config *c)
{
	struct uplink_decisions decisions;
	struct learnt_gateways learnt;

	memset(&decisions, 0, sizeof(decisions));
	memset(&learnt, 0, sizeof(learnt));
	for (size_t i = 0; i < c->n_uplinks; i++) {
		const struct uplink_config *u = &c->uplinks[i];
		const struct uplink_config *was = config_uplink_by_name(s->config, u->name);

		if (was)
			decisions.by_slot[u->slot] = s->decisions.by_slot[was->slot];
		if (!was || strcmp(was->ifname, u->ifname))
			continue;
		memcpy(learnt.defaults[u->slot], s->learnt.defaults[was->slot],
		       sizeof(learnt.defaults[0]));
		memcpy(learnt.n[u->slot], s->learnt.n[was->slot], sizeof(learnt.n[0]));
	}
	s->learnt = learnt;
	s->decisions = decisions;
	s->config = c;
}

void steering_set_decision(struct steering *s, uint8_t slot, enum uplink_decision decision)
{
	s->decisions.by_slot[slot] = decision;
}

void steering_set_minimal_events(struct steering *s, bool is_minimal)
{
	s->is_minimal = is_minimal;
	s->are_events_known = true;
}

void steering_set_midway(struct steering *s, steering_midway_fn *fn, void *data)
{
	s->midway = fn;
	s->midway_data = data;
}

void steering_set_load(struct steering *s, steering_load_fn *fn, void *data)
{
	s->load = fn;
	s->load_data = data;
}

void steering_set_save(struct steering *s, steering_save_fn *fn, void *data)
{
	s->save = fn;
	s->save_data = data;
}

/* Count a change by its kind (`thing`). For restored sysctls and routes `thing` is not set, so
 * their text (`what`) is tested. */
void steering_count(struct steering_counts *n, const struct steering_change *change)
{
	if (change->thing == STEERING_SYSCTL || !strncmp(change->what, "sysctl", 6))
		n->sysctls++;
	else if (change->thing == STEERING_RULE)
		n->rules++;
	else if (change->thing == STEERING_ROUTE || !strncmp(change->what, "former", 6))
		n->routes++;
	else
		n->ruleset++;
}

void steering_set_change(struct steering *s, steering_change_fn *fn, void *data)
{
	s->change = fn;
	s->change_data = data;
}

void steering_set_judge(struct steering *s, steering_judge_fn *judge, void *data)
{
	s->judge = judge;
	s->judge_data = data;
}

bool steering_wants_place(const struct steering *s, const struct route_state *place)
{
	const struct netstate *wanted = s->plan ? s->plan->wanted : NULL;

	for (size_t i = 0; wanted && i < wanted->n_routes; i++)
		if (route_is_same_place(&wanted->routes[i], place))
			return true;
	return false;
}

const struct route_plan *steering_plan(const struct steering *s)
{
	return s->plan;
}

const struct netstate *steering_netstate(const struct steering *s)
{
	return s->netstate;
}

/* Print the sysctls, the ruleset, and the planned routes and rules as a shell script. */
int steering_print(struct steering *s, FILE *out)
{
	char *text = NULL;
	int err = 0;

	/* If the state file cannot be read, continue: only the saved gateways are then unknown. */
	if (steering_recall(s) == -ENOMEM)
		err = -ENOMEM;
	if (!err)
		err = steering_look(s);
	if (!err) {
		text = ruleset_render(s->config, s->is_minimal);
		err = text ? 0 : -errno;
	}
	if (!err) {
		sysctls_print(s->config, out);
		fprintf(out, "nft -f - <<'END'\n%sEND\n", text);
		route_plan_print(s->plan, s->config, out);
		err = ferror(out) ? -EIO : 0;
	}
	free(text);
	return err;
}
