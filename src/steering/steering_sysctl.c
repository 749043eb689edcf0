/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_sysctl.c - sets the planned sysctls and restores the former values.
 *
 * A sysctl that cannot be set is reported and does not stop the installation. If a sysctl keeps
 * another value, flows are counted less exactly, or a reverse path filter (rp_filter) drops some
 * packets. Must not know which sysctls are planned (plan/sysctl_plan.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/steering_internal.h"
#include "waymark/plan/sysctl_plan.h"
#include "waymark/kernel/sysctl.h"

#define WANTS_MAX (UPLINKS_MAX + 8)

/* Return whether the rp_filter in force is strict, given the interface's own value. The larger
 * value of "all" and the interface is in force: 0 off, 1 strict, 2 loose
 * (Documentation/networking/ip-sysctl.rst). */
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

/* Set a sysctl. First save its former value, in memory and on disk. */
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

/* During an installation, save a sysctl's value even if it already is the planned one. If another
 * process changes the sysctl later and a run sets it again, the removal restores the value saved
 * here, not that of the other process. */
static void sysctl_keep(struct run *run, const struct sysctl_want *w, const char *now)
{
	int err = run->is_atomic ? steering_state_keep_sysctl(run->s->state, w->name, now, w->value)
				 : 0;

	if (err)
		run_failed(run, err, NULL, "cannot save the former value of sysctl %s", w->name);
}

/* Print that a sysctl cannot be set, but only during an installation, not at each reconcile. */
static void sysctl_warn(struct run *run, const struct sysctl_want *w, int err)
{
	if (run->errors && run->is_atomic)
		fprintf(run->errors, "sysctl %s: cannot be set to %s: %s (needed so that %s)\n",
			w->name, w->value, strerror(-err), w->why);
}

/* Return whether the interface of this rp_filter is the same interface as in the former plan. An
 * interface that is new or was created again has the kernel's default value, which is not a change
 * by another process. */
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

/* Set a sysctl. Return true if it must change and still has its old value; false also if it cannot
 * be read. Each installation calls this function twice, because some sysctls appear only when the
 * ruleset loads conntrack or an interface is created. Failures are printed only at the second call
 * (is_last_word). */
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

/* Return the bit of a sysctl in steering_sysctls_astray(). An rp_filter has no bit (0), because the
 * kernel sends notices about its changes (RTNL_RP_FILTER). */
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

/* Restore a former value, but keep the current value if another process has set it after us. Do
 * nothing for a sysctl of an interface that is gone. */
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

/* Print how to set an rp_filter. If the filter is strict or already has our value, print a command.
 * If the interface does not exist, print a comment. In all other cases print nothing. */
static void filter_print(const struct sysctl_want *w, FILE *out)
{
	char now[SYSCTL_VALUE_MAX];
	int err = sysctl_read(w->name, now, sizeof(now));

	if (!err && (filter_is_strict(now) || !strcmp(now, w->value))) {
		fputs("sysctl -w ", out);
		shell_print(out, w->name);
		fprintf(out, "=%s\n", w->value);
	} else if (err) {
		fprintf(out, "# when the interface appears, set %s=%s if the value is 1\n", w->name,
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
