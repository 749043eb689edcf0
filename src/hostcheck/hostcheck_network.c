/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostcheck_network.c - ip rules and routes of others, and the uplinks, from a
 * snapshot and a plan. It asks the kernel nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "hostcheck/hostcheck_internal.h"
#include "waymark/plan/uplink_state.h"

#define LINE_SIZE 256

static const char *family_option(int family)
{
	return family == AF_INET6 ? "-6" : "-4";
}

static void rule_cure(struct findings *f, const struct rule_state *r, const char *otherwise)
{
	findings_fix(f, "ip %s rule del priority %" PRIu32 "%s", family_option(r->family),
		     r->priority, otherwise);
}

static bool rule_is_same_steering(const struct rule_state *r, const struct config *c)
{
	const struct uplink_config *u = config_uplink_by_mark(c, r->fwmark & c->mark_mask);

	return u && u->table == r->table;
}

static void rule_mark_checked(struct findings *f, const struct config *c,
			      const struct rule_state *r, const char *line)
{
	bool is_same = rule_is_same_steering(r, c);

	findings_add(f, is_same ? FINDING_WARNING : FINDING_ERROR,
		     "the ip rule \"%s\" selects by bits 0x%" PRIx32 " of the mark, which are "
		     "Waymark's (mark-mask 0x%" PRIx32 ")%s",
		     line, r->fwmask & c->mark_mask, c->mark_mask,
		     is_same ? "; it says the same as Waymark's own" : "");
	rule_cure(f, r, ", or choose a mark-mask that it does not use");
}

/* Before ours come only rules that cannot take a marked packet elsewhere: the
 * look-up of table local, and those with a mark of their own. */
static bool rule_is_harmless_before(const struct rule_state *r)
{
	return r->table == RT_TABLE_LOCAL || r->fwmask || r->suppress_prefixlength >= 0;
}

static void rule_place_checked(struct findings *f, const struct config *c,
			       const struct rule_state *r, const char *line)
{
	uint32_t first = c->rule_priority, last = first + (uint32_t)c->n_uplinks;

	if (r->priority >= first && r->priority <= last) {
		findings_add(
			f, FINDING_ERROR,
			"the ip rule \"%s\" has a priority of those that Waymark uses (%" PRIu32
			" to %" PRIu32 ")",
			line, first, last);
		rule_cure(f, r, ", or set rule-priority elsewhere");
	} else if (r->priority < first && !rule_is_harmless_before(r)) {
		findings_add(f, FINDING_WARNING,
			     "the ip rule \"%s\" comes before Waymark's: what it matches is not "
			     "steered",
			     line);
		findings_fix(f, "set rule-priority below %" PRIu32 " if that is not wanted",
			     r->priority);
	}
}

void hostcheck_rules(struct findings *f, const struct config *c, const struct netstate *s)
{
	size_t before = f->n, i;
	char line[LINE_SIZE];

	if (c->mode == MODE_AUDIT)
		return;
	for (i = 0; i < s->n_rules; i++) {
		const struct rule_state *r = &s->rules[i];

		if (r->protocol == ROUTE_PROTOCOL_WAYMARK)
			continue;
		rule_format(line, sizeof(line), r);
		if (r->fwmask & c->mark_mask)
			rule_mark_checked(f, c, r, line);
		else
			rule_place_checked(f, c, r, line);
	}
	if (f->n == before)
		findings_add(f, FINDING_OK, "no ip rule of others meets Waymark's");
}

static const struct uplink_config *uplink_of_table(const struct config *c, uint32_t table)
{
	size_t i;

	for (i = 0; i < c->n_uplinks; i++)
		if (c->uplinks[i].table == table)
			return &c->uplinks[i];
	return NULL;
}

void hostcheck_tables(struct findings *f, const struct config *c, const struct netstate *s)
{
	char line[LINE_SIZE];
	size_t i;

	if (c->mode == MODE_AUDIT)
		return;
	for (i = 0; i < s->n_routes; i++) {
		const struct route_state *r = &s->routes[i];
		const struct uplink_config *u = uplink_of_table(c, r->table);

		if (!u || r->protocol == ROUTE_PROTOCOL_WAYMARK)
			continue;
		route_format(line, sizeof(line), r, s);
		findings_add(f, FINDING_WARNING,
			     "table %" PRIu32
			     " of uplink %s holds a route of somebody else: \"%s\"",
			     r->table, u->name, line);
		findings_fix(f, "ip %s route del %s, or give uplink %s another table",
			     family_option(r->family), line, u->name);
	}
}

