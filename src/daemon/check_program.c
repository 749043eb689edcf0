/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check_program.c - hands each check that is due to the talker (talker.h), the process that runs
 * programs, and takes the result of the check.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/check_program.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "waymark/plan/uplink_state.h"
#include "waymark/steering/steering.h"
#include "waymark/talker/talker.h"

#define VARIABLES 8
#define LOST_MS	  5000 /* a result that has not come this long after the interval will not come */

struct check {
	bool is_running;
	uint32_t sequence;   /* number of the latest check; results of earlier checks are ignored */
	uint32_t generation; /* talker_generation() when the check was handed over */
	int64_t due_ms, started_ms; /* of the next check; of the latest check */
	bool has_complained;	    /* it was logged that the program could not be run */
	/* the check state that earlier results led to: 1 good, 0 bad, -1 none; passed to the
	 * program in CHECK */
	int8_t result;
};

struct check_programs {
	struct check checks[UPLINKS_MAX];
};

struct check_programs *check_programs_new(void)
{
	return calloc(1, sizeof(struct check_programs));
}

void check_programs_free(struct check_programs *c)
{
	free(c);
}

void check_programs_forget(struct check_programs *c, uint8_t slot)
{
	uint32_t sequence = c->checks[slot].sequence;

	c->checks[slot] = (struct check){.sequence = sequence + 1};
}

/* --- the environment ------------------------------------------------------------------------ */

static void address_put(const struct daemon *d, const struct uplink_config *u, int family,
			char text[ADDR_STRLEN])
{
	const struct netstate *s = steering_netstate(d->steering);
	const struct link_state *l = s ? netstate_link_by_name(s, u->ifname) : NULL;

	text[0] = '\0';
	for (size_t i = 0; l && i < s->n_addrs; i++) {
		const struct addr_state *a = &s->addrs[i];

		if (a->ifindex != l->index || a->is_link_local || a->prefix.addr.family != family)
			continue;
		addr_format(&a->prefix.addr, text);
		return;
	}
}

static void gateway_put(const struct daemon *d, const struct uplink_config *u, unsigned f,
			char text[ADDR_STRLEN])
{
	const struct uplink_plan *p = uplink_plan_find(steering_plan(d->steering), u->slot);

	text[0] = '\0';
	if (p && !addr_is_none(&p->gateway[f]))
		addr_format(&p->gateway[f], text);
}

struct environment {
	char text[VARIABLES][UPLINK_NAME_MAX + ADDR_STRLEN];
	char *list[VARIABLES + 2];
	unsigned n;
};

static void variable_add(struct environment *e, const char *name, const char *value)
{
	snprintf(e->text[e->n], sizeof(e->text[0]), "%s=%s", name, value);
	e->list[e->n] = e->text[e->n];
	e->n++;
}

static const char *result_text(int result)
{
	return result < 0 ? "" : result ? "good" : "bad";
}

static void environment_fill(const struct daemon *d, const struct uplink_config *u, int result,
			     struct environment *e)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char text[ADDR_STRLEN];

	*e = (struct environment){.n = 0};
	variable_add(e, "UPLINK", u->name);
	variable_add(e, "INTERFACE", u->ifname);
	address_put(d, u, AF_INET, text);
	variable_add(e, "ADDRESS", text);
	address_put(d, u, AF_INET6, text);
	variable_add(e, "ADDRESS6", text);
	gateway_put(d, u, 0, text);
	variable_add(e, "GATEWAY", text);
	gateway_put(d, u, 1, text);
	variable_add(e, "GATEWAY6", text);
	snprintf(text, sizeof(text), "0x%" PRIx32, u->mark);
	variable_add(e, "MARK", text);
	variable_add(e, "CHECK", result_text(result));
	e->list[e->n] = path;
}

/* --- one check ------------------------------------------------------------------------------ */

static int64_t check_number(const struct check *k, uint8_t slot)
{
	return (int64_t)k->sequence * UPLINKS_MAX + slot;
}

static int check_start(struct daemon *d, const struct uplink_config *u, struct check *k)
{
	struct environment environment;

	environment_fill(d, u, k->result, &environment);
	k->sequence++;
	return talker_check(d->talker, check_number(k, u->slot), u->health.exec, environment.list,
			    u->health.interval_ms);
}

static void start_complain(struct check *k, const struct uplink_config *u, const char *why)
{
	if (!k->has_complained)
		log_err("uplink %s: cannot run the check program %s: %s", u->name, u->health.exec,
			why);
	k->has_complained = true;
}

/* Return whether a check will have no result, because the talker that runs it has died or does not
 * answer. Such a check counts as neither good nor bad. */
static bool is_lost(const struct daemon *d, const struct uplink_config *u, const struct check *k,
		    int64_t now_ms)
{
	return k->generation != talker_generation(d->talker) ||
	       now_ms - k->started_ms >= u->health.interval_ms + LOST_MS;
}

static void check_tick(struct daemon *d, const struct uplink_config *u, struct check *k,
		       int64_t now_ms)
{
	int err;

	if (k->is_running && is_lost(d, u, k, now_ms))
		k->is_running = false;
	if (k->is_running || now_ms < k->due_ms)
		return;
	k->started_ms = now_ms;
	k->due_ms = now_ms + u->health.interval_ms;
	k->generation = talker_generation(d->talker);
	err = check_start(d, u, k);
	k->is_running = !err;
	/* -EHOSTDOWN and -EAGAIN mean that the talker does not work. delivery.c reports this once
	 * for all uplinks. */
	if (err && err != -EHOSTDOWN && err != -EAGAIN)
		start_complain(k, u, strerror(-err));
}

void check_programs_tick(struct check_programs *c, struct daemon *d, const int8_t *results,
			 int64_t now_ms)
{
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];

		c->checks[u->slot].result = results[u->slot];
		if (u->health.exec)
			check_tick(d, u, &c->checks[u->slot], now_ms);
	}
}

void check_programs_take(struct check_programs *c, struct daemon *d, int64_t number,
			 const char *result, check_program_fn *fn)
{
	uint8_t slot = (uint8_t)(number % UPLINKS_MAX);
	const struct uplink_config *u = number < 0 ? NULL : config_uplink_by_slot(d->config, slot);
	struct check *k = &c->checks[number < 0 ? 0 : slot];

	if (!u || !u->health.exec || !k->is_running || check_number(k, slot) != number)
		return;
	k->is_running = false;
	if (!strcmp(result, "good") || !strcmp(result, "bad"))
		fn(d, slot, !strcmp(result, "good"));
	else
		start_complain(k, u, result);
}
