/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_flows.h - makes flows that look like a router's, for benchmarks of the history.
 *
 * Two thousand hosts behind NAT and two uplinks; half of the flows go to 200 popular servers, the
 * others to any of 4 billion. 192.0.2.77 has one flow in a million. One in a thousand left by both
 * uplinks, one in 500 lasted longer than ten minutes, one in 40 had no reply.
 */
#ifndef FAKE_FLOWS_H
#define FAKE_FLOWS_H

#include <stdint.h>

#include "waymark/base/record.h"

/* The same seed makes the same flows. */
void fake_seed(uint64_t seed);
uint32_t fake_random(void);

/* The start of a flow, and its end. */
void fake_begin(struct flow_record *f, int64_t id, int64_t started_ms);
void fake_end(struct flow_record *f);

/* The mismatch of a flow; the usage of an uplink in a bin. */
void fake_mismatch(const struct flow_record *f, struct mismatch_record *m);
void fake_usage(int64_t time_ms, uint8_t slot, struct usage_record *u);

/* The two uplinks that they leave by; r->uplinks.uplinks is malloc'd. */
void fake_uplinks(struct record *r);

#endif
