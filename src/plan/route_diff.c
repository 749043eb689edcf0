/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_diff.c - computes the changes that lead from the kernel's routes and rules to the planned
 * ones. If the kernel already has the planned ones, there are no changes.
 *
 * Pure. A route or rule with ROUTE_PROTOCOL_WAYMARK is ours, in any table. If the plan does not
 * contain a route or rule of ours, it is removed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/base/sort.h"
#include "waymark/plan/route_plan.h"

static bool route_is_ours(const struct route_state *r)
{
	return r->protocol == ROUTE_PROTOCOL_WAYMARK;
}

/* Return whether the next hops that both routes have agree in "onlink". route_is_same_way() ignores
 * "onlink", because it does not change where packets go. But the plan's value can change, for
 * example when the interface gets an address, and our route must follow. */
static bool is_same_onlink(const struct route_state *wanted, const struct route_state *r)
{
	for (size_t i = 0; i < wanted->n_nexthops; i++) {
		const struct nexthop *w = &wanted->nexthops[i];

		for (size_t j = 0; j < r->n_nexthops; j++)
			if (r->nexthops[j].ifindex == w->ifindex &&
			    addr_is_equal(&r->nexthops[j].gateway, &w->gateway) &&
			    r->nexthops[j].is_onlink != w->is_onlink)
				return false;
	}
	return true;
}

/* Return whether a route is as planned. The order of next hops does not matter, because the kernel
 * lists next hops in its own order. */
static bool route_is_as_planned(const struct route_state *wanted, const struct route_state *r)
{
	return wanted->scope == r->scope && wanted->nexthop_id == r->nexthop_id &&
	       wanted->extra_size == r->extra_size &&
	       (!r->extra_size || !memcmp(wanted->extra, r->extra, r->extra_size)) &&
	       addr_is_equal(&wanted->prefsrc, &r->prefsrc) && route_is_same_way(wanted, r) &&
	       is_same_onlink(wanted, r);
}

/* A route of the snapshot. The array is sorted by place, so that a binary search finds a route: a
 * plan can have a thousand routes in each of sixty tables. Routes in the same place stay in the
 * kernel's order. */
struct place {
	const struct route_state *route;
	bool is_kept; /* in the plan, so a route of ours is not removed */
};

static int route_compare_place(const struct route_state *a, const struct route_state *b)
{
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	if (a->family != b->family)
		return a->family - b->family;
	if (a->dst.len != b->dst.len)
		return a->dst.len - b->dst.len;
	if (a->metric != b->metric)
		return a->metric < b->metric ? -1 : 1;
	if (a->tos != b->tos)
		return a->tos - b->tos;
	if (a->from.len != b->from.len)
		return a->from.len - b->from.len;
	if (!addr_is_equal(&a->dst.addr, &b->dst.addr))
		return addr_compare(&a->dst.addr, &b->dst.addr);
	return a->from.len ? addr_compare(&a->from.addr, &b->from.addr) : 0;
}

static int place_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	int by_place = route_compare_place(x->route, y->route);

	if (by_place)
		return by_place;
	return x->route < y->route ? -1 : x->route > y->route;
}

struct differ {
	struct route_diff *d;
	struct place *places;
	size_t n_places;
};

/* Return the index of the first element in the place of r. If there is none, return the index at
 * which it would be. */
