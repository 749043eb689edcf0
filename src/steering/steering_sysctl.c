/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_sysctl.c - sets the wanted sysctls and restores the former values.
 *
 * Must not know which are wanted (plan/sysctl_plan.c). None of them is worth
 * failing for: without them flows are counted less well, or a filter that the
 * administrator set drops some; each is said, and the rest goes on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/steering_internal.h"
#include "waymark/plan/sysctl_plan.h"
#include "waymark/kernel/sysctl.h"

#define WANTS_MAX (UPLINKS_MAX + 8)

/* The larger value of "all" and the interface is in force: 0 off, 1 strict,
 * 2 loose (Documentation/networking/ip-sysctl.rst). */
static bool filter_is_strict(const char *own)
{
	char all[SYSCTL_VALUE_MAX];
	int here = atoi(own), everywhere;

	if (sysctl_read("net/ipv4/conf/all/rp_filter", all, sizeof(all)) < 0)
		return here == 1;
	everywhere = atoi(all);
	return (here > everywhere ? here : everywhere) == 1;
}

bool sysctl_is_due(const struct sysctl_want *w, const char *now)
{
	return w->is_rp_filter ? filter_is_strict(now) : strcmp(now, w->value) != 0;
}

/* Save the former value, in memory and on disk, before changing it. */
static int sysctl_change(struct run *run, const struct sysctl_want *w, const char *now)
{
	struct steering *s = run->s;
	int err = steering_state_keep_sysctl(s->state, w->name, now, w->value);

	if (!err)
		err = steering_save(s);
	if (!err)
		err = undo_sysctl(run, w->name, now);
	return err ? err : sysctl_write(w->name, w->value);
}

/* Keep the value found although it needs no change: it may need one later. */
static void sysctl_keep(struct run *run, const struct sysctl_want *w, const char *now)
{
	int err = run->is_atomic ? steering_state_keep_sysctl(run->s->state, w->name, now, w->value)
				 : 0;

	if (err)
		run_failed(run, err, NULL, "cannot save the former value of sysctl %s", w->name);
}

/* Reported once when the steering is installed, not each time that it is looked at. */
static void sysctl_warn(struct run *run, const struct sysctl_want *w, int err)
{
	if (run->errors && run->is_atomic)
		fprintf(run->errors, "cannot set sysctl %s to %s (needed so that %s): %s\n",
			w->name, w->value, w->why, strerror(-err));
}

/* An interface that is new, or made again, has new sysctls. */
static bool filter_was_there(const struct steering *s, const struct sysctl_want *w)
{
	const struct link_state *was, *is;
	char ifname[IFNAMSIZ];

	if (sscanf(w->name, "net/ipv4/conf/%15[^/]/", ifname) != 1)
		return false;
	was = netstate_link_by_name(s->former->wanted, ifname);
	is = netstate_link_by_name(s->netstate, ifname);
	return was && is && was->index == is->index;
}

static void sysctl_describe(struct steering_change *c, const struct steering *s,
			    const struct sysctl_want *w, const char *now)
{
	*c = (struct steering_change){
		.thing = STEERING_SYSCTL,
		.is_missing = true,
		.is_undone = s->former && (!w->is_rp_filter || filter_was_there(s, w)),
	};
	snprintf(c->what, sizeof(c->what), "sysctl %.127s = %.16s", w->name, w->value);
	snprintf(c->detail, sizeof(c->detail), "was %s", now);
}

/* Returns whether another value than the wanted one was found and left. Before conntrack is
 * loaded by the ruleset its sysctls are not there; those of uplinks come and go with them. */
