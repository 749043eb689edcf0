/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_run.c - carries out a run: a series of changes that are counted and reported. If a
 * change of an atomic run fails, all its changes are undone.
 *
 * Must not know why something is changed, only how each kind of change is undone.
 */
#define _GNU_SOURCE /* reallocarray */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/steering_internal.h"
#include "waymark/plan/ruleset.h"
#include "waymark/kernel/sysctl.h"

enum undo_kind {
	UNDO_SYSCTL,	   /* write `text` to sysctl `name` */
	UNDO_ROUTE_ADD,	   /* delete `route` */
	UNDO_ROUTE_CHANGE, /* install `route` in place of the current one */
	UNDO_RULE_ADD,	   /* delete `rule` */
	UNDO_RULE_REMOVE,  /* add `rule` */
	UNDO_GROUP,	   /* set the group of interface `ifindex` to `group` */
	UNDO_RULESET,	   /* load `text`; NULL: delete the table */
};

struct undo {
	enum undo_kind kind;
	struct route_state route;
	struct rule_state rule;
	uint32_t ifindex, group;
	char name[SYSCTL_NAME_MAX];
	char *text;
};

bool run_goes_on(const struct run *run)
{
	return !(run->is_atomic && run->error);
}

bool run_may(const struct run *run, const struct steering_change *change)
{
	const struct steering *s = run->s;

	return run->is_atomic || !s->judge || s->judge(s->judge_data, change);
}

void run_done(struct run *run, const struct steering_change *change)
{
	run->n_changed++;
	if (run->fn)
		run->fn(run->data, change);
}

void run_changed(struct run *run, bool is_missing, const char *format, ...)
{
	struct steering_change change = {.is_missing = is_missing};
	va_list args;

	run->n_changed++;
	if (!run->fn)
		return;
	va_start(args, format);
	vsnprintf(change.what, sizeof(change.what), format, args);
	va_end(args);
	run->fn(run->data, &change);
}

void run_failed(struct run *run, int err, const char *todo, const char *format, ...)
{
	va_list args;

	if (!run->error)
		run->error = err;
	if (!run->errors)
		return;
	va_start(args, format);
	vfprintf(run->errors, format, args);
	va_end(args);
	fprintf(run->errors, ": %s%s%s\n", strerror(-err), todo ? "; " : "", todo ? todo : "");
}

int run_keep(struct run *run)
{
	struct steering *s = run->s;
	int err = steering_save(s);
	bool was_unsaved = s->is_unsaved;

	s->is_unsaved = err;
	if (!err)
		return 0;
	if (run->errors && !was_unsaved)
		fprintf(run->errors,
			"cannot save the steering's state file in the folder of %s: %s (%s)\n",
			s->config->control_socket, strerror(-err),
			run->is_atomic ? "without this file, nothing could be restored later"
				       : "free disk space, or the changes since the last save are "
					 "lost when waymarkd stops");
	return run->is_atomic ? err : 0;
}

static struct undo *undo_new(struct run *run, enum undo_kind kind)
{
	struct undo *grown = reallocarray(run->undos, run->n_undos + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	run->undos = grown;
	memset(&grown[run->n_undos], 0, sizeof(*grown));
	grown[run->n_undos].kind = kind;
	return &grown[run->n_undos++];
}

static void undo_clear(struct undo *u)
{
	route_clear(&u->route);
	free(u->text);
}

void undo_drop(struct run *run)
{
	if (run->is_atomic)
		undo_clear(&run->undos[--run->n_undos]);
}

/* Return 0 if the newest undo record is complete. If a copy in it failed, drop the record and
 * return -ENOMEM. */
static int undo_whole(struct run *run, bool is_whole)
{
	if (is_whole)
		return 0;
	undo_drop(run);
	return -ENOMEM;
}

int undo_sysctl(struct run *run, const char *name, const char *former)
{
	struct undo *u;

	if (!run->is_atomic)
		return 0;
	u = undo_new(run, UNDO_SYSCTL);
	if (!u)
		return -ENOMEM;
	snprintf(u->name, sizeof(u->name), "%s", name);
	u->text = strdup(former);
	return undo_whole(run, u->text);
}

int undo_route(struct run *run, const struct route_state *former, bool is_added)
{
	struct undo *u;

	if (!run->is_atomic)
		return 0;
	u = undo_new(run, is_added ? UNDO_ROUTE_ADD : UNDO_ROUTE_CHANGE);
	return u ? undo_whole(run, !route_copy(&u->route, former)) : -ENOMEM;
}

int undo_rule(struct run *run, const struct rule_state *rule, bool is_added)
{
	struct undo *u;

	if (!run->is_atomic)
		return 0;
	u = undo_new(run, is_added ? UNDO_RULE_ADD : UNDO_RULE_REMOVE);
	if (!u)
		return -ENOMEM;
	u->rule = *rule;
	return 0;
}

int undo_group(struct run *run, uint32_t ifindex, uint32_t former)
{
	struct undo *u;

	if (!run->is_atomic)
		return 0;
	u = undo_new(run, UNDO_GROUP);
	if (!u)
		return -ENOMEM;
	u->ifindex = ifindex;
	u->group = former;
	return 0;
}

int undo_ruleset(struct run *run, const char *former)
{
	struct undo *u;

	if (!run->is_atomic)
		return 0;
	u = undo_new(run, UNDO_RULESET);
	if (!u)
		return -ENOMEM;
	if (former)
		u->text = strdup(former);
	return undo_whole(run, u->text || !former);
}

static int ruleset_put_back(struct nft *nft, const char *former)
{
	static const char remove[] = "delete table " RULESET_FAMILY " " RULESET_TABLE "\n";
	char *text = NULL;
	int err = -ENOMEM;

	nft_disown(nft);
	if (!former) {
		err = nft_run(nft, remove);
		return err == -ENOENT ? 0 : err;
	}
	if (asprintf(&text, "%s%s", remove, former) >= 0)
		err = nft_run(nft, text);
	free(text);
	return err;
}

static int undo_run(struct steering *s, const struct undo *u)
{
	switch (u->kind) {
	case UNDO_SYSCTL:
		return sysctl_write(u->name, u->text);
	case UNDO_ROUTE_ADD:
		return rtnl_route_delete(s->rtnl, &u->route);
	case UNDO_ROUTE_CHANGE:
		return rtnl_route_add(s->rtnl, &u->route, true);
	case UNDO_RULE_ADD:
		return rtnl_rule_delete(s->rtnl, &u->rule);
	case UNDO_RULE_REMOVE:
		return rtnl_rule_add(s->rtnl, &u->rule);
	case UNDO_GROUP:
		return rtnl_link_set_group(s->rtnl, u->ifindex, u->group);
	case UNDO_RULESET:
		return ruleset_put_back(s->nft, u->text);
	}
	return -EINVAL;
}

void run_undo(struct run *run)
{
	/* Do not report the undoing of changes, only failures. */
	run->fn = NULL;
	for (size_t i = run->n_undos; i-- > 0;) {
		int err = undo_run(run->s, &run->undos[i]);

		if (err)
			run_failed(run, err, "run 'waymark check'", "cannot undo a change");
	}
	run->n_changed = 0;
	run->s->sysctls_left = 0;
	run_clear(run);
}

void run_clear(struct run *run)
{
	for (size_t i = 0; i < run->n_undos; i++)
		undo_clear(&run->undos[i]);
	free(run->undos);
	run->undos = NULL;
	run->n_undos = 0;
}
