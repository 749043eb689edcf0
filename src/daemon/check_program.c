/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check_program.c - a check's life: due, started, ended or killed, its result taken.
 */
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "waymark/alert/spawn.h"
#include "daemon/check_program.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "waymark/plan/uplink_state.h"
#include "waymark/steering/steering.h"

#define VARIABLES 8

struct check {
	pid_t pid; /* 0: none runs */
	int64_t due_ms, started_ms;
	bool has_complained;
};

struct check_programs {
	struct check checks[UPLINKS_MAX];
};

struct check_programs *check_programs_new(void)
{
	return calloc(1, sizeof(struct check_programs));
}

static void check_kill(struct check *k)
{
	if (k->pid <= 0)
		return;
	program_end(k->pid);
	waitpid(k->pid, NULL, 0);
	k->pid = 0;
}

void check_programs_free(struct check_programs *c)
{
	for (size_t i = 0; c && i < UPLINKS_MAX; i++)
		check_kill(&c->checks[i]);
	free(c);
}

void check_programs_forget(struct check_programs *c, uint8_t slot)
{
	check_kill(&c->checks[slot]);
	c->checks[slot] = (struct check){0};
}

/* --- the environment ------------------------------------------------------------------------ */

static void address_put(const struct daemon *d, const struct uplink_config *u, int family,
			char text[ADDR_STRLEN])
{
	const struct netstate *s = steering_netstate(d->steering);
	const struct link_state *l = s ? netstate_link_by_name(s, u->ifname) : NULL;

	text[0] = '\0';
	for (size_t i = 0; l && i < s->n_addrs; i++) {
		const struct addr_state *a = &s->addrs[i];

		if (a->ifindex != l->index || a->is_link_local || a->prefix.addr.family != family)
			continue;
		addr_format(&a->prefix.addr, text);
		return;
	}
}

static void gateway_put(const struct daemon *d, const struct uplink_config *u, unsigned f,
			char text[ADDR_STRLEN])
{
	const struct uplink_plan *p = uplink_plan_find(steering_plan(d->steering), u->slot);

	text[0] = '\0';
	if (p && !addr_is_none(&p->gateway[f]))
		addr_format(&p->gateway[f], text);
}

struct environment {
	char text[VARIABLES][UPLINK_NAME_MAX + ADDR_STRLEN];
	char *list[VARIABLES + 2];
	unsigned n;
};

static void variable_add(struct environment *e, const char *name, const char *value)
{
	snprintf(e->text[e->n], sizeof(e->text[0]), "%s=%s", name, value);
	e->list[e->n] = e->text[e->n];
	e->n++;
}

static void environment_fill(const struct daemon *d, const struct uplink_config *u,
			     struct environment *e)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char text[ADDR_STRLEN];

	*e = (struct environment){.n = 0};
	variable_add(e, "UPLINK", u->name);
	variable_add(e, "INTERFACE", u->ifname);
	address_put(d, u, AF_INET, text);
	variable_add(e, "ADDRESS", text);
	address_put(d, u, AF_INET6, text);
	variable_add(e, "ADDRESS6", text);
	gateway_put(d, u, 0, text);
	variable_add(e, "GATEWAY", text);
	gateway_put(d, u, 1, text);
	variable_add(e, "GATEWAY6", text);
	snprintf(text, sizeof(text), "0x%" PRIx32, u->mark);
	variable_add(e, "MARK", text);
	e->list[e->n] = path;
}

/* --- one check ------------------------------------------------------------------------------ */

static int user_find(const char *name, struct spawn_user *user)
{
	const struct passwd *entry;

	*user = (struct spawn_user){0};
	if (geteuid() != 0 || !name)
		return 0;
	entry = getpwnam(name);
	if (!entry)
		return -ENOENT;
	*user = (struct spawn_user){true, entry->pw_uid, entry->pw_gid};
	return 0;
}

static int check_start(struct daemon *d, const struct uplink_config *u, struct check *k)
{
	struct environment environment;
	struct spawn_user user;
	int err = user_find(d->config->alert.user, &user);

	if (err)
		return err;
	environment_fill(d, u, &environment);
	err = program_spawn(&(struct program){u->health.exec, environment.list, "", &user, -1},
			    &k->pid);
	if (err)
		k->pid = 0;
	return err;
}

static void start_complain(struct check *k, const struct uplink_config *u, int err)
{
	if (!k->has_complained)
		log_err("uplink %s: cannot run the check %s: %s", u->name, u->health.exec,
			strerror(-err));
	k->has_complained = true;
}

static void check_tick(struct daemon *d, const struct uplink_config *u, struct check *k,
		       int64_t now_ms, check_program_fn *fn)
{
	bool is_late = k->pid && now_ms - k->started_ms >= u->health.interval_ms;
	int status = -1, err;

	if (k->pid && (is_late || waitpid(k->pid, &status, WNOHANG) == k->pid)) {
		if (is_late)
			check_kill(k);
		k->pid = 0;
		fn(d, u->slot, !is_late && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	if (k->pid || now_ms < k->due_ms)
		return;
	k->started_ms = now_ms;
	k->due_ms = now_ms + u->health.interval_ms;
	err = check_start(d, u, k);
	if (err)
		start_complain(k, u, err);
}

void check_programs_tick(struct check_programs *c, struct daemon *d, int64_t now_ms,
			 check_program_fn *fn)
{
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];

		if (u->health.exec)
			check_tick(d, u, &c->checks[u->slot], now_ms, fn);
	}
}
