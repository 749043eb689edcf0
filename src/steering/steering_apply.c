/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_apply.c - installs, reconciles and removes the steering.
 *
 * The order of the changes matters, because a marked packet must find its table at any moment.
 * Installation first sets the sysctls that packets need to arrive. Then it adds the tables, the
 * rules that lead to the tables, the ruleset that marks packets for the rules, and the balanced
 * route that spreads new flows. At the end it removes what is not planned. Removal uses the reverse
 * order.
 */
#define _GNU_SOURCE /* open_memstream */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steering/steering_internal.h"
#include "steering/steering_lock.h"
#include "waymark/plan/ruleset.h"

/* Maximum number of attempts at a run. An attempt can fail because links or addresses change during
 * it. */
#define TRIES 3

/* --- installation ------------------------------------------------------------------ */

/* Return whether a foreign route that we displace must be saved, to be restored later. A route in
 * table main is always saved: it might be a DHCP client's newest route. In an uplink's table, a
 * foreign route in the place of one of our routes is not saved, because it was added after our
 * installation. */
static bool route_is_found(struct run *run, const struct route_state *r)
{
	return r->table == RT_TABLE_MAIN || !route_was_ours(run, r);
}

/* Before the first change, save the learnt gateways and the foreign routes that will be displaced.
 * If a route will be displaced but the state file cannot be written, end the run, because the route
 * could not be restored later. */
static int state_prepare(struct run *run, const struct route_diff *d)
{
	struct steering *s = run->s;

	/* If several routes have the same place (route_is_same_place()), only the first was in
	 * force. Save them in reverse order: a route overwrites a saved route of the same place, so
	 * the first one remains. */
	for (size_t i = d->displaced->n_routes; i-- > 0;)
		if (route_is_found(run, &d->displaced->routes[i]) &&
		    steering_state_keep_route(s->state, &d->displaced->routes[i], d->displaced) < 0)
			return -ENOMEM;
	if (steering_remember(s) < 0)
		return -ENOMEM;
	s->state->is_known = true;
	return d->displaced->n_routes ? steering_save(s) : run_keep(run);
}

static void run_midway(struct run *run, bool is_new)
{
	if (run->is_atomic && run->s->midway && run_goes_on(run))
		run->s->midway(run->s->midway_data, is_new);
}

static void run_install(struct run *run, const struct route_diff *d)
{
	int before;

	sysctls_set(run, false);
	groups_set(run);
	routes_add(run, d, false);
	rules_add(run, d);
	before = run->n_changed;
	ruleset_load(run);
	run_midway(run, run->n_changed != before);
	sysctls_set(run, true);
	routes_add(run, d, true);
	routes_restore(run, run->s->plan->wanted);
	routes_remove(run, d, true);
	rules_remove(run, d);
	routes_remove(run, d, false);
}

/* Take a snapshot, make a plan, and change what differs from the plan. */
static int run_once(struct run *run)
{
	struct steering *s = run->s;
	struct route_diff *d;
	int err = steering_look(s);

	if (err)
		return err;
	d = route_diff_new(s->plan, s->netstate);
	if (!d)
		return -ENOMEM;
	err = state_prepare(run, d);
	if (!err) {
		run_install(run, d);
		err = run->error;
	}
	route_diff_free(d);
	if (!err)
		err = run_keep(run);
	s->is_settled = !err;
	return err;
}

/* Return the uplink whose packets this foreign rule takes, or NULL. The rule takes them if it
 * precedes our rules, matches all packets with the uplink's mark (it has no other selector), and
 * does not look up the uplink's table. */
static const struct uplink_config *rule_takes(const struct config *c, const struct rule_state *r)
{
	uint32_t ours = r->fwmask & c->mark_mask;

	if (!ours || r->fwmark & r->fwmask & ~c->mark_mask || r->src.len || r->dst.len ||
	    r->iifname[0] || r->oifname[0] || r->is_inverted || r->has_other ||
	    r->suppress_prefixlength >= 0 || r->priority >= c->rule_priority ||
	    r->action == FR_ACT_GOTO || r->action == FR_ACT_NOP)
		return NULL;
	for (size_t i = 0; i < c->n_uplinks; i++)
		if (!((c->uplinks[i].mark ^ r->fwmark) & ours) && c->uplinks[i].table != r->table)
			return &c->uplinks[i];
	return NULL;
}

/* Return whether this foreign rule prevents the steering from working; if so, print why to
 * errors. */
