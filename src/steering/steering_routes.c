/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_routes.c - makes the installed routes and rules equal to those of the plan.
 *
 * A route is replaced in one step, so that its place (route_is_same_place()) always has a route.
 * Must not know how the plan is made.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "steering/steering_internal.h"

static const char *family_name(uint8_t family)
{
	return family == AF_INET6 ? "IPv6" : "IPv4";
}

/* --- routes ---------------------------------------------------------------------- */

/* A route as text for messages, truncated if it has very many nexthops. */
struct route_text {
	char text[400];
};

static const char *route_text(struct route_text *t, const struct route_state *r,
			      const struct netstate *s)
{
	route_format(t->text, sizeof(t->text), r, s);
	return t->text;
}

static const struct route_state *route_find(const struct netstate *s,
					    const struct route_state *place)
{
	for (size_t i = 0; i < s->n_routes; i++)
		if (route_is_same_place(&s->routes[i], place))
			return &s->routes[i];
	return NULL;
}

/* Return the route of the former plan at this place, or NULL. Callers ask for routes in the order
 * of the plan, and all plans have the same order. Therefore start the search at the route that was
 * found last. */
static const struct route_state *former_find(struct run *run, const struct route_state *place)
{
	const struct netstate *former = run->s->former ? run->s->former->wanted : NULL;

	for (size_t n = 0; former && n < former->n_routes; n++) {
		size_t i = (run->former_at + n) % former->n_routes;

		if (!route_is_same_place(&former->routes[i], place))
			continue;
		run->former_at = i;
		return &former->routes[i];
	}
	return NULL;
}

bool route_was_ours(struct run *run, const struct route_state *place)
{
	return former_find(run, place) != NULL;
}

static void route_describe(struct steering_change *c, struct run *run, bool is_missing,
			   const struct route_state *r, const struct netstate *links)
{
	const struct route_state *former = former_find(run, r);
	struct route_text t;

	*c = (struct steering_change){
		.thing = STEERING_ROUTE,
		.is_missing = is_missing,
		.route = r,
	};
	if (run->s->former)
		c->is_undone = is_missing ? former && route_is_equal(former, r) : !former;
	snprintf(c->what, sizeof(c->what), "route: %.140s (%s)", route_text(&t, r, links),
		 family_name(r->family));
}

static bool place_has_ours(const struct netstate *s, const struct route_state *place)
{
	for (size_t i = 0; i < s->n_routes; i++)
		if (s->routes[i].protocol == ROUTE_PROTOCOL_WAYMARK &&
		    route_is_same_place(&s->routes[i], place))
			return true;
	return false;
}

/* --- changes that can be undone ------------------------------------------------------ */

static int route_add(struct run *run, const struct route_state *r, const struct route_state *former)
{
	int err = undo_route(run, former ? former : r, !former);

	if (err)
		return err;
	err = rtnl_route_add(run->s->rtnl, r, former != NULL);
	if (err)
		undo_drop(run);
	return err;
}

static int route_delete(struct run *run, const struct route_state *r)
{
	int err = undo_route(run, r, false);

	if (err)
		return err;
	err = rtnl_route_delete(run->s->rtnl, r);
	if (err)
		undo_drop(run);
	return err;
}

static int rule_add(struct run *run, const struct rule_state *r)
{
	int err = undo_rule(run, r, true);

	if (err)
		return err;
	err = rtnl_rule_add(run->s->rtnl, r);
	if (err)
		undo_drop(run);
	return err;
}

static int rule_delete(struct run *run, const struct rule_state *r)
{
	int err = undo_rule(run, r, false);

	if (err)
		return err;
	err = rtnl_rule_delete(run->s->rtnl, r);
	if (err)
		undo_drop(run);
	return err;
}

/* --- routes, one by one --------------------------------------------------------------- */

/* Delete the foreign routes that precede our route at the same place, so that ours is in force. */
static int route_uncover(struct run *run, const struct route_diff *d,
			 const struct route_state *ours)
{
	int err = 0;

	for (size_t i = 0; !err && i < d->displaced->n_routes; i++) {
		const struct route_state *r = &d->displaced->routes[i];

		if (!route_is_same_place(r, ours))
			continue;
		err = route_delete(run, r);
	}
	return err;
}

/* Install r at its place. If the place has our route behind foreign routes, delete the foreign
 * routes, and replace our route only if it differs from r. Otherwise add r. It then replaces the
 * foreign route or the former route of ours that the place has. */
static int route_bring(struct run *run, const struct route_diff *d, const struct route_state *r)
{
	const struct route_state *former = route_find(d->displaced, r);
	int err;

	if (former && place_has_ours(run->s->netstate, r)) {
		former = route_find(d->remove, r);
		err = route_uncover(run, d, r);
		if (err || !former)
			return err;
	} else if (!former) {
		former = route_find(d->remove, r);
	}
	return route_add(run, r, former);
}

