/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_release.c - which uplinks are down for good. While an uplink flickers, is renamed or
 * made again, its packets are refused. Once it stays down, held flows may go on by another
 * uplink.
 */

#include "steering/steering_internal.h"

#include "waymark/base/clock.h"

/* How long an uplink must be away. */
#define RELEASE_MS 500

/* With "flush" the flows of an uplink that is down are deleted: there is nothing to
 * let go. One that has lost a family alone is not down, and its flows are held. */
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
