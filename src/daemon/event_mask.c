/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event_mask.c - chooses which conntrack events the kernel generates: all, or only those that the
 * audit needs. If key `events` is "auto", it chooses all while another process listens for
 * conntrack events. A rule limits the events of a flow by a ct event mask; this file decides
 * whether the ruleset contains this rule.
 *
 * A flow keeps the event mask that it got when it began. So another process that begins to listen
 * gets all events only of flows that begin after the rule was removed.
 */
#include <string.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/daemon.h"
#include "daemon/event_mask.h"
#include "daemon/steer.h"
#include "daemon/log.h"
#include "waymark/kernel/conntrack.h"
#include "waymark/kernel/listeners.h"
#include "waymark/steering/steering.h"

struct event_mask {
	bool is_minimal;
	int listeners;
	int64_t looked_ms;
};

/* Interval at which the listeners are counted. A count only reads one small file of /proc. */
#define LOOK_MS 2000

static bool is_minimal_wanted(struct daemon *d)
{
	d->event_mask->listeners = listeners_count(conntrack_port(d->conntrack));
	switch (d->config->events) {
	case EVENTS_FULL:
		return false;
	case EVENTS_MINIMAL:
		return true;
	default: /* EVENTS_AUTO; if the number of listeners is unknown (negative), assume that
		  * another process listens */
		return d->event_mask->listeners == 0;
	}
}

int event_mask_open(struct daemon *d)
{
	d->event_mask = calloc(1, sizeof(*d->event_mask));
	if (!d->event_mask)
		return -ENOMEM;
	d->event_mask->is_minimal = is_minimal_wanted(d);
	d->event_mask->looked_ms = clock_now_ms();
	steering_set_minimal_events(d->steering, d->event_mask->is_minimal);
	return 0;
}

void event_mask_tick(struct daemon *d, int64_t now_ms)
{
	bool is_wanted;

	if (now_ms - d->event_mask->looked_ms < LOOK_MS && now_ms >= d->event_mask->looked_ms)
		return;
	d->event_mask->looked_ms = now_ms;
	is_wanted = is_minimal_wanted(d);
	if (is_wanted == d->event_mask->is_minimal)
		return;
	d->event_mask->is_minimal = is_wanted;
	if (d->event_mask->listeners < 0)
		log_notice(
			"switched to full conntrack events: cannot count the other listeners (%s)",
			strerror(-d->event_mask->listeners));
	else
		log_notice("switched to %s conntrack events: the number of other listeners is %d",
			   is_wanted ? "minimal" : "full", d->event_mask->listeners);
	steering_set_minimal_events(d->steering, is_wanted);
	steer_ask(d, now_ms);
}

void event_mask_stats(const struct daemon *d, struct event_mask_stats *out)
{
	out->is_minimal = d->event_mask->is_minimal;
	out->listeners = d->event_mask->listeners;
}

void event_mask_close(struct daemon *d)
{
	free(d->event_mask);
}
