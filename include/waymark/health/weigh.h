/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * weigh.h - weigh the unanswered flows of an uplink by destination: a dead server is not
 * a dead uplink, and a scan from inside is not an outage.
 *
 * Each destination counts once. One that answered before and does not answer now counts
 * for more than one that never answered. Pure.
 */
#ifndef WAYMARK_HEALTH_WEIGH_H
#define WAYMARK_HEALTH_WEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/base/addr.h"

/* Numbers of destinations, by the answers that their flows got. */
struct weighing {
	uint32_t alive;	       /* answered a flow that began in the window */
	uint32_t lost;	       /* answered before the window, and not in it */
	uint32_t unknown;      /* never answered */
	uint32_t sources;      /* inside hosts with unanswered flows */
	uint32_t unknown_fair; /* as unknown, at most a few per source */
};

struct weigher;

/* Return a new weigher, or NULL with errno. Flows that began at most window_ms before now_ms are
 * recent. */
struct weigher *weigher_new(int64_t now_ms, uint32_t window_ms);
void weigher_free(struct weigher *w);

/* Add one flow that an inside host began. started_ms is 0 if it is unknown. Destinations beyond a
 * fixed number are not counted. */
void weigher_take(struct weigher *w, const struct addr *src, const struct addr *dst,
		  bool is_answered, int64_t started_ms);

void weigher_sum(struct weigher *w, struct weighing *out);

/* Return whether the uplink is silent: no destination answers, and enough of them should. */
bool weighing_is_silent(const struct weighing *w);
/* Return whether the uplink is degraded: the share of destinations that answer is below least. */
bool weighing_is_degraded(const struct weighing *w, double least);

#endif