static void uplink_trouble_add(struct findings *f, const struct uplink_config *u, const char *state)
{
	if (!strcmp(state, "missing")) {
		findings_add(f, FINDING_WARNING, "uplink %s: there is no interface %s now", u->name,
			     u->ifname);
		findings_fix(f, "it is taken when it appears; 'ip link' lists those there are");
	} else if (!strcmp(state, "down")) {
		findings_add(f, FINDING_WARNING, "uplink %s: interface %s is down", u->name,
			     u->ifname);
		findings_fix(f, "ip link set %s up, and look at its cable", u->ifname);
	} else if (!strcmp(state, "no-address")) {
		findings_add(f, FINDING_WARNING, "uplink %s: interface %s has no address", u->name,
			     u->ifname);
		findings_fix(f, "ip addr add ADDRESS/LENGTH dev %s, or start its DHCP client",
			     u->ifname);
	} else {
		findings_add(f, FINDING_WARNING, "uplink %s: no gateway is known for interface %s",
			     u->name, u->ifname);
		findings_fix(f,
			     "set gateway (or gateway6) of uplink %s; \"none\" for point to point",
			     u->name);
	}
}

/* A family with a gateway in the configuration is meant to work. */
static void uplink_family_checked(struct findings *f, const struct uplink_config *u,
				  const struct uplink_plan *p, int family)
{
	unsigned i = family_index(family);
	const struct gateway *g = i ? &u->gateway6 : &u->gateway;

	if (p->trouble[i] == UPLINK_FINE || g->kind != GATEWAY_ADDR)
		return;
	findings_add(f, FINDING_WARNING, "uplink %s has %s for IPv%d, though %s is configured",
		     u->name, uplink_trouble_text(p->trouble[i]), i ? 6 : 4,
		     i ? "gateway6" : "gateway");
	findings_fix(f, "ip %s addr add ADDRESS/LENGTH dev %s, or take %s out",
		     family_option(family), u->ifname, i ? "gateway6" : "gateway");
}

void hostcheck_uplinks(struct findings *f, const struct config *c, const struct netstate *s,
		       const struct route_plan *plan)
{
	size_t i;

	for (i = 0; i < c->n_uplinks; i++) {
		const struct uplink_config *u = &c->uplinks[i];
		const struct uplink_plan *p = uplink_plan_find(plan, u->slot);
		const char *state = uplink_state(u, plan, s);

		if (strcmp(state, "up")) {
			uplink_trouble_add(f, u, state);
			continue;
		}
		findings_add(f, FINDING_OK, "uplink %s: interface %s is up%s%s", u->name, u->ifname,
			     p && p->trouble[0] == UPLINK_FINE ? ", IPv4" : "",
			     p && p->trouble[1] == UPLINK_FINE ? ", IPv6" : "");
		if (p) {
			uplink_family_checked(f, u, p, AF_INET);
			uplink_family_checked(f, u, p, AF_INET6);
		}
	}
}

static bool is_installed(const struct netstate *s)
{
	size_t i;

	for (i = 0; i < s->n_rules; i++)
		if (s->rules[i].protocol == ROUTE_PROTOCOL_WAYMARK)
			return true;
	for (i = 0; i < s->n_routes; i++)
		if (s->routes[i].protocol == ROUTE_PROTOCOL_WAYMARK)
			return true;
	return false;
}

static void missing_add(struct findings *f, const char *kind, const char *line, bool is_missing)
{
	findings_add(f, FINDING_ERROR, "the steering is installed, but the %s \"%s\" %s", kind,
		     line, is_missing ? "is missing" : "is too much");
	findings_fix(f, "waymark apply");
}

static void differences_add(struct findings *f, const struct netstate *part,
			    const struct netstate *names, bool is_missing)
{
	char line[LINE_SIZE];
	size_t i;

	for (i = 0; i < part->n_rules; i++) {
		rule_format(line, sizeof(line), &part->rules[i]);
		missing_add(f, "ip rule", line, is_missing);
	}
	for (i = 0; i < part->n_routes; i++) {
		route_format(line, sizeof(line), &part->routes[i], names);
		missing_add(f, "route", line, is_missing);
	}
}

void hostcheck_installed(struct findings *f, const struct config *c, const struct netstate *s,
			 const struct route_plan *plan)
{
	struct route_diff *diff;

	if (c->mode == MODE_AUDIT)
		return;
	if (!is_installed(s)) {
		findings_add(f, FINDING_OK,
			     "the steering is not installed (waymarkd or 'waymark "
			     "apply' does it)");
		return;
	}
	diff = route_diff_new(plan, s);
	if (!diff) {
		f->error = -ENOMEM;
		return;
	}
	if (route_diff_is_empty(diff))
		findings_add(f, FINDING_OK,
			     "the steering's rules and routes are as they should be");
	differences_add(f, diff->add, s, true);
	differences_add(f, diff->remove, s, false);
	route_diff_free(diff);
}
