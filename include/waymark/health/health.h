/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * health.h - judges uplinks by the share of their new flows that get an answer.
 *
 * If an uplink's counters show too few answers, the uplink becomes suspect. The caller then counts
 * which destinations answer the suspect's flows (weigh.h). This confirms or rejects the suspicion.
 * Pure: time and counters are passed in. Must not know netfilter, nor how an unhealthy uplink is
 * treated (decide.h).
 */
#ifndef WAYMARK_HEALTH_HEALTH_H
#define WAYMARK_HEALTH_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/base/uplinks.h"
#include "waymark/base/record.h"
#include "waymark/health/weigh.h"

enum health_state {
	HEALTH_IDLE, /* no new flows: the health is unknown */
	HEALTH_HEALTHY,
	HEALTH_DEGRADED, /* fewer answers than normal, or one family is silent */
	HEALTH_SILENT,	 /* no answers */
};
const char *health_state_name(enum health_state s); /* "idle", "healthy", ... */

/* Time between two samples. */
#define HEALTH_SAMPLE_MS 500

/* One uplink's totals of new and answered flows. Only their increments between two samples
 * count. */
struct health_counters {
	bool is_known; /* false: the slot has no uplink, or the uplink has no counters */
	struct flow_counts flows[COUNTED_FAMILIES];
};

struct health;

struct health *health_new(void); /* NULL with errno */
void health_free(struct health *h);

/* Forget the health of a slot, because another uplink has the slot now. */
void health_forget(struct health *h, uint8_t slot);

/* Set an uplink to idle and forget its samples, so that only flows that begin from now on decide
 * about its health. Its normal share of answers is not forgotten. */
void health_retry(struct health *h, uint8_t slot, int64_t now_ms);

/* Take the counters of all uplinks, by slot, and update the states. Call every HEALTH_SAMPLE_MS. A
 * counter that is smaller than in the last sample was reset; its increment is 0. */
void health_sample(struct health *h, int64_t now_ms,
		   const struct health_counters counters[UPLINKS_MAX]);

/* An uplink whose flows of one address family, or of both, the caller must weigh (weigh.h). */
struct health_suspect {
	uint8_t slot;
	bool families[COUNTED_FAMILIES];
	uint32_t window_ms; /* weigh the flows that began at most this long ago */
};
/* Return whether any uplink is suspect, and write the first suspect to out. A suspicion lasts until
 * health_weighed() or a new sample clears it. */
bool health_suspect(const struct health *h, struct health_suspect *out);

/* Take the result of weighing the suspect's flows. */
void health_weighed(struct health *h, const struct health_suspect *s, const struct weighing *w,
		    int64_t now_ms);

/* An uplink's health and the measurements that it was judged by. */
struct health_view {
	enum health_state state;
	enum health_state family_state[COUNTED_FAMILIES];
	int64_t since_ms; /* when the state began; 0: it never changed */
	/* when the latest degraded or silent state probably began: at the last answer before a
	 * silence, or at the start of the window whose flows were weighed; 0: never */
	int64_t fault_ms;
	uint32_t window_ms;	  /* length of the interval of `flows`, which ends now */
	struct flow_counts flows; /* flows of both families that began or were answered in it */
	int normal_permille;	  /* share of flows that normally get an answer; -1: unknown */
	int others_permille;	  /* the best other uplink's share of answers, relative to its own
				   * normal share; 1000: as normal; -1: unknown */
};
void health_view(const struct health *h, uint8_t slot, struct health_view *out);

#endif
