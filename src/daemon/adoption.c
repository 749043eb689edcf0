/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * adoption.c - gives flows that began before the steering the mark of the uplink
 * that they are bound to, where that is certain (plan/adopt.c decides).
 *
 * It is done while the rules are there and main's default route still leads where
 * it led: no packet of an adopted flow is ever sent by another line.
 */
#include <errno.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/log.h"

int adoption_begin(struct daemon *d)
{
	d->adopted = d->unadopted = 0;
	d->adopt = adopt_new(d->config, steering_netstate(d->steering));
	if (d->adopt)
		return 0;
	log_err("flows that began before the steering are not adopted: %s", strerror(errno));
	return -errno;
}

/* The kernel tells nobody of the new mark where nobody listened when the flow
 * began (nf_conntrack_events = 2). */
static void adoption_tell(struct daemon *d, const struct ct_event *ev, uint32_t mark)
{
	audit_marked(d->audit, ev, mark, d->step_ms);
	d->adopted++;
}

/* One that has ended meanwhile needs no mark. */
void adoption_take(struct daemon *d, const struct ct_event *ev)
{
	uint8_t slot = adopt_decide(d->adopt, ev);
	const struct uplink_config *u = config_uplink_by_slot(d->config, slot);
	int err;

	if (!u)
		return;
	err = conntrack_set_mark(d->conntrack, ev, u->mark, d->config->mark_mask);
	if (!err)
		adoption_tell(d, ev, u->mark);
	else if (err != -ENOENT && !d->unadopted++)
		log_err("a flow that began before the steering cannot be marked for %s: %s",
			u->name, strerror(-err));
}

void adoption_end(struct daemon *d)
{
	if (d->adopted)
		log_notice("%u flows that began before the steering are marked for the uplink "
			   "whose address they have",
			   d->adopted);
	if (d->unadopted)
		log_err("%u flows that began before the steering could not be marked; they are "
			"told of as unmarked when they leave",
			d->unadopted);
	adopt_free(d->adopt);
	d->adopt = NULL;
}
