/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netstate.c - adds, finds and compares the elements of a snapshot: links, addresses, routes and
 * rules.
 *
 * Pure: does not know where a snapshot comes from (kernel/rtnl.c, tests) nor what should be in it
 * (route_plan.c). netstate_format.c prints the elements.
 */
#include "waymark/plan/netstate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct netstate *netstate_new(void)
{
	return calloc(1, sizeof(struct netstate));
}

void route_clear(struct route_state *r)
{
	free(r->nexthops);
	free(r->extra);
	r->nexthops = NULL;
	r->extra = NULL;
	r->n_nexthops = 0;
	r->extra_size = 0;
}

void netstate_free(struct netstate *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_routes; i++)
		route_clear(&s->routes[i]);
	free(s->links);
	free(s->addrs);
	free(s->routes);
	free(s->rules);
	free(s);
}

/* Make room for one more element. The capacity is always a power of two, so that it follows from n:
 * an array is full when n is 0 or a power of two. Return the array, which may have moved. If memory
 * is short, return NULL and leave the old array as it is. */
static void *array_grow(void *array, size_t n, size_t size)
{
	if (n & (n - 1))
		return array;
	return reallocarray(array, n ? 2 * n : 1, size);
}

struct link_state *netstate_add_link(struct netstate *s, const struct link_state *l)
{
	struct link_state *grown = array_grow(s->links, s->n_links, sizeof(*grown));

	if (!grown)
		return NULL;
	s->links = grown;
	grown[s->n_links] = *l;
	return &grown[s->n_links++];
}

struct addr_state *netstate_add_addr(struct netstate *s, const struct addr_state *a)
{
	struct addr_state *grown = array_grow(s->addrs, s->n_addrs, sizeof(*grown));

	if (!grown)
		return NULL;
	s->addrs = grown;
	grown[s->n_addrs] = *a;
	return &grown[s->n_addrs++];
}

/* Copy memory. The result is NULL on failure, but also if size is 0. Therefore failure is reported
 * in *failed. */
static void *memory_copy(const void *from, size_t size, bool *failed)
{
	void *copy;

	if (!size)
		return NULL;
	copy = malloc(size);
	if (copy)
		memcpy(copy, from, size);
	else
		*failed = true;
	return copy;
}

int route_copy(struct route_state *to, const struct route_state *from)
{
	bool failed = false;

	*to = *from;
	to->nexthops =
		memory_copy(from->nexthops, from->n_nexthops * sizeof(*from->nexthops), &failed);
	to->extra = memory_copy(from->extra, from->extra_size, &failed);
	if (!failed)
		return 0;
	route_clear(to);
	return -ENOMEM;
}

struct route_state *netstate_add_route(struct netstate *s, const struct route_state *r)
{
	struct route_state *grown = array_grow(s->routes, s->n_routes, sizeof(*grown));

	if (!grown)
		return NULL;
	s->routes = grown;
	if (route_copy(&grown[s->n_routes], r) < 0)
		return NULL;
	return &grown[s->n_routes++];
}

struct rule_state *netstate_add_rule(struct netstate *s, const struct rule_state *r)
{
	struct rule_state *grown = array_grow(s->rules, s->n_rules, sizeof(*grown));

	if (!grown)
		return NULL;
	s->rules = grown;
	grown[s->n_rules] = *r;
	return &grown[s->n_rules++];
}

const struct link_state *netstate_link_by_name(const struct netstate *s, const char *name)
{
	for (size_t i = 0; i < s->n_links; i++)
		if (!strcmp(s->links[i].name, name))
			return &s->links[i];
	return NULL;
}

const struct link_state *netstate_link_by_index(const struct netstate *s, uint32_t index)
{
	for (size_t i = 0; i < s->n_links; i++)
		if (s->links[i].index == index)
			return &s->links[i];
	return NULL;
}

