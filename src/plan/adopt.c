/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * adopt.c - decides which uplink owns a flow that began before steering was active.
 *
 * Must not know who sets marks. A snapshot is converted to two short lists: the host's own
 * addresses and the networks that have routes. Each element has a side: the uplink that leads to
 * it, or inside. To decide about a flow, only its addresses are looked up in these lists.
 */
#include "waymark/base/sort.h"
#include "waymark/plan/adopt.h"
#include "waymark/plan/route_plan.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "waymark/base/record.h"

/* place.side if no uplink leads to the address or network. This is not a slot. */
#define SIDE_INSIDE 0xfe
/* place.side if the address is on interfaces of different sides, or if the next hops of the
 * network's route are on different sides. This is not a slot. No uplink is chosen by such an
 * element. */
#define SIDE_DOUBTFUL 0xfd

struct place {
	struct prefix prefix;
	uint8_t side; /* slot, SIDE_INSIDE or SIDE_DOUBTFUL */
};

struct adopt {
	uint32_t mask;
	struct place *own;
	size_t n_own;
	struct place *nets; /* longest prefix first */
	size_t n_nets;
};

static uint8_t side_of_ifindex(const struct config *c, const struct netstate *s, uint32_t ifindex)
{
	const struct link_state *l = netstate_link_by_index(s, ifindex);
	const struct uplink_config *u = l ? config_uplink_by_ifname(c, l->name) : NULL;

	return u ? u->slot : SIDE_INSIDE;
}

/* Return the side that a route leads to. A route that refuses packets counts as leading inside,
 * because it uses no uplink. */
static uint8_t side_of_route(const struct config *c, const struct netstate *s,
			     const struct route_state *r)
{
	uint8_t side = r->n_nexthops ? side_of_ifindex(c, s, r->nexthops[0].ifindex) : SIDE_INSIDE;

	for (size_t i = 1; i < r->n_nexthops; i++)
		if (side_of_ifindex(c, s, r->nexthops[i].ifindex) != side)
			return SIDE_DOUBTFUL;
	return side;
}

/* Add an address of the host. An address on two interfaces is one entry, which is doubtful if the
 * interfaces are on different sides. */
static void own_add(struct adopt *a, const struct addr *addr, uint8_t side)
{
	for (size_t i = 0; i < a->n_own; i++) {
		struct place *p = &a->own[i];

		if (!addr_is_equal(&p->prefix.addr, addr))
			continue;
		if (p->side != side)
			p->side = SIDE_DOUBTFUL;
		return;
	}
	a->own[a->n_own++].prefix.addr = *addr;
	a->own[a->n_own - 1].side = side;
}

static int place_compare(const void *x, const void *y)
{
	const struct place *a = x, *b = y;

	return (int)b->prefix.len - (int)a->prefix.len;
}

static bool is_looked_up(const struct netstate *s, uint32_t table)
{
	for (size_t i = 0; i < s->n_rules; i++)
		if (rule_is_foreign_lookup(&s->rules[i]) && s->rules[i].table == table)
			return true;
	return false;
}

/* Return whether a route shows the side of its network. Routes of table main do, except default
 * routes. In tables of other programs, such as a mesh VPN, only routes to private networks do. */
static bool tells_side(const struct netstate *s, const struct route_state *r)
{
	if (r->table == RT_TABLE_MAIN)
		return r->dst.len;
	return r->type != RTN_THROW && prefix_is_private(&r->dst) && is_looked_up(s, r->table);
}

static void places_fill(struct adopt *a, const struct config *c, const struct netstate *s)
{
	for (size_t i = 0; i < s->n_addrs; i++)
		if (!s->addrs[i].is_link_local)
			own_add(a, &s->addrs[i].prefix.addr,
				side_of_ifindex(c, s, s->addrs[i].ifindex));
	for (size_t i = 0; i < s->n_routes; i++) {
		const struct route_state *r = &s->routes[i];

		if (tells_side(s, r))
			a->nets[a->n_nets++] = (struct place){r->dst, side_of_route(c, s, r)};
	}
	list_sort(a->nets, a->n_nets, sizeof(*a->nets), place_compare);
}

struct adopt *adopt_new(const struct config *c, const struct netstate *s)
{
	struct adopt *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->mask = c->mark_mask;
	a->own = calloc(s->n_addrs + 1, sizeof(*a->own));
	a->nets = calloc(s->n_routes + 1, sizeof(*a->nets));
	if (!a->own || !a->nets) {
		adopt_free(a);
		errno = ENOMEM;
		return NULL;
	}
	places_fill(a, c, s);
	return a;
}

void adopt_free(struct adopt *a)
{
	if (!a)
		return;
	free(a->own);
	free(a->nets);
	free(a);
}

static const struct place *own_find(const struct adopt *a, const struct addr *addr)
{
	for (size_t i = 0; i < a->n_own; i++)
		if (addr_is_equal(&a->own[i].prefix.addr, addr))
			return &a->own[i];
	return NULL;
}

/* Return the slot of the uplink whose interface has the address. SLOT_NONE: the address is on no
 * uplink, or also on another side. */
static uint8_t owner_of(const struct adopt *a, const struct addr *addr)
{
	const struct place *p = own_find(a, addr);

	return p && p->side < UPLINKS_MAX ? p->side : SLOT_NONE;
}

/* Return the side to which the routes lead for this address, or SLOT_NONE if only a default route
 * matches. */
static uint8_t side_of(const struct adopt *a, const struct addr *addr)
{
	for (size_t i = 0; i < a->n_nets; i++)
		if (prefix_contains(&a->nets[i].prefix, addr))
			return a->nets[i].side;
	return SLOT_NONE;
}

static bool is_near(const struct adopt *a, const struct addr *addr)
{
	return own_find(a, addr) || side_of(a, addr) == SIDE_INSIDE;
}

static bool is_beyond(const struct adopt *a, const struct addr *addr, uint8_t slot)
{
	uint8_t side = side_of(a, addr);

	return !own_find(a, addr) && (side == SLOT_NONE || side == slot);
}

uint8_t adopt_decide(const struct adopt *a, const struct ct_event *ev)
{
	const struct endpoints *original = &ev->tuple[DIR_ORIGINAL];
	const struct endpoints *reply = &ev->tuple[DIR_REPLY];
	uint8_t slot;

	if (ev->mark & a->mask)
		return SLOT_NONE;
	/* Outbound: replies are sent to the flow's outside address. */
	slot = owner_of(a, &reply->dst);
	if (slot != SLOT_NONE && is_near(a, &original->src) && is_beyond(a, &reply->src, slot))
		return slot;
	/* Inbound: the first packet was sent to the flow's outside address. */
	slot = owner_of(a, &original->dst);
	if (slot != SLOT_NONE && is_near(a, &reply->src) && is_beyond(a, &original->src, slot))
		return slot;
	return SLOT_NONE;
}

bool adopt_is_inbound(const struct adopt *a, const struct ct_event *ev)
{
	return !is_near(a, &ev->tuple[DIR_ORIGINAL].src);
}
