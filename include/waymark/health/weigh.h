/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * weigh.h - judges whether unanswered flows show that an uplink is broken. Flows also get no
 * answers if a server is dead, if a service such as name resolution is dead, or if a host inside
 * scans addresses that do not exist.
 *
 * Destinations are counted, not flows. A destination that answered before and does not answer now
 * counts for more than one that never answered. If most of them were asked for the same service,
 * the answers of other services decide, and whether other uplinks get answers from this service.
 * Pure.
 */
#ifndef WAYMARK_HEALTH_WEIGH_H
#define WAYMARK_HEALTH_WEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/base/addr.h"

/* Results of a weighing. A recent flow is one that began in the window of weigher_new(). Each
 * destination is counted once: as alive, lost or unknown. */
struct weighing {
	uint32_t alive;	  /* destinations that answered a recent flow */
	uint32_t lost;	  /* those that answered older flows, but no recent one */
	uint32_t unknown; /* those that got recent flows and have never answered */
	uint32_t sources; /* number of inside hosts that got no answer; for each lost or unknown
			        * destination only the first such host is counted */
	uint32_t unknown_fair; /* like `unknown`, but limited to a few destinations per inside host,
			        * so that a host that scans does not decide alone */
	/* The main service: more lost and unknown destinations got flows for this service alone than
	 * for any other. SERVICE_NONE: there is no such service. */
	uint32_t service;
	uint32_t service_dead; /* lost and unknown destinations with flows for this service alone */
	uint32_t other_lost;   /* lost destinations with unanswered flows for another service */
	bool had_other;	       /* the uplink has got an answer from another service */
			       /* number of recent flows for the main service by other uplinks */
	uint32_t elsewhere_answered, elsewhere_unanswered;
	uint32_t window_ms; /* length of the window */
};

/* Return the service that a flow is for: its destination port or, if its protocol has no ports, its
 * protocol. TCP and UDP with the same port are the same service. */
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

/* Add a flow of the uplink. The weigher has room for a fixed number of destinations; flows to
 * further destinations are ignored. */
void weigher_take(struct weigher *w, const struct weighed_flow *f);
/* Add a flow of another uplink. It shows whether the service answers there. */
void weigher_take_elsewhere(struct weigher *w, const struct weighed_flow *f);
/* Write the results for all flows that were added so far. */
void weigher_sum(struct weigher *w, struct weighing *out);

enum weighing_finding {
	WEIGHING_NOTHING, /* a destination is alive, or too few are lost or unknown */
	WEIGHING_SERVICE, /* perhaps only the main service is dead, not the uplink */
	WEIGHING_SILENT,  /* the uplink is silent */
};
/* Return whether missing answers show that the uplink is silent. */
enum weighing_finding weighing_judge(const struct weighing *w);
/* Return whether the uplink is degraded: enough destinations are lost or unknown, and the share of
 * destinations that are alive is below `least`. */
bool weighing_is_degraded(const struct weighing *w, double least);

#endif