static size_t place_find(const struct differ *df, const struct route_state *r)
{
	size_t low = 0, high = df->n_places;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (route_compare_place(df->places[middle].route, r) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Return whether the route at index i is in the place of the planned route. */
static bool place_is_of(const struct differ *df, size_t i, const struct route_state *wanted)
{
	return i < df->n_places && route_is_same_place(df->places[i].route, wanted);
}

/* Return the number of foreign routes to displace. If we have a route in this place, these are the
 * foreign routes that precede it. Otherwise it is only the first foreign route, which is in
 * force. */
static size_t places_in_the_way(const struct differ *df, const struct route_state *wanted,
				size_t first)
{
	size_t n = 0;

	while (place_is_of(df, first + n, wanted) && !route_is_ours(df->places[first + n].route))
		n++;
	return place_is_of(df, first + n, wanted) ? n : n > 0;
}

static int diff_displace(struct differ *df, const struct route_state *wanted, size_t first)
{
	size_t n = places_in_the_way(df, wanted, first);

	for (size_t i = first; i < first + n; i++)
		if (!netstate_add_route(df->d->displaced, df->places[i].route))
			return -ENOMEM;
	return 0;
}

/* If one of our routes in this place is as planned, keep that route and return true. */
static bool place_keep_ours(struct differ *df, const struct route_state *wanted, size_t first)
{
	for (size_t i = first; place_is_of(df, i, wanted); i++) {
		struct place *p = &df->places[i];

		if (route_is_ours(p->route) && route_is_as_planned(wanted, p->route)) {
			p->is_kept = true;
			return true;
		}
	}
	return false;
}

/* Compare a planned route with the routes in its place. IPv4 allows several routes in one place;
 * the first one is in force. If the first one is a foreign route that sends packets where the
 * planned route would send them, that route is sufficient: nothing is added or displaced. */
static int diff_route(struct differ *df, const struct route_state *wanted)
{
	size_t first = place_find(df, wanted);
	struct place *p = place_is_of(df, first, wanted) ? &df->places[first] : NULL;

	if (p && !route_is_ours(p->route) && route_is_same_way(wanted, p->route)) {
		p->is_kept = true;
		return 0;
	}
	if (place_keep_ours(df, wanted, first) && route_is_ours(p->route))
		return 0;
	if (!netstate_add_route(df->d->add, wanted))
		return -ENOMEM;
	return diff_displace(df, wanted, first);
}

static int diff_routes(struct differ *df, const struct netstate *wanted, const struct netstate *s)
{
	for (size_t i = 0; i < s->n_routes; i++)
		df->places[i] = (struct place){.route = &s->routes[i]};
	df->n_places = s->n_routes;
	if (df->n_places)
		list_sort(df->places, df->n_places, sizeof(*df->places), place_compare);
	for (size_t i = 0; i < wanted->n_routes; i++)
		if (diff_route(df, &wanted->routes[i]) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < df->n_places; i++)
		if (route_is_ours(df->places[i].route) && !df->places[i].is_kept &&
		    !netstate_add_route(df->d->remove, df->places[i].route))
			return -ENOMEM;
	return 0;
}

static size_t rules_count(const struct netstate *s, const struct rule_state *r, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += rule_is_equal(&s->rules[i], r);
	return count;
}

/* Return the index of a rule in the kernel's order; n_rules: the rule is missing. */
static size_t rule_index(const struct netstate *s, const struct rule_state *r)
{
	size_t i = 0;

	while (i < s->n_rules && !rule_is_equal(&s->rules[i], r))
		i++;
	return i;
}

/* Return whether rule k of the plan is in the wrong order in the kernel. The rules of the balanced
 * route share one priority, so the kernel keeps them in the order in which they were added. Each of
 * these rules must follow its predecessor and all foreign rules with this priority. A misplaced
 * rule is deleted and added again, and so are our rules that follow it. */
static bool rule_is_misplaced(const struct netstate *wanted, size_t k, const struct netstate *s)
{
	const struct rule_state *r = &wanted->rules[k];
	size_t at = rule_index(s, r);

	if (r->priority != RULE_PRIORITY_BALANCE || at == s->n_rules)
		return false;
	for (size_t i = at + 1; i < s->n_rules; i++)
		if (s->rules[i].family == r->family && s->rules[i].priority == r->priority &&
		    s->rules[i].protocol != ROUTE_PROTOCOL_WAYMARK)
			return true;
	for (size_t i = 0; i < k; i++) {
		const struct rule_state *before = &wanted->rules[i];

		if (before->family == r->family && before->priority == r->priority &&
		    (rule_index(s, before) > at || rule_is_misplaced(wanted, i, s)))
			return true;
	}
	return false;
}

static int rule_move(struct route_diff *d, const struct rule_state *r)
{
	return netstate_add_rule(d->remove, r) && netstate_add_rule(d->add, r) ? 0 : -ENOMEM;
}

/* Compare the rules. If the kernel has one of our rules several times, keep the first one and
 * remove the copies. */
static int diff_rules(struct route_diff *d, const struct netstate *wanted, const struct netstate *s)
{
	for (size_t i = 0; i < wanted->n_rules; i++) {
		const struct rule_state *r = &wanted->rules[i];

		if (!rules_count(s, r, s->n_rules) && !netstate_add_rule(d->add, r))
			return -ENOMEM;
		if (rule_is_misplaced(wanted, i, s) && rule_move(d, r) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < s->n_rules; i++) {
		const struct rule_state *r = &s->rules[i];

		if (r->protocol != ROUTE_PROTOCOL_WAYMARK)
			continue;
		if (rules_count(wanted, r, wanted->n_rules) && !rules_count(s, r, i))
			continue;
		if (!netstate_add_rule(d->remove, r))
			return -ENOMEM;
	}
	return 0;
}

/* Create a part of the diff. A part has the links of the snapshot, so that it can be printed with
 * the names of interfaces. */
static struct netstate *part_new(const struct netstate *s)
{
	struct netstate *part = netstate_new();

	for (size_t i = 0; part && i < s->n_links; i++) {
		if (netstate_add_link(part, &s->links[i]))
			continue;
		netstate_free(part);
		part = NULL;
	}
	return part;
}

static int diff_fill(struct differ *df, const struct netstate *wanted, const struct netstate *s)
{
	struct route_diff *d = df->d;

	d->remove = part_new(s);
	d->add = part_new(s);
	d->displaced = part_new(s);
	if (!d->remove || !d->add || !d->displaced || !df->places)
		return -ENOMEM;
	return diff_routes(df, wanted, s) < 0 ? -ENOMEM : diff_rules(d, wanted, s);
}

struct route_diff *route_diff_new(const struct route_plan *p, const struct netstate *s)
{
	struct differ df = {
		.d = calloc(1, sizeof(struct route_diff)),
		.places = calloc(s->n_routes + 1, sizeof(struct place)),
	};

	if (df.d && diff_fill(&df, p->wanted, s) < 0) {
		route_diff_free(df.d);
		df.d = NULL;
	}
	free(df.places);
	if (!df.d)
		errno = ENOMEM;
	return df.d;
}

void route_diff_free(struct route_diff *d)
{
	if (!d)
		return;
	netstate_free(d->remove);
	netstate_free(d->add);
	netstate_free(d->displaced);
	free(d);
}

static bool netstate_is_empty(const struct netstate *s)
{
	return !s->n_routes && !s->n_rules;
}

bool route_diff_is_empty(const struct route_diff *d)
{
	return netstate_is_empty(d->remove) && netstate_is_empty(d->add) &&
	       netstate_is_empty(d->displaced);
}
