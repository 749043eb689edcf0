/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * adopt.h - which uplink a flow from before the steering belongs to, decided from its addresses
 * if they leave no doubt. Pure.
 *
 * Such a flow has no mark, and the uplink that it began on is not recorded anywhere. But its
 * address on the outside is often one uplink's, and then only that uplink can carry it on:
 * another provider would drop it, and its peer would not know it. That holds for
 *
 *   what is translated to the uplink's address on its way out (SNAT, masquerade),
 *   what the router itself sends from the uplink's address,
 *   what came to the uplink's address, for the router or, by DNAT, for one behind it
 *
 * as long as one end is on this side and the other is not: the router's own or one
 * that table main leads to by no uplink, and one that it leads to by the uplink or
 * only by a default route. An address that two uplinks have decides nothing. All
 * other flows are left as they are.
 */
#ifndef WAYMARK_PLAN_ADOPT_H
#define WAYMARK_PLAN_ADOPT_H

#include "waymark/config/config.h"
#include "waymark/base/event.h"
#include "waymark/plan/netstate.h"

struct adopt;

/* Prepare to adopt flows. c and s are not needed afterwards. Returns NULL with
 * errno. */
struct adopt *adopt_new(const struct config *c, const struct netstate *s);
void adopt_free(struct adopt *a);

/* Return the slot of the uplink that the flow belongs to; SLOT_NONE: the flow has a
 * mark under the mask, or its uplink is uncertain. */
uint8_t adopt_decide(const struct adopt *a, const struct ct_event *ev);

/* Whether a flow that belongs to an uplink entered by it. */
bool adopt_is_inbound(const struct adopt *a, const struct ct_event *ev);

#endif
