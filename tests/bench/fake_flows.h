/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_flows.h - flows that look like a router's, for benches of the history.
 *
 * Two thousand hosts behind NAT and two uplinks; half the flows go to 200 servers
 * that everybody uses, the others to any of 4 billion. 192.0.2.77 has one flow in a
 * million.
 */
#ifndef FAKE_FLOWS_H
#define FAKE_FLOWS_H

#include <stdint.h>

#include "waymark/base/record.h"

/* The same seed makes the same flows. */
void fake_seed(uint64_t seed);
uint32_t fake_random(void);

/* A flow that begins, and its end. */
void fake_begin(struct flow_record *f, int64_t id, int64_t started_ms);
void fake_end(struct flow_record *f);

/* The two uplinks that they leave by; r->uplinks.uplinks is malloc'd. */
void fake_uplinks(struct record *r);

#endif
