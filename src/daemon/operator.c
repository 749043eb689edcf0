/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * operator.c - runs the commands `apply`, `confirm` and `remove` for an operator.
 *
 * The command `apply` loads the configuration file again, as SIGHUP does. If it sets a time for
 * confirmation and the command `confirm` does not come within this time, waymarkd returns to the
 * former configuration. The command `remove` removes the steering until the next apply, reload or
 * start. Only root and waymarkd's own user can send these commands. Must not know how the steering
 * is changed.
 */
#include "daemon/operator.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/reload.h"
#include "daemon/steer.h"
#include "waymark/steering/steering.h"

struct operator
{
	struct config *former; /* former configuration; NULL: no apply waits for confirm */
	bool was_paused;       /* command `remove` had removed the steering before the apply */
	int64_t deadline_ms;   /* when the time to confirm ends (steady clock) */
};

int operator_open(struct daemon *d)
{
	d->operator= calloc(1, sizeof(*d->operator));
	return d->operator? 0 : - ENOMEM;
}

void operator_close(struct daemon *d)
{
	if (d->operator)
		config_free(d->operator->former);
	free(d->operator);
}

void operator_forget(struct daemon *d)
{
	config_free(d->operator->former);
	d->operator->former = NULL;
}

/* --- replies -------------------------------------------------------------------------- */

static char *reply(json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!text)
		errno = ENOMEM;
	return text;
}

static char *reply_error(const char *text)
{
	return reply(json_pack("{ss}", "error", text));
}

static void change_count(void *data, const struct steering_change *c)
{
	struct steering_counts *n = data;

	steering_count(n, c);
}

static char *reply_counts(const struct steering_counts *n)
{
	return reply(json_pack("{si si si si}", "ruleset", (int)n->ruleset, "rules", (int)n->rules,
			       "routes", (int)n->routes, "sysctls", (int)n->sysctls));
}

/* --- commands --------------------------------------------------------------------------- */

static bool is_same_file(const char *a, const char *b)
{
	char one[PATH_MAX], other[PATH_MAX];

	return realpath(a, one) && realpath(b, other) && !strcmp(one, other);
}

static int apply_kept(struct daemon *d, uint64_t confirm_s, struct config **former)
{
	struct config *kept = NULL;
	int err = reload_keeping(d, confirm_s ? &kept : NULL);

	*former = kept;
	return err;
}

static char *reply_unconfirmed(const struct config *c)
{
	char command[CONFIG_COMMAND_SIZE], text[CONFIG_COMMAND_SIZE + 64];

	snprintf(text, sizeof(text), "an earlier apply is not confirmed yet ('%s' confirms it)",
		 config_command(c, command, sizeof(command), "confirm"));
	return reply_error(text);
}

static char *apply(struct daemon *d, const char *arguments)
{
	struct steering_counts counts = {0};
	bool was_paused = steer_is_paused(d);
	struct config *former = NULL;
	unsigned long confirm_s;
	char *path;
	int err;

	confirm_s = strtoul(arguments, &path, 10);
	path += strspn(path, " ");
	if (!is_same_file(path, d->config->path))
		return reply_error("waymarkd runs with another configuration file (name the same "
				   "file with -c)");
	if (confirm_s && d->operator->former)
		return reply_unconfirmed(d->config);
	steering_set_change(d->steering, change_count, &counts);
	err = apply_kept(d, confirm_s, &former);
	steering_set_change(d->steering, NULL, NULL);
	if (err)
		return reply_error(
			"waymarkd refused the configuration (see its log: journalctl -u waymarkd)");
	if (confirm_s) {
		d->operator->former = former;
		d->operator->was_paused = was_paused;
		d->operator->deadline_ms = clock_steady_ms() + (int64_t)confirm_s * 1000;
	}
	return reply_counts(&counts);
}

static char *confirm(struct daemon *d)
{
	if (!d->operator->former)
		return reply_error(
			"nothing to confirm (a change that is not confirmed in time is undone)");
	operator_forget(d);
	log_notice("the configuration is confirmed");
	return reply(json_pack("{sb}", "confirmed", 1));
}

static char *steering_remove_paused(struct daemon *d)
{
	struct steering_counts counts = {0};
	int err;

	operator_forget(d);
	steering_set_change(d->steering, change_count, &counts);
	err = steer_pause(d);
	steering_set_change(d->steering, NULL, NULL);
	if (err)
		return reply_error("waymarkd cannot remove the steering (see its log: journalctl "
				   "-u waymarkd)");
	return reply_counts(&counts);
}

static bool is_allowed(const struct control_peer *peer)
{
	return peer->uid == 0 || peer->uid == geteuid();
}

char *operator_answer(struct daemon *d, const char *command, const struct control_peer *peer)
{
	bool is_apply = !strncmp(command, "apply ", 6);

	if (!is_apply && strcmp(command, "confirm") && strcmp(command, "remove")) {
		errno = ENOENT;
		return NULL;
	}
	if (!is_allowed(peer)) {
		errno = EPERM;
		return NULL;
	}
	log_notice("%.*s requested by uid %" PRIu32 " (pid %" PRId32 ")",
		   (int)strcspn(command, " "), command, peer->uid, peer->pid);
	if (is_apply)
		return apply(d, command + 6);
	return *command == 'c' ? confirm(d) : steering_remove_paused(d);
}

/* --- time ------------------------------------------------------------------------------------ */

void operator_tick(struct daemon *d, int64_t now_ms)
{
	struct operator* o = d->operator;
	struct config *former = o->former;

	if (!former || now_ms < o->deadline_ms)
		return;
	o->former = NULL;
	log_warning("apply was not confirmed in time: the previous configuration is restored");
	reload_return(d, former);
	if (o->was_paused)
		steer_pause(d);
}
