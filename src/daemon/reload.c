/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reload.c - another configuration for the running daemon: read and validated
 * whole before anything follows it.
 */
#include <errno.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/notify.h"

/* What the daemon has opened by the old values stays as it is. */
static bool is_reloadable(const struct config *old, const struct config *new)
{
	const char *key = NULL;

	if (strcmp(old->database, new->database))
		key = "database";
	else if (strcmp(old->control_socket, new->control_socket))
		key = "control-socket";
	else if (old->nflog_group != new->nflog_group)
		key = "nflog-group";
	else if (old->mode != new->mode)
		key = "mode";
	if (key)
		log_err("reload: %s cannot change while the daemon runs; nothing was changed; "
			"restart it instead", key);
	return !key;
}

static struct config *config_read(const struct daemon *d)
{
	struct log_capture *errors = log_capture();
	struct config *c = NULL;
	int err = config_load(&c, d->config->path, log_capture_file(errors));

	log_release(errors, LOG_LEVEL_ERR);
	if (!err && is_reloadable(d->config, c))
		return c;
	config_free(c);
	return NULL;
}

static void settings_apply(struct daemon *d)
{
	alerter_set_config(d->alerter, &d->config->alert);
	writer_set_retention(d->writer, d->config->retention_s, d->config->max_size_bytes);
}

static void config_swap(struct daemon *d, struct config *c)
{
	struct config *old = d->config;
	int err;

	d->config = c;
	err = steer_reload(d);
	if (err) {
		log_err("reload: %s; the old configuration stays", strerror(-err));
		d->config = old;
		steer_reload(d);
		config_free(c);
		return;
	}
	settings_apply(d);
	err = audit_set_config(d->audit, c, clock_now_ms());
	if (err)
		log_err("reload: the audit keeps the old uplinks: %s", strerror(-err));
	config_free(old);
	log_notice("configuration reloaded: %zu uplinks", c->n_uplinks);
}

void daemon_reload(struct daemon *d)
{
	struct config *c;

	notify_reloading();
	c = config_read(d);
	if (c)
		config_swap(d, c);
	else
		log_err("reload: the configuration has errors; nothing was changed");
	notify_send("READY=1");
}