static bool rule_is_in_the_way(const struct config *c, const struct rule_state *r, FILE *errors)
{
	uint32_t last = rule_priority_last(c);
	bool is_among = r->priority >= c->rule_priority && r->priority <= last;
	const struct uplink_config *taken = rule_takes(c, r);
	const char *family = r->family == AF_INET6 ? "IPv6" : "IPv4";
	char text[256];

	if (!is_among && !taken)
		return false;
	rule_format(text, sizeof(text), r);
	if (errors && is_among)
		fprintf(errors,
			"ip rule '%s' (%s) uses one of the priorities %u to %u, which Waymark "
			"needs (set rule-priority to a free range)\n",
			text, family, c->rule_priority, last);
	else if (errors)
		fprintf(errors,
			"ip rule '%s' (%s) comes before Waymark's rules and matches the mark of "
			"uplink %s (delete the rule, choose a mark-mask that the rule does not "
			"use, or set rule-priority below %u)\n",
			text, family, taken->name, r->priority);
	return true;
}

/* Return -EEXIST if a foreign rule prevents the steering from working. A rule with one of our
 * priorities prevents it, because the order of rules with the same priority is undefined. A rule
 * that precedes our rules and matches our marks prevents it, because our rules would never see
 * these packets. */
static int rules_conflict(struct steering *s, FILE *errors)
{
	const struct config *c = s->config;
	int err = steering_look(s);

	for (size_t i = 0; !err && c->mode == MODE_STEER && i < s->netstate->n_rules; i++) {
		const struct rule_state *r = &s->netstate->rules[i];

		if (r->protocol != ROUTE_PROTOCOL_WAYMARK && rule_is_in_the_way(c, r, errors))
			err = -EEXIST;
	}
	return err;
}

/* Return whether links or addresses that change during a run can cause this error. A new attempt
 * can then succeed. */
static bool error_is_passing(int err)
{
	static const int passing[] = {ENODEV, ENETDOWN, ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL,
				      EINVAL, EEXIST,	ESRCH,	     ENOENT};

	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
		if (err == -passing[i])
			return true;
	return false;
}

/* Call one() until it succeeds, fails with a permanent error, or has been called TRIES times. Print
 * only the errors of the last call. */
static int run_tries(int (*one)(struct run *run), struct run *run)
{
	FILE *errors = run->errors;
	int err = 0;

	for (int i = 1; i <= TRIES; i++) {
		char *said = NULL;
		size_t size;

		run->errors = open_memstream(&said, &size);
		run->error = 0;
		err = run->errors ? one(run) : -errno;
		if (run->errors)
			fclose(run->errors);
		run->errors = errors;
		if (errors && said && (!err || !error_is_passing(err) || i == TRIES))
			fputs(said, errors);
		free(said);
		if (!err || !error_is_passing(err))
			break;
	}
	return err;
}

/* Restore the state in memory and in its file after an apply was undone. `former` is the text of
 * the state before that apply. */
static void state_put_back(struct steering *s, const char *former)
{
	struct steering_state *st = steering_state_read(former);

	if (!st)
		return;
	steering_state_free(s->state);
	s->state = st;
	s->is_unsaved = false;
	free(s->listing); /* it lists the ruleset that has been undone */
	s->listing = NULL;
	/* An empty state needs no file. */
	st->is_known = st->n_sysctls || st->displaced->n_routes || st->n_gateways || st->text_hash;
	if (st->is_known)
		steering_save(s);
	else
		steering_forget(s);
}

/* Keep the run's undo records and the state before the run (`former`) for steering_undo(). This
 * function takes ownership of `former`. It returns NULL, which the caller assigns to its own
 * pointer. */
static char *apply_hold(struct run *run, char *former)
{
	struct steering *s = run->s;

	steering_confirm(s);
	s->held = run->undos;
	s->n_held = run->n_undos;
	s->held_state = former;
	run->undos = NULL;
	run->n_undos = 0;
	return NULL;
}

static int apply_try(struct run *run)
{
	struct steering *s = run->s;
	char *former = steering_state_write(s->state);
	int err = former ? run_once(run) : -errno;

	if (err) {
		if (!run->error)
			run_failed(run, err, NULL, "cannot install the steering");
		run_undo(run);
		if (former)
			state_put_back(s, former);
	}
	if (!err && s->is_holding)
		former = apply_hold(run, former);
	run_clear(run);
	free(former);
	return err;
}

