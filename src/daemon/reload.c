/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reload.c - loads a new configuration in the running daemon. The whole file is read and validated
 * before any of it takes effect.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/backup.h"
#include "daemon/config_reader.h"
#include "daemon/coverage.h"
#include "daemon/daemon.h"
#include "daemon/exporter.h"
#include "daemon/flush.h"
#include "daemon/observe.h"
#include "daemon/operator.h"
#include "daemon/publish.h"
#include "daemon/quota.h"
#include "daemon/reload.h"
#include "daemon/steer.h"
#include "daemon/uplink_control.h"
#include "daemon/uplink_health.h"
#include "daemon/usage.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/uplink_states.h"
#include "waymark/audit/audit.h"
#include "waymark/base/units.h"
#include "waymark/store/store.h"

/* Return the name of a key that has changed but must not change while waymarkd runs, or NULL. Such
 * keys are used only at the start, or set what the marks and labels of live flows mean. */
static const char *fixed_key(const struct config *old, const struct config *new)
{
	if (strcmp(old->database, new->database))
		return "database";
	if (strcmp(old->control_socket, new->control_socket))
		return "control-socket";
	if (old->nflog_group != new->nflog_group)
		return "nflog-group";
	if (old->mode != new->mode)
		return "mode";
	if (old->mark_mask != new->mark_mask)
		return "mark-mask";
	if (strcmp(old->user, new->user))
		return "user";
	if (strcmp(old->alert.user ? old->alert.user : "", new->alert.user ? new->alert.user : ""))
		return "user of section alert";
	if (old->label_base != new->label_base)
		return "label-base";
	return NULL;
}

static bool is_reloadable(const struct config *old, const struct config *new)
{
	const char *key = fixed_key(old, new);

	if (key)
		log_err("reload: %s cannot change while waymarkd runs (restart waymarkd instead)",
			key);
	return !key;
}

static struct config *config_read(const struct daemon *d)
{
	struct log_capture *errors = log_capture();
	struct config *c = NULL;
	int err = config_reader_read(&c, d->config->path, log_capture_file(errors));

	log_release(errors, LOG_LEVEL_ERR);
	if (!err && is_reloadable(d->config, c))
		return c;
	config_free(c);
	return NULL;
}

void reload_log_level(const struct config *c)
{
	static const enum log_level levels[] = {
		[CONFIG_LOG_ERROR] = LOG_LEVEL_ERR,	[CONFIG_LOG_WARNING] = LOG_LEVEL_WARNING,
		[CONFIG_LOG_NOTICE] = LOG_LEVEL_NOTICE, [CONFIG_LOG_INFO] = LOG_LEVEL_INFO,
		[CONFIG_LOG_DEBUG] = LOG_LEVEL_DEBUG,
	};

	log_set_level(levels[c->log_level]);
}

void reload_retention(struct daemon *d)
{
	char age[UNITS_STRLEN];

	if (config_is_retention_short(d->config))
		log_warning("retention is %s: flows are removed from the history less than a day "
			    "after they ended",
			    duration_format((int64_t)d->config->retention_s * 1000, age));
	writer_set_retention(d->writer, d->config->retention_s, d->config->max_size_bytes);
	writer_set_anonymize(d->writer, d->config->anonymize.is_on, d->config->anonymize.ipv4_bits,
			     d->config->anonymize.ipv6_bits);
}

static void settings_apply(struct daemon *d)
{
	reload_log_level(d->config);
	alerter_set_config(d->alerter, &d->config->alert);
	reload_retention(d);
	exporter_reload(d);
}

/* --- removed uplinks ------------------------------------------------------------- */

static void removed_alert(struct daemon *d, const struct uplink_config *u, const char *text)
{
	struct alert a = publish_of_uplink(u, ALERT_UPLINK, "removed");

	snprintf(a.egress, sizeof(a.egress), "%s", u->ifname);
	snprintf(a.text, sizeof(a.text), "%s", text);
	publish_raise(d, &a);
}

