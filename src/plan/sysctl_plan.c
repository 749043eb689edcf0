/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl_plan.c - plans the sysctls that steering and observation need.
 *
 * Pure. Must not know the current values (kernel/sysctl.c reads them) nor who sets them
 * (steering/steering_sysctl.c).
 */
#include <stdio.h>

#include "waymark/plan/sysctl_plan.h"

struct want_list {
	struct sysctl_want *wants;
	size_t max;
	size_t n;
};

static void want(struct want_list *l, const char *name, const char *value, const char *why)
{
	struct sysctl_want *w = &l->wants[l->n];

	if (l->n == l->max)
		return;
	*w = (struct sysctl_want){.value = value, .why = why};
	snprintf(w->name, sizeof(w->name), "%s", name);
	l->n++;
}

static void want_observation(struct want_list *l)
{
	want(l, "net/netfilter/nf_conntrack_acct", "1", "flows are counted in packets and bytes");
	want(l, "net/netfilter/nf_conntrack_timestamp", "1", "flows have start and end times");
	/* The default, 2, is not enough: the kernel then sends no events for a flow that began
	 * while no process listened. */
	want(l, "net/netfilter/nf_conntrack_events", "1", "the kernel sends events for every flow");
}

static void want_loose(struct want_list *l, const struct uplink_config *u)
{
	char name[sizeof(l->wants->name)];

	snprintf(name, sizeof(name), "net/ipv4/conf/%s/rp_filter", u->ifname);
	if (l->n == l->max)
		return;
	want(l, name, "2",
	     "an uplink accepts replies although the route to their source uses another uplink");
	l->wants[l->n - 1].is_rp_filter = true;
}

static void want_steering(struct want_list *l, const struct config *c)
{
	for (size_t i = 0; i < c->n_uplinks; i++)
		want_loose(l, &c->uplinks[i]);
	if (!c->balance)
		return;
	want(l, "net/ipv4/fib_multipath_hash_policy", "1",
	     "the flows of a pair of hosts are spread over the uplinks");
	want(l, "net/ipv6/fib_multipath_hash_policy", "1",
	     "the flows of a pair of hosts are spread over the uplinks");
}

size_t sysctl_plan(const struct config *c, struct sysctl_want *wants, size_t max)
{
	struct want_list l = {wants, max, 0};

	if (!c->sysctl)
		return 0;
	want_observation(&l);
	if (c->mode == MODE_STEER)
		want_steering(&l, c);
	return l.n;
}