static bool sysctl_set(struct run *run, const struct sysctl_want *w, bool is_last_word)
{
	struct steering_change change;
	char now[SYSCTL_VALUE_MAX];
	int err = sysctl_read(w->name, now, sizeof(now));

	if (err) {
		if (is_last_word && !(err == -ENOENT && w->is_rp_filter))
			sysctl_warn(run, w, err);
		return false;
	}
	if (!sysctl_is_due(w, now)) {
		sysctl_keep(run, w, now);
		return false;
	}
	sysctl_describe(&change, run->s, w, now);
	if (!run_may(run, &change))
		return true;
	err = sysctl_change(run, w, now);
	if (!err)
		run_done(run, &change);
	else if (is_last_word)
		sysctl_warn(run, w, err);
	return err != 0;
}

/* The bit of a sysctl without a notification; the kernel notifies those of interfaces
 * (RTNL_RP_FILTER), which have none. */
static uint32_t sysctl_bit(const struct sysctl_want wants[], size_t i)
{
	uint32_t bit = 1;

	if (wants[i].is_rp_filter)
		return 0;
	while (i-- > 0)
		bit <<= !wants[i].is_rp_filter;
	return bit;
}

uint32_t steering_sysctls_astray(const struct steering *s)
{
	struct sysctl_want wants[WANTS_MAX];
	size_t n = sysctl_plan(s->config, wants, WANTS_MAX);
	uint32_t changed = 0;
	char now[SYSCTL_VALUE_MAX];

	for (size_t i = 0; i < n; i++) {
		if (wants[i].is_rp_filter)
			continue;
		if (!sysctl_read(wants[i].name, now, sizeof(now)) && strcmp(now, wants[i].value))
			changed |= sysctl_bit(wants, i);
	}
	return changed;
}

uint32_t steering_sysctls_left(const struct steering *s)
{
	return s->sysctls_left;
}

void sysctls_set(struct run *run, bool is_last_word)
{
	struct sysctl_want wants[WANTS_MAX];
	size_t n = sysctl_plan(run->s->config, wants, WANTS_MAX);

	run->s->sysctls_left = 0;
	for (size_t i = 0; i < n && run_goes_on(run); i++)
		if (sysctl_set(run, &wants[i], is_last_word))
			run->s->sysctls_left |= sysctl_bit(wants, i);
}

/* A value that another process set since then stays, and an interface that
 * went took its sysctls along. */
static void sysctl_restore(struct run *run, const struct saved_sysctl *saved)
{
	char now[SYSCTL_VALUE_MAX];
	int err = sysctl_read(saved->name, now, sizeof(now));

	if (err == -ENOENT || (!err && strcmp(now, saved->set)) ||
	    (!err && !strcmp(now, saved->former)))
		return;
	if (!err)
		err = sysctl_write(saved->name, saved->former);
	if (!err)
		run_changed(run, false, "sysctl %s = %s (was %s)", saved->name, saved->former, now);
	else
		run_failed(run, err, NULL, "cannot restore sysctl %s to %s", saved->name,
			   saved->former);
}

void sysctls_restore(struct run *run)
{
	const struct steering_state *st = run->s->state;

	for (size_t i = st->n_sysctls; i-- > 0;)
		sysctl_restore(run, &st->sysctls[i]);
}

/* A filter's line is a command only where it is strict, or was and is ours now. */
static void filter_print(const struct sysctl_want *w, FILE *out)
{
	char now[SYSCTL_VALUE_MAX];
	int err = sysctl_read(w->name, now, sizeof(now));

	if (!err && (filter_is_strict(now) || !strcmp(now, w->value))) {
		fputs("sysctl -w ", out);
		shell_print(out, w->name);
		fprintf(out, "=%s\n", w->value);
	} else if (err) {
		fprintf(out, "# %s=%s once the interface exists, if its value is 1 then\n", w->name,
			w->value);
	}
}

void sysctls_print(const struct config *c, FILE *out)
{
	struct sysctl_want wants[WANTS_MAX];
	size_t n = sysctl_plan(c, wants, WANTS_MAX);

	for (size_t i = 0; i < n; i++) {
		if (wants[i].is_rp_filter)
			filter_print(&wants[i], out);
		else
			fprintf(out, "sysctl -w %s=%s\n", wants[i].name, wants[i].value);
	}
}
