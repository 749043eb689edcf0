/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * adopt.h - finds the uplink of a flow that began before steering was active, so that the caller
 * can mark ("adopt") the flow. Pure.
 *
 * Such a flow has no mark, and no record says which uplink it began on. But its outside address is
 * often an address of one uplink. The flow can then continue only by this uplink: another provider
 * would drop its packets, and its peer would not recognize packets with another source address. The
 * outside address of a flow is
 *
 *   the address that it is translated to when it leaves (SNAT, masquerade),
 *   the source address, if this host itself sends the flow,
 *   the destination address, if the flow came in for this host or, by DNAT, for a host behind it.
 *
 * A flow is adopted only if one end is inside and the other end is outside. All other flows are
 * left as they are. An address is inside if it belongs to this host, if table main has a route to
 * it that uses no uplink, or if it is private and another program's table has such a route. An
 * address is outside if table main has a route to it by the flow's uplink, or only a default
 *  route. If two uplinks have the same address, flows with this outside address are not adopted.
 */
#ifndef WAYMARK_PLAN_ADOPT_H
#define WAYMARK_PLAN_ADOPT_H

#include "waymark/config/config.h"
#include "waymark/base/event.h"
#include "waymark/plan/netstate.h"

struct adopt;

/* Prepare to adopt flows: read the addresses and routes in s. c and s are not used after the call.
 * Return NULL with errno on failure. */
struct adopt *adopt_new(const struct config *c, const struct netstate *s);
void adopt_free(struct adopt *a);

/* Return the slot of the uplink that the flow belongs to; SLOT_NONE: the flow has a mark under
 * mark-mask, or its uplink is uncertain. */
uint8_t adopt_decide(const struct adopt *a, const struct ct_event *ev);

/* Return whether the flow came in by its uplink. Call this function only for a flow for which
 * adopt_decide() has returned an uplink. */
bool adopt_is_inbound(const struct adopt *a, const struct ct_event *ev);

#endif
