/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_links.c - adds the uplinks' interfaces to Waymark's interface group, if the plan needs
 * it, and removes them from it.
 *
 * An interface is added only if it is in the default group, so its former group need not be saved.
 * An interface is removed only if it is in our group. Must not know what the group is for
 * (route_plan_local.c).
 */
#include <errno.h>

#include "steering/steering_internal.h"

static void group_set(struct run *run, const struct link_state *l, uint32_t group)
{
	int err = undo_group(run, l->index, l->group);

	if (!err) {
		err = rtnl_link_set_group(run->s->rtnl, l->index, group);
		if (err)
			undo_drop(run);
	}
	if (err == -ENODEV)
		return; /* the interface was deleted in the meantime */
	if (err)
		run_failed(run, err, "check that waymarkd may change interfaces",
			   "cannot set the group of interface %s to %u", l->name, group);
	else
		run->n_changed++;
}

void groups_set(struct run *run)
{
	const struct config *c = run->s->config;
	const struct netstate *now = run->s->netstate;
	bool is_wanted = run->s->plan->link_group == LINK_GROUP_WAYMARK;

	for (size_t i = 0; i < now->n_links && run_goes_on(run); i++) {
		const struct link_state *l = &now->links[i];
		bool is_uplink = config_uplink_by_ifname(c, l->name) != NULL;

		if (is_wanted && is_uplink && l->group == 0)
			group_set(run, l, LINK_GROUP_WAYMARK);
		else if (!(is_wanted && is_uplink) && l->group == LINK_GROUP_WAYMARK)
			group_set(run, l, 0);
	}
}

void groups_reset(struct run *run)
{
	const struct netstate *now = run->s->netstate;

	for (size_t i = 0; i < now->n_links; i++)
		if (now->links[i].group == LINK_GROUP_WAYMARK)
			group_set(run, &now->links[i], 0);
}
