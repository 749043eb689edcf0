/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flush.c - if on-uplink-down is "flush", deletes the flows of an uplink that is down, so that they
 * are re-established on another uplink.
 *
 * An uplink's flows are deleted after it has been down for SETTLE_MS, once the installed routes
 * match the plan and another uplink is up. Must not know when an uplink counts as up
 * (uplink_states.c decides).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/flush.h"
#include "daemon/steer.h"
#include "waymark/kernel/conntrack.h"
#include "daemon/log.h"
#include "daemon/uplink_states.h"

struct flush {
	int64_t due_ms[UPLINKS_MAX]; /* when to delete the flows (steady clock); 0: no deletion is
				      * due */
	uint8_t seen_state[UPLINKS_MAX];
};

int flush_open(struct daemon *d)
{
	d->flush = calloc(1, sizeof(*d->flush));
	return d->flush ? 0 : -ENOMEM;
}

void flush_close(struct daemon *d)
{
	free(d->flush);
}

/* How long an uplink must be down before its flows are deleted. */
#define SETTLE_MS 500

/* Check whether the uplink's state has changed. If the uplink went down, schedule the deletion of
 * its flows. If it is now up or drained, cancel the deletion. */
static void state_note(struct daemon *d, uint8_t slot)
{
	uint8_t state = uplink_states_number(d, slot);

	if (state == d->flush->seen_state[slot])
		return;
	d->flush->seen_state[slot] = state;
	if (uplink_states_is_up(d, slot) || uplink_states_is_drained(d, slot))
		d->flush->due_ms[slot] = 0;
	else if (!d->flush->due_ms[slot])
		d->flush->due_ms[slot] = clock_steady_ms() + SETTLE_MS;
}

void flush_forget(struct daemon *d, uint8_t slot)
{
	d->flush->due_ms[slot] = 0;
	d->flush->seen_state[slot] = 0;
}

static bool has_uplink_up(const struct daemon *d)
{
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		if (uplink_states_is_up(d, d->config->uplinks[i].slot))
			return true;
	}
	return false;
}

static void flush_uplink(struct daemon *d, const struct uplink_config *u)
{
	int err = conntrack_delete_marked(d->conntrack, u->mark, d->config->mark_mask);

	if (err)
		log_err("uplink %s is down: cannot delete its flows: %s", u->name, strerror(-err));
	else
		log_notice("uplink %s is down: its flows were deleted (on-uplink-down = flush)",
			   u->name);
}

void flush_tick(struct daemon *d)
{
	int64_t now_ms = clock_steady_ms();

	for (size_t i = 0; i < d->config->n_uplinks; i++)
		state_note(d, d->config->uplinks[i].slot);
	if (d->config->on_uplink_down != ON_DOWN_FLUSH || d->config->mode != MODE_STEER ||
	    steer_is_pending(d) || !has_uplink_up(d))
		return;
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];
		int64_t due_ms = d->flush->due_ms[u->slot];

		if (!due_ms || due_ms > now_ms)
			continue;
		d->flush->due_ms[u->slot] = 0;
		flush_uplink(d, u);
	}
}
