/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_release.c - decides which uplinks are released. When an uplink goes down, the packets of
 * its flows are first rejected, because its interface might be back in a moment, renamed or created
 * again. Once the uplink has been down for RELEASE_MS, it is released: its flows can use another
 * uplink.
 */

#include "steering/steering_internal.h"

#include "waymark/base/clock.h"

/* How long an uplink must be down to be released. */
#define RELEASE_MS 500

/* Return whether the flows of an uplink in trouble keep their conntrack entries and wait (are
 * held). With on-uplink-down = "flush", daemon/flush.c deletes them instead, but only if both
 * address families are in trouble. */
static bool flows_are_held(const struct steering *s, const struct uplink_plan *u)
{
	return s->config->on_uplink_down == ON_DOWN_HOLD || u->trouble[0] == UPLINK_FINE ||
	       u->trouble[1] == UPLINK_FINE;
}

static bool release_update(struct steering *s, const struct uplink_plan *u, unsigned f,
			   int64_t now_ms)
{
	int64_t *since_ms = &s->trouble_since_ms[u->slot][f];
	bool *is_released = &s->learnt.is_released[u->slot][f], was_released = *is_released;

	if (u->trouble[f] == UPLINK_FINE)
		*since_ms = -1;
	else if (*since_ms < 0)
		*since_ms = now_ms;
	*is_released = *since_ms >= 0 && now_ms - *since_ms >= RELEASE_MS && flows_are_held(s, u);
	return *is_released != was_released;
}

bool releases_update(struct steering *s, const struct route_plan *plan)
{
	int64_t now_ms = clock_steady_ms();
	bool is_changed = false;

	for (size_t i = 0; i < plan->n_uplinks; i++) {
		for (unsigned f = 0; f < 2; f++)
			is_changed |= release_update(s, &plan->uplinks[i], f, now_ms);
	}
	return is_changed;
}

int64_t steering_release_delay_ms(const struct steering *s)
{
	int64_t now_ms = clock_steady_ms(), soonest = -1;

	for (size_t i = 0; s->plan && i < s->plan->n_uplinks; i++) {
		const struct uplink_plan *u = &s->plan->uplinks[i];
		uint8_t slot = u->slot;

		for (unsigned f = 0; f < 2; f++) {
			int64_t since_ms = s->trouble_since_ms[slot][f];
			int64_t delay_ms = since_ms + RELEASE_MS - now_ms;

			if (since_ms <= 0 || s->learnt.is_released[slot][f] ||
			    !flows_are_held(s, u))
				continue;
			delay_ms = delay_ms > 0 ? delay_ms : 0;
			if (soonest < 0 || delay_ms < soonest)
				soonest = delay_ms;
		}
	}
	return soonest;
}