void steering_set_patience(struct steering *s, unsigned patience_ms)
{
	s->patience_ms = patience_ms;
}

static void begin_failed(const struct steering *s, int err, FILE *errors)
{
	char holder[64];

	if (!errors)
		return;
	if (err == -EBUSY)
		fprintf(errors,
			"the steering is locked by %s (try again when that process has finished, "
			"or end that process)\n",
			steering_lock_holder(s->config, holder, sizeof(holder)));
	else
		fprintf(errors,
			"cannot open the steering's state file in the folder of %s: %s (run as "
			"root, or set control-socket to a path in a writable folder)\n",
			s->config->control_socket, strerror(-err));
}

/* Take the lock and read the state file. Return the descriptor of the lock, or -errno. */
static int steering_begin(struct steering *s, FILE *errors)
{
	int lock = steering_lock_take(s->config, s->patience_ms);
	int err = lock < 0 ? lock : steering_recall(s);

	if (!err)
		return lock;
	if (lock >= 0)
		close(lock);
	begin_failed(s, err, errors);
	return err;
}

int steering_apply(struct steering *s, FILE *errors)
{
	struct run run = {
		.s = s,
		.is_atomic = true,
		.fn = s->change,
		.data = s->change_data,
		.errors = errors,
	};
	int lock = steering_begin(s, errors);
	int err;

	if (lock < 0)
		return lock;
	err = rules_conflict(s, errors);
	if (!err)
		err = run_tries(apply_try, &run);
	close(lock);
	return err;
}

int steering_apply_held(struct steering *s, FILE *errors)
{
	int err;

	s->is_holding = true;
	err = steering_apply(s, errors);
	s->is_holding = false;
	return err;
}

int steering_undo(struct steering *s, FILE *errors)
{
	struct run run = {.s = s, .errors = errors, .undos = s->held, .n_undos = s->n_held};
	int lock = steering_lock_take(s->config, s->patience_ms);

	if (lock < 0) {
		begin_failed(s, lock, errors);
		return lock;
	}
	s->held = NULL;
	s->n_held = 0;
	run_undo(&run);
	if (s->held_state)
		state_put_back(s, s->held_state);
	close(lock);
	steering_confirm(s);
	return run.error;
}

void steering_confirm(struct steering *s)
{
	struct run run = {.s = s, .undos = s->held, .n_undos = s->n_held};

	run_clear(&run);
	s->held = NULL;
	s->n_held = 0;
	free(s->held_state);
	s->held_state = NULL;
}

int steering_reconcile(struct steering *s, steering_change_fn *fn, void *data, FILE *errors)
{
	struct run run = {.s = s, .fn = fn, .data = data, .errors = errors};
	int lock = steering_begin(s, errors);
	int err;

	if (lock < 0)
		return lock;
	err = run_tries(run_once, &run);
	close(lock);
	return err ? err : run.n_changed;
}

/* --- removal ------------------------------------------------------------------------- */

/* Return all our routes and rules that are installed, as the difference to an empty plan. */
static struct route_diff *diff_of_ours(const struct netstate *now)
{
	struct netstate *nothing = netstate_new();
	struct route_plan plan = {.wanted = nothing};
	struct route_diff *d = nothing ? route_diff_new(&plan, now) : NULL;

	netstate_free(nothing);
	return d;
}

static int run_remove(struct run *run)
{
	struct steering *s = run->s;
	struct route_diff *d = diff_of_ours(s->netstate);

	if (!d)
		return -ENOMEM;
	routes_restore(run, NULL);
	routes_remove(run, d, true);
	ruleset_remove(run);
	rules_remove(run, d);
	routes_remove(run, d, false);
	groups_reset(run);
	sysctls_restore(run);
	route_diff_free(d);
	return run->error;
}

int steering_remove(struct steering *s, FILE *errors)
{
	struct run run = {
		.s = s,
		.fn = s->change,
		.data = s->change_data,
		.errors = errors,
	};
	int lock = steering_begin(s, errors);
	bool was_known;
	int err;

	if (lock < 0)
		return lock;
	was_known = s->state->is_known;
	err = steering_look(s);
	if (!err)
		err = run_remove(&run);
	if (!err)
		err = steering_forget(s);
	if (!err)
		s->state->is_known = false;
	if (run.n_changed && !was_known && errors)
		fprintf(errors, "the state before the installation is unknown: sysctls keep their "
				"values, and displaced routes are not restored\n");
	close(lock);
	return err;
}