static void route_put(struct run *run, const struct route_diff *d, const struct route_state *r)
{
	struct steering_change change;
	struct route_text t;
	int err;

	route_describe(&change, run, true, r, d->add);
	if (!run_may(run, &change))
		return;
	err = route_bring(run, d, r);
	if (!err)
		run_done(run, &change);
	else
		run_failed(run, err, "check the uplink's address and gateway",
			   "cannot install %s route %s: %s", family_name(r->family),
			   route_text(&t, r, d->add),
			   *rtnl_error(run->s->rtnl) ? rtnl_error(run->s->rtnl) : "refused");
}

/* Return whether the route is of the kind that is_balance asks for. true: the routes that spread
 * new flows, in table main and in the balance table; false: all other routes. */
static bool route_is_in(const struct run *run, const struct route_state *r, bool is_balance)
{
	bool is_spread = r->table == RT_TABLE_MAIN || r->table == run->s->config->balance_table;

	return is_spread == is_balance;
}

void routes_add(struct run *run, const struct route_diff *d, bool is_balance)
{
	for (size_t i = 0; i < d->add->n_routes && run_goes_on(run); i++)
		if (route_is_in(run, &d->add->routes[i], is_balance))
			route_put(run, d, &d->add->routes[i]);
}

static void route_take(struct run *run, const struct route_state *r, const struct netstate *s)
{
	struct steering_change change;
	struct route_text t;
	int err;

	route_describe(&change, run, false, r, s);
	if (!run_may(run, &change))
		return;
	err = route_delete(run, r);
	if (err == -ESRCH || err == -ENOENT)
		return; /* the kernel deleted the route with its interface */
	if (!err)
		run_done(run, &change);
	else
		run_failed(run, err, NULL, "cannot delete %s route %s", family_name(r->family),
			   route_text(&t, r, s));
}

void routes_remove(struct run *run, const struct route_diff *d, bool is_balance)
{
	for (size_t i = d->remove->n_routes; i-- > 0 && run_goes_on(run);) {
		const struct route_state *r = &d->remove->routes[i];

		/* Skip a route that routes_add() has already replaced. */
		if (route_is_in(run, r, is_balance) && !route_find(d->add, r))
			route_take(run, r, d->remove);
	}
}

/* --- what was displaced ------------------------------------------------------------- */

/* Replace the interface indexes in a saved route with the current ones, because an interface that
 * was created again has a new index. */
static int route_renumber(struct route_state *r, const struct netstate *then,
			  const struct netstate *now)
{
	for (size_t i = 0; i < r->n_nexthops; i++) {
		const struct link_state *was, *is;

		was = netstate_link_by_index(then, r->nexthops[i].ifindex);
		is = was ? netstate_link_by_name(now, was->name) : NULL;
		if (!is)
			return -ENODEV;
		r->nexthops[i].ifindex = is->index;
	}
	return 0;
}

/* Restore a saved route: replace our route at its place, or add the saved route if the place has
 * none. A foreign route at the place is newer than the saved one and stays. */
static int route_restore(struct run *run, const struct route_state *saved)
{
	const struct netstate *now = run->s->netstate;
	const struct route_state *there = route_find(now, saved);
	struct route_state r;
	int err;

	if (there && there->protocol != ROUTE_PROTOCOL_WAYMARK)
		return 0;
	if (route_copy(&r, saved) < 0)
		return -ENOMEM;
	err = route_renumber(&r, run->s->state->displaced, now);
	if (!err)
		err = route_add(run, &r, there);
	route_clear(&r);
	return err;
}

/* Return whether the error means that the route's interface is down or gone. In that case the
 * kernel would have deleted the route even without us, so it need not be restored. */
static bool route_went_by_itself(int err)
{
	return err == -ENODEV || err == -ENETDOWN || err == -ENETUNREACH || err == -EHOSTUNREACH;
}

static void route_give_up(struct run *run, const struct route_state *saved)
{
	struct steering_state *st = run->s->state;
	struct route_text t;

	if (run->errors)
		fprintf(run->errors,
			"cannot restore the former %s route %s: its interface is down or gone (add "
			"the route again when the interface is back)\n",
			family_name(saved->family), route_text(&t, saved, st->displaced));
	steering_state_drop_route(st, saved);
}

void routes_restore(struct run *run, const struct netstate *wanted)
{
	struct steering_state *st = run->s->state;

	for (size_t i = st->displaced->n_routes; i-- > 0 && run_goes_on(run);) {
		const struct route_state *saved = &st->displaced->routes[i];
		struct route_text t;
		int err;

		if (i >= st->displaced->n_routes || (wanted && route_find(wanted, saved)))
			continue;
		err = route_restore(run, saved);
		if (!err) {
			run_changed(run, true, "former route: %s (%s)",
				    route_text(&t, saved, st->displaced),
				    family_name(saved->family));
			steering_state_drop_route(st, saved);
		} else if (!wanted && route_went_by_itself(err)) {
			route_give_up(run, saved);
		} else if (!wanted) {
			run_failed(run, err, "add the route again",
				   "cannot restore the former %s route %s",
				   family_name(saved->family),
				   route_text(&t, saved, st->displaced));
		}
	}
}

/* --- rules --------------------------------------------------------------------------- */

