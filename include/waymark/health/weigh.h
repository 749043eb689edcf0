/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * weigh.h - weighs the unanswered flows of an uplink by destination: a dead server is not a dead
 * uplink, and a scan from inside is not an outage.
 *
 * Each destination counts once. A destination that answered before and does not answer now counts
 * for more than a destination that never answered. Pure.
 */
#ifndef WAYMARK_HEALTH_WEIGH_H
#define WAYMARK_HEALTH_WEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/base/addr.h"

/* Results of a weighing. A recent flow is one that began in the window of weigher_new(). Each
 * member is a number of destinations, except sources. */
struct weighing {
	uint32_t alive;	       /* answered a recent flow */
	uint32_t lost;	       /* answered only older flows; recent flows are unanswered */
	uint32_t unknown;      /* answered no flow; recent flows are unanswered */
	uint32_t sources;      /* inside hosts that sent the first unanswered flow to a lost or
			        * unknown destination */
	uint32_t unknown_fair; /* like unknown, but only the first few destinations per source
			        * count */
};

struct weigher;

/* Return a new weigher, or NULL with errno. Its window is the last window_ms before now_ms. */
struct weigher *weigher_new(int64_t now_ms, uint32_t window_ms);
void weigher_free(struct weigher *w);

/* Add one flow that an inside host began at started_ms (0: unknown). Only a fixed number of
 * destinations is kept; flows to other destinations are ignored. */
void weigher_take(struct weigher *w, const struct addr *src, const struct addr *dst,
		  bool is_answered, int64_t started_ms);

void weigher_sum(struct weigher *w, struct weighing *out);

/* Return whether the uplink is silent: no destination is alive, and enough destinations are lost or
 * unknown. */
bool weighing_is_silent(const struct weighing *w);
/* Return whether the uplink is degraded: enough destinations are lost or unknown, and the share of
 * destinations that are alive is below `least`. */
bool weighing_is_degraded(const struct weighing *w, double least);

#endif
