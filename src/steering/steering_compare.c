/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_compare.c - compares the installed routes, rules, sysctls and ruleset with those that
 * the configuration requires.
 *
 * Must not change anything, including the state file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steering/steering_internal.h"
#include "waymark/kernel/sysctl.h"
#include "waymark/plan/ruleset.h"
#include "waymark/plan/sysctl_plan.h"

#define WANTS_MAX (UPLINKS_MAX + 8)

struct comparison {
	struct steering *s;
	steering_difference_fn *fn;
	void *data;
	int n;
};

static void differs(struct comparison *k, bool is_missing, enum steering_thing thing,
		    uint8_t family, const char *text)
{
	struct steering_difference d = {
		.thing = thing,
		.is_missing = is_missing,
		.family = family,
		.text = text,
	};

	k->n++;
	k->fn(k->data, &d);
}

static void routes_compare(struct comparison *k, const struct netstate *part, bool is_missing)
{
	char text[512];

	for (size_t i = 0; i < part->n_rules; i++) {
		rule_format(text, sizeof(text), &part->rules[i]);
		differs(k, is_missing, STEERING_RULE, part->rules[i].family, text);
	}
	for (size_t i = 0; i < part->n_routes; i++) {
		route_format(text, sizeof(text), &part->routes[i], part);
		differs(k, is_missing, STEERING_ROUTE, part->routes[i].family, text);
	}
}

static int plan_compare(struct comparison *k)
{
	struct route_diff *d = route_diff_new(k->s->plan, k->s->netstate);

	if (!d)
		return -ENOMEM;
	routes_compare(k, d->remove, false);
	routes_compare(k, d->add, true);
	route_diff_free(d);
	return 0;
}

/* Return whether the ruleset that was loaded last is the one that the configuration and
 * `is_minimal` require: 1, 0 or -errno. */
static int is_loaded_with(const struct steering *s, bool is_minimal)
{
	char *text = ruleset_render(s->config, is_minimal);
	int is_same = text ? s->state->text_hash == text_hash(text) : -errno;

	free(text);
	return is_same;
}

/* Return whether the ruleset that was loaded last is the required one: 1, 0 or -errno. With events
 * = "auto", waymarkd chooses one of two variants. If this process does not know the choice, both
 * variants are accepted. */
static int is_loaded_from_file(const struct steering *s)
{
	int is_same = is_loaded_with(s, s->is_minimal);

	if (!is_same && s->config->events == EVENTS_AUTO && !s->are_events_known)
		is_same = is_loaded_with(s, !s->is_minimal);
	return is_same;
}

static int ruleset_compare_to_file(struct comparison *k)
{
	struct steering *s = k->s;
	char *listing = nft_list_table(s->nft, RULESET_FAMILY, RULESET_TABLE);
	int err = listing || errno == ENOENT ? 0 : -errno,
	    is_same = err ? 0 : is_loaded_from_file(s);

	if (is_same < 0)
		err = is_same;
	if (!err && !listing)
		differs(k, true, STEERING_RULESET, 0, "");
	else if (!err && !is_same)
		differs(k, false, STEERING_RULESET, 0, "was loaded from another configuration");
	else if (!err && s->state->listing_hash != text_hash(listing))
		differs(k, false, STEERING_RULESET, 0, "was changed after it was loaded");
	free(listing);
	return err;
}

static void sysctls_compare(struct comparison *k)
{
	struct sysctl_want wants[WANTS_MAX];
	size_t n = sysctl_plan(k->s->config, wants, WANTS_MAX);
	char now[SYSCTL_VALUE_MAX], text[256];

	for (size_t i = 0; i < n; i++) {
		if (sysctl_read(wants[i].name, now, sizeof(now)) || !sysctl_is_due(&wants[i], now))
			continue;
		snprintf(text, sizeof(text), "%.127s=%.63s", wants[i].name, now);
		differs(k, false, STEERING_SYSCTL, 0, text);
		snprintf(text, sizeof(text), "%.127s=%.63s", wants[i].name, wants[i].value);
		differs(k, true, STEERING_SYSCTL, 0, text);
	}
}

int steering_compare(struct steering *s, steering_difference_fn *fn, void *data)
{
	struct comparison k = {s, fn, data, 0};
	int err = steering_recall(s);

	if (err == -EACCES)
		err = 0; /* the saved gateways are then unknown, and the ruleset counts as
			  * different */
	if (!err)
		err = steering_look(s);
	if (!err)
		err = plan_compare(&k);
	if (!err)
		err = ruleset_compare_to_file(&k);
	if (err)
		return err;
	sysctls_compare(&k);
	return k.n;
}
