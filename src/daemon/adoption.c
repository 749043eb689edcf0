/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * adoption.c - marks flows that began before the steering. If it is certain which uplink such a
 * flow uses, the flow gets the mark of this uplink. plan/adopt.c decides.
 *
 * Marking such a flow is called adoption. Flows are adopted after the rules are installed and
 * before the default route of table main is changed, so that no packet of an adopted flow leaves by
 * another uplink.
 */
#include <errno.h>
#include <string.h>
#include <stdlib.h>

#include "daemon/adoption.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "waymark/audit/audit.h"
#include "waymark/kernel/conntrack.h"
#include "waymark/plan/adopt.h"
#include "waymark/steering/steering.h"

struct adoption {
	/* decides which mark a flow gets; NULL except between adoption_begin() and
	 * adoption_end() */
	struct adopt *adopt;
	uint32_t adopted, unadopted; /* flows that were marked; flows that could not be marked */
};

int adoption_open(struct daemon *d)
{
	d->adoption = calloc(1, sizeof(*d->adoption));
	return d->adoption ? 0 : -ENOMEM;
}

void adoption_close(struct daemon *d)
{
	free(d->adoption);
}

int adoption_begin(struct daemon *d)
{
	d->adoption->adopted = d->adoption->unadopted = 0;
	d->adoption->adopt = adopt_new(d->config, steering_netstate(d->steering));
	if (d->adoption->adopt)
		return 0;
	log_err("cannot mark the flows that started before the steering: %s", strerror(errno));
	return -errno;
}

/* Report the new mark of a flow to the audit. Otherwise the audit would not learn of it: the kernel
 * sends no events for flows that began while no process listened (nf_conntrack_events = 2). */
static void adopted_note(struct daemon *d, const struct ct_event *ev, uint32_t mark, int64_t now_ms)
{
	audit_marked(d->audit, ev, mark, adopt_is_inbound(d->adoption->adopt, ev), now_ms);
	d->adoption->adopted++;
}

bool adoption_is_active(const struct daemon *d)
{
	return d->adoption->adopt != NULL;
}

void adoption_take(struct daemon *d, const struct ct_event *ev, int64_t now_ms)
{
	uint8_t slot = adopt_decide(d->adoption->adopt, ev);
	const struct uplink_config *u = config_uplink_by_slot(d->config, slot);
	int err;

	if (!u)
		return;
	err = conntrack_set_mark(d->conntrack, ev, u->mark, d->config->mark_mask);
	if (!err)
		adopted_note(d, ev, u->mark, now_ms);
	else if (err != -ENOENT && !d->adoption->unadopted++)
		log_err("cannot mark a flow of uplink %s that started before the steering: %s",
			u->name, strerror(-err));
}

void adoption_end(struct daemon *d)
{
	if (d->adoption->adopted)
		log_notice(
			"marked %u flows that started before the steering, each with the mark of "
			"the uplink whose address the flow uses",
			d->adoption->adopted);
	if (d->adoption->unadopted)
		log_err("%u flows that started before the steering could not be marked: their "
			"packets are reported as unmarked",
			d->adoption->unadopted);
	adopt_free(d->adoption->adopt);
	d->adoption->adopt = NULL;
}