/* Report each uplink of the old configuration whose mark names no uplink of the new configuration.
 * Table main now routes the flows of such an uplink. live[slot] is the number of its live flows
 * before the reload. */
static void removed_report(struct daemon *d, const struct config *old, const uint32_t *live)
{
	char text[256];

	for (size_t i = 0; i < old->n_uplinks; i++) {
		const struct uplink_config *u = &old->uplinks[i];

		if (config_uplink_by_mark(d->config, u->mark))
			continue;
		snprintf(text, sizeof(text),
			 "uplink %s (%s) no longer has mark 0x%" PRIx32 ": %" PRIu32
			 " live flows still have this mark and are foreign from now on",
			 u->name, u->ifname, u->mark, live[u->slot]);
		log_warning("%s", text);
		removed_alert(d, u, text);
	}
}

static bool is_same_uplink(const struct uplink_config *a, const struct uplink_config *b)
{
	return b && !strcmp(a->name, b->name) && !strcmp(a->ifname, b->ifname) &&
	       a->mark == b->mark;
}

static void uplink_forget(struct daemon *d, uint8_t slot)
{
	uplink_states_forget(d, slot);
	flush_forget(d, slot);
	backup_forget(d, slot);
	uplink_control_forget(d, slot);
	uplink_health_forget(d, slot);
	coverage_forget(d, slot);
	usage_forget(d, slot);
	quota_forget(d, slot);
}

static void slots_forget(struct daemon *d, const struct config *old, const struct config *new)
{
	for (size_t i = 0; i < old->n_uplinks; i++) {
		const struct uplink_config *u = &old->uplinks[i];

		if (!is_same_uplink(u, config_uplink_by_slot(new, u->slot)))
			uplink_forget(d, u->slot);
	}
}

/* --- the switch to the new configuration ------------------------------------------- */

/* Pass the new configuration to the audit. Call this before the rules change, because
 * the flows of a removed uplink then leave by other uplinks, and this must not count as a
 * mismatch. */
static void audit_take(struct daemon *d)
{
	int err = audit_set_config(d->audit, d->config, clock_now_ms());

	if (err)
		log_err("reload: cannot pass the new uplinks to the audit: %s; the audit keeps the "
			"old uplinks",
			strerror(-err));
}

static int config_swap(struct daemon *d, struct config *c, struct config **former)
{
	uint64_t mismatches[UPLINKS_MAX], bytes[UPLINKS_MAX];
	struct config *old = d->config;
	uint32_t live[UPLINKS_MAX];
	int err;

	config_keep_slots(c, old);
	steer_settle(d);
	/* First read the pending evidence of the old rules, because it must be judged by the old
	 * marks. */
	observe_drain(d);
	audit_uplink_counts(d->audit, live, mismatches, bytes);
	usage_write(d, clock_now_ms());
	d->config = c;
	slots_forget(d, old, c);
	audit_take(d);
	err = steer_reload(d);
	if (err) {
		log_err("reload: cannot install the new configuration: %s; the old configuration "
			"stays",
			strerror(-err));
		d->config = old;
		slots_forget(d, c, old);
		audit_take(d);
		steer_reload(d);
		uplink_states_publish(d);
		config_free(c);
		return err;
	}
	settings_apply(d);
	uplink_states_publish(d);
	removed_report(d, old, live);
	if (former)
		*former = old;
	else
		config_free(old);
	log_notice("configuration reloaded: %zu uplinks", c->n_uplinks);
	return 0;
}

int reload_keeping(struct daemon *d, struct config **former)
{
	struct config *c;
	int err = -EINVAL;

	notify_reloading();
	c = config_read(d);
	if (c)
		err = config_swap(d, c, former);
	else
		log_err("reload: cannot read the new configuration; the old configuration stays");
	notify_send("READY=1");
	return err;
}

void reload_return(struct daemon *d, struct config *former)
{
	config_swap(d, former, NULL);
}

void reload_config(struct daemon *d)
{
	if (!reload_keeping(d, NULL))
		operator_forget(d);
}
