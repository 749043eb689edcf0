/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_extra.h - reads and joins the attributes of a route that route_state keeps as the
 * kernel has them: metrics (mtu, advmss, ...) and the preference of IPv6 routers. Pure.
 */
#ifndef WAYMARK_PLAN_ROUTE_EXTRA_H
#define WAYMARK_PLAN_ROUTE_EXTRA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/plan/netstate.h"

/* Return whether the route has the metric (RTAX_...), and write its value. */
bool route_metric(const struct route_state *r, unsigned metric, uint32_t *value);
/* Return whether the route has a preference that is not the default, and write it. */
bool route_preference(const struct route_state *r, uint8_t *pref);

/* Join the attributes of the next hops of one route, which has one set for all: what they
 * agree on stays, else the smallest mtu and advmss of any. buf: ROUTE_EXTRA_MAX bytes;
 * returns how many are used. */
size_t route_extra_join(const struct route_state *const *routes, size_t n, uint8_t *buf);

#endif
