/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplink_state.c - describes an uplink's state and addresses for people. Pure: reads a plan and a
 * snapshot, and makes no system call.
 */
#define _GNU_SOURCE /* open_memstream */
#include "waymark/plan/uplink_state.h"

#include <stdlib.h>

const struct uplink_plan *uplink_plan_find(const struct route_plan *plan, uint8_t slot)
{
	size_t i;

	for (i = 0; plan && i < plan->n_uplinks; i++)
		if (plan->uplinks[i].slot == slot)
			return &plan->uplinks[i];
	return NULL;
}

static bool is_address_of(const struct addr_state *a, const struct link_state *link)
{
	return a->ifindex == link->index && !a->is_link_local;
}

static bool has_address(const struct netstate *s, const struct link_state *link)
{
	for (size_t i = 0; i < s->n_addrs; i++)
		if (is_address_of(&s->addrs[i], link))
			return true;
	return false;
}

/* Return the state according to the plan. An uplink that the plan uses is up, even if the uplink
 * has no address of its own (possible in IPv6). */
static const char *state_of_plan(const struct uplink_plan *p)
{
	if (p->decision == DECISION_DOWN)
		return "down";
	if (p->trouble[0] == UPLINK_FINE || p->trouble[1] == UPLINK_FINE)
		return p->decision == DECISION_DRAIN ? "drain" : "up";
	if (p->trouble[0] == UPLINK_NO_GATEWAY || p->trouble[1] == UPLINK_NO_GATEWAY)
		return "no-gateway";
	return "no-address";
}

const char *uplink_state(const struct uplink_config *u, const struct route_plan *plan,
			 const struct netstate *s)
{
	const struct link_state *link = netstate_link_by_name(s, u->ifname);
	const struct uplink_plan *p = uplink_plan_find(plan, u->slot);

	if (!link)
		return "missing";
	if (!link->is_up || !link->has_carrier)
		return "down";
	if (p)
		return state_of_plan(p);
	return has_address(s, link) ? "up" : "no-address";
}

char *uplink_addresses(const struct uplink_config *u, const struct netstate *s)
{
	const struct link_state *link = s ? netstate_link_by_name(s, u->ifname) : NULL;
	char *text = NULL, one[PREFIX_STRLEN];
	const char *comma = "";
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (i = 0; link && i < s->n_addrs; i++) {
		if (!is_address_of(&s->addrs[i], link))
			continue;
		fprintf(out, "%s%s", comma, prefix_format(&s->addrs[i].prefix, one));
		comma = ",";
	}
	fclose(out);
	return text;
}
