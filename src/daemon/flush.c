/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flush.c - on-uplink-down = "flush": deletes the flows of an uplink that is down,
 * so that they begin anew by another one.
 *
 * Only once the uplink has been down for a moment, the routes have followed, and
 * another uplink is up: until then its flows wait. Must not know when an uplink
 * counts as up (steer.c tells).
 */
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/log.h"

/* A line that only flickers keeps its flows. */
#define SETTLE_MS 500

void flush_note(struct daemon *d, uint8_t slot, bool is_up)
{
	if (is_up)
		d->flush_due_ms[slot] = 0;
	else if (!d->flush_due_ms[slot])
		d->flush_due_ms[slot] = clock_steady_ms() + SETTLE_MS;
	d->is_uplink_up[slot] = is_up;
}

static bool has_uplink_up(const struct daemon *d)
{
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		if (d->is_uplink_up[d->config->uplinks[i].slot])
			return true;
	}
	return false;
}

static void flush_uplink(struct daemon *d, const struct uplink_config *u)
{
	int err = conntrack_delete_marked(d->conntrack, u->mark, d->config->mark_mask);

	if (err)
		log_err("uplink %s is down, but its flows could not be deleted: %s", u->name,
			strerror(-err));
	else
		log_notice("uplink %s is down: its flows are deleted, as on-uplink-down says",
			   u->name);
}

void flush_tick(struct daemon *d)
{
	int64_t now_ms = clock_steady_ms();

	if (d->config->on_uplink_down != ON_DOWN_FLUSH || d->config->mode != MODE_STEER ||
	    d->reconcile_due_ms || !has_uplink_up(d))
		return;
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];
		int64_t due_ms = d->flush_due_ms[u->slot];

		if (!due_ms || due_ms > now_ms)
			continue;
		d->flush_due_ms[u->slot] = 0;
		flush_uplink(d, u);
	}
}