/* Return a rule as text without its priority: "fwmark 0x2/0xff lookup 251 ...". */
static const char *rule_text(char *buf, size_t size, const struct rule_state *r)
{
	const char *rest;

	rule_format(buf, size, r);
	rest = strchr(buf, ' ');
	rest = rest ? strchr(rest + 1, ' ') : NULL;
	return rest ? rest + 1 : buf;
}

static bool rule_was_ours(const struct steering *s, const struct rule_state *r)
{
	const struct netstate *former = s->former->wanted;

	for (size_t i = 0; i < former->n_rules; i++)
		if (rule_is_equal(&former->rules[i], r))
			return true;
	return false;
}

static void rule_describe(struct steering_change *c, const struct run *run, bool is_missing,
			  const struct rule_state *r)
{
	char text[256];

	*c = (struct steering_change){
		.thing = STEERING_RULE,
		.is_missing = is_missing,
		.rule = r,
	};
	if (run->s->former)
		c->is_undone = rule_was_ours(run->s, r) == is_missing;
	snprintf(c->what, sizeof(c->what), "rule %u: %.130s (%s)", r->priority,
		 rule_text(text, sizeof(text), r), family_name(r->family));
}

/* Find the rule that the kernel treats as a duplicate of r and would not add: equal to r, or
 * different only in the target of a goto. */
static const struct rule_state *rule_find_rival(const struct netstate *s,
						const struct rule_state *r)
{
	for (size_t i = 0; i < s->n_rules; i++) {
		struct rule_state rival = s->rules[i];

		rival.extra.target = r->extra.target;
		if (rule_is_equal(&rival, r))
			return &s->rules[i];
	}
	return NULL;
}

/* Add a rule. If the kernel has a duplicate of the rule (rival), delete the duplicate first. The
 * new rule comes after all existing rules of its priority. So a rule in the wrong order moves to
 * the end, and a goto gets its new target. */
static int rule_bring(struct run *run, const struct rule_state *r, const struct rule_state *rival)
{
	int err = rival ? rule_delete(run, rival) : 0;

	return err && err != -ENOENT && err != -ESRCH ? err : rule_add(run, r);
}

/* Add a rule, and return whether it was added. is_moved: the kernel has the rule, and it is added
 * again only to come after a rule that was added again. */
static bool rule_put(struct run *run, const struct rule_state *r, const struct rule_state *rival,
		     bool is_moved)
{
	struct steering_change change;
	char text[256];
	int err;

	rule_describe(&change, run, true, r);
	change.is_undone &= !is_moved;
	if (!run_may(run, &change))
		return false;
	err = rule_bring(run, r, rival);
	/* If the kernel has no IPv6, there are no IPv6 packets to steer. */
	if (err == -EAFNOSUPPORT && r->family == AF_INET6)
		return false;
	if (!err)
		run_done(run, &change);
	else
		run_failed(run, err, NULL, "cannot install %s rule %u: %s: %s",
			   family_name(r->family), r->priority, rule_text(text, sizeof(text), r),
			   *rtnl_error(run->s->rtnl) ? rtnl_error(run->s->rtnl) : "refused");
	return !err;
}

static bool rule_shares_priority(const struct rule_state *r, const struct rule_state *other)
{
	return other && r->family == other->family && r->priority == other->priority;
}

/* Add the missing rules in the order of the plan. If a rule's predecessor is added again, add the
 * rule again as well, so that it stays after the predecessor (is_moved). If the predecessor could
 * not be added, leave the rule where it is. */
void rules_add(struct run *run, const struct route_diff *d)
{
	const struct rule_state *before = NULL;
	bool is_put = true;

	for (size_t i = 0; i < d->add->n_rules && run_goes_on(run); i++) {
		const struct rule_state *r = &d->add->rules[i];
		const struct rule_state *rival = rule_find_rival(d->remove, r);
		bool is_moved = rival && rule_is_equal(rival, r) && rule_shares_priority(r, before);

		if (is_moved && !is_put)
			continue;
		is_put = rule_put(run, r, rival, is_moved);
		before = r;
	}
}

static void rule_take(struct run *run, const struct rule_state *r)
{
	struct steering_change change;
	char text[256];
	int err;

	rule_describe(&change, run, false, r);
	if (!run_may(run, &change))
		return;
	err = rule_delete(run, r);
	if (err == -ENOENT || err == -ESRCH)
		return;
	if (!err)
		run_done(run, &change);
	else
		run_failed(run, err, NULL, "cannot delete %s rule %u: %s", family_name(r->family),
			   r->priority, rule_text(text, sizeof(text), r));
}

/* Remove the last rules first. Otherwise a rule that matches a mark would for a moment have no
 * rules for local destinations before it, and would send their packets to an uplink. */
void rules_remove(struct run *run, const struct route_diff *d)
{
	for (size_t i = d->remove->n_rules; i-- > 0 && run_goes_on(run);)
		if (!rule_find_rival(d->add, &d->remove->rules[i]))
			rule_take(run, &d->remove->rules[i]);
}
