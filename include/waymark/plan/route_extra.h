/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_extra.h - reads and joins the attributes in route_state.extra, which are in the kernel's
 * format: metrics (mtu, advmss, ...) and the router preference of IPv6. Pure.
 */
#ifndef WAYMARK_PLAN_ROUTE_EXTRA_H
#define WAYMARK_PLAN_ROUTE_EXTRA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waymark/plan/netstate.h"

/* Return whether the route has the metric (RTAX_...); if so, write its value to *value. */
bool route_metric(const struct route_state *r, unsigned metric, uint32_t *value);
/* Return whether the route has a preference other than the default, and write it to *pref. */
bool route_preference(const struct route_state *r, uint8_t *pref);

/* Join the attributes of several routes for one multipath route, which has one set of attributes
 * for all next hops. If all routes have the same attributes, the result has these attributes.
 * Otherwise the result has only the smallest mtu and the smallest advmss. buf has ROUTE_EXTRA_MAX
 *  bytes. Return the size of the result. */
size_t route_extra_join(const struct route_state *const *routes, size_t n, uint8_t *buf);

#endif