static bool nexthop_is_equal(const struct nexthop *a, const struct nexthop *b)
{
	return a->ifindex == b->ifindex && a->weight == b->weight && a->is_onlink == b->is_onlink &&
	       addr_is_equal(&a->gateway, &b->gateway);
}

bool route_is_same_place(const struct route_state *a, const struct route_state *b)
{
	return a->family == b->family && a->table == b->table && a->metric == b->metric &&
	       a->tos == b->tos && prefix_is_equal(&a->dst, &b->dst) &&
	       a->from.len == b->from.len && (!a->from.len || prefix_is_equal(&a->from, &b->from));
}

static bool nexthops_are_equal(const struct route_state *a, const struct route_state *b)
{
	if (a->n_nexthops != b->n_nexthops)
		return false;
	for (size_t i = 0; i < a->n_nexthops; i++)
		if (!nexthop_is_equal(&a->nexthops[i], &b->nexthops[i]))
			return false;
	return true;
}

bool route_is_equal(const struct route_state *a, const struct route_state *b)
{
	return route_is_same_place(a, b) && a->type == b->type && a->protocol == b->protocol &&
	       a->scope == b->scope && a->nexthop_id == b->nexthop_id &&
	       addr_is_equal(&a->prefsrc, &b->prefsrc) && a->extra_size == b->extra_size &&
	       (!a->extra_size || !memcmp(a->extra, b->extra, a->extra_size)) &&
	       nexthops_are_equal(a, b);
}

/* Return whether each next hop of a is also one of b. Two differences are ignored: the weight of a
 * single next hop, which the kernel reports for one family only, and "onlink", which does not
 * change where packets go. */
static bool nexthops_are_among(const struct route_state *a, const struct route_state *b)
{
	for (size_t i = 0; i < a->n_nexthops; i++) {
		const struct nexthop *x = &a->nexthops[i];
		bool is_found = false;

		for (size_t j = 0; j < b->n_nexthops && !is_found; j++) {
			const struct nexthop *y = &b->nexthops[j];

			is_found = x->ifindex == y->ifindex &&
				   addr_is_equal(&x->gateway, &y->gateway) &&
				   (a->n_nexthops == 1 || x->weight == y->weight);
		}
		if (!is_found)
			return false;
	}
	return true;
}

bool route_is_same_way(const struct route_state *a, const struct route_state *b)
{
	return a->type == b->type && a->n_nexthops == b->n_nexthops && nexthops_are_among(a, b) &&
	       nexthops_are_among(b, a);
}

static bool range_is_equal(const uint16_t *a, const uint16_t *b)
{
	return a[0] == b[0] && a[1] == b[1];
}

static bool extra_is_equal(const struct rule_extra *a, const struct rule_extra *b)
{
	return a->is_l3mdev == b->is_l3mdev && a->has_uids == b->has_uids &&
	       a->has_suppress_ifgroup == b->has_suppress_ifgroup && a->tos == b->tos &&
	       a->ip_proto == b->ip_proto && range_is_equal(a->sports, b->sports) &&
	       range_is_equal(a->dports, b->dports) && a->uids[0] == b->uids[0] &&
	       a->uids[1] == b->uids[1] && a->suppress_ifgroup == b->suppress_ifgroup &&
	       a->target == b->target && a->tun_id == b->tun_id;
}

bool rule_is_equal(const struct rule_state *a, const struct rule_state *b)
{
	return a->family == b->family && a->priority == b->priority && a->action == b->action &&
	       a->protocol == b->protocol && a->table == b->table && a->fwmark == b->fwmark &&
	       a->fwmask == b->fwmask && prefix_is_equal(&a->src, &b->src) &&
	       prefix_is_equal(&a->dst, &b->dst) && !strcmp(a->iifname, b->iifname) &&
	       !strcmp(a->oifname, b->oifname) &&
	       a->suppress_prefixlength == b->suppress_prefixlength &&
	       a->is_inverted == b->is_inverted && a->has_other == b->has_other &&
	       extra_is_equal(&a->extra, &b->extra);
}
