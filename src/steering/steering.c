/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering.c - the steering as a whole: opened, asked, printed. Applying and
 * removing it is steering_apply.c.
 *
 * Must not know libnftables, netlink or the state file's syntax: those are its
 * adapters'.
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

uint32_t steering_port(const struct steering *s)
{
	return rtnl_port(s->rtnl);
}

/* A slot may be another uplink's in the new configuration. */
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

/* What is restored comes without its kind. */
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

/* Only with balance = "main" may the routes that taught them be away. What this process has
 * learnt itself is newer than the file. */
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

/* A file that is gone or broken since, or cannot be written, is no reason to forget
 * what it said or should say. */
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

/* A plan that was never brought about says nothing of what was there. */
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

/* Whether an uplink is down for good follows from a plan, and is part of the next. */
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

/* As a shell script, so that what is shown is what could be run. */
int steering_print(struct steering *s, FILE *out)
{
	char *text = NULL;
	int err = 0;

	/* A state that may not be read has gateways that are not known, no more. */
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

/* Which interface each slot's label stands for. */
static uint64_t label_slots_hash(const struct config *c)
{
	char text[UPLINKS_MAX * (IFNAMSIZ + 1) + 1];
	size_t used = 0;

	for (unsigned slot = 0; slot < UPLINKS_MAX; slot++) {
		const struct uplink_config *u = config_uplink_by_slot(c, slot);

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s/",
					 u ? u->ifname : "");
	}
	return text_hash(text);
}

unsigned steering_labels_stale_from(const struct steering *s)
{
	const struct steering_state *st = s->state;

	if (!st->label_slots)
		return LABELS_TOTAL;
	if (st->label_base != s->config->label_base)
		return s->config->label_base;
	return st->label_slots == label_slots_hash(s->config)
		       ? LABELS_TOTAL
		       : s->config->label_base + LABELS_RESERVED;
}

void steering_labels_keep(struct steering *s)
{
	s->state->label_base = s->config->label_base;
	s->state->label_slots = label_slots_hash(s->config);
}

int64_t steering_labels_since_ms(const struct steering *s)
{
	return s->state ? s->state->labels_since_ms : 0;
}
