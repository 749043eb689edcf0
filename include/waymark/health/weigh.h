/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * weigh.h - weighs the unanswered flows of an uplink by destination and service: a dead server is
 * not a dead uplink, a scan from inside is not an outage, and a dead service (name resolution) is
 * not a dead uplink either.
 *
 * Each destination counts once. A destination that answered before and does not answer now counts
 * for more than a destination that never answered. If most of them were asked for one service, the
 * other services of the uplink decide, and the same service by other uplinks. Pure.
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
	/* The main service is the one for which most lost and unknown destinations were asked. */
	uint32_t service;      /* SERVICE_NONE: none */
	uint32_t service_dead; /* lost or unknown destinations asked for the main service alone */
	uint32_t other_lost;   /* lost destinations asked for another service, too */
	bool had_other;	       /* another service was answered before the window */
	/* Recent flows to the main service by other uplinks. */
	uint32_t elsewhere_answered, elsewhere_unanswered;
	uint32_t window_ms;
};

/* A service is a port of TCP, UDP or another protocol with ports; else it is a protocol. */
#define SERVICE_NONE 0xffffffffu
uint32_t weigh_service(uint8_t proto, uint16_t dport);

/* A flow that an inside host began. */
struct weighed_flow {
	const struct addr *src, *dst;
	uint32_t service;
	bool is_answered;
	int64_t started_ms; /* 0: unknown */
};

struct weigher;

/* Return a new weigher, or NULL with errno. Its window is the last window_ms before now_ms. */
struct weigher *weigher_new(int64_t now_ms, uint32_t window_ms);
void weigher_free(struct weigher *w);

/* Add a flow of the uplink. Only a fixed number of destinations is kept; flows to other destinations
 * are ignored. */
void weigher_take(struct weigher *w, const struct weighed_flow *f);
/* Add a flow of another uplink. */
void weigher_take_elsewhere(struct weigher *w, const struct weighed_flow *f);
void weigher_sum(struct weigher *w, struct weighing *out);

enum weighing_finding {
	WEIGHING_NOTHING, /* a destination is alive, or too few are lost or unknown */
	WEIGHING_SERVICE, /* the main service may be all that is dead */
	WEIGHING_SILENT,
};
/* Return what the flows of an uplink without answers show. */
enum weighing_finding weighing_judge(const struct weighing *w);
/* Return whether the uplink is degraded: enough destinations are lost or unknown, and the share of
 * destinations that are alive is below `least`. */
bool weighing_is_degraded(const struct weighing *w, double least);

#endif
