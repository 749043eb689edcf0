/* SPDX-License-Identifier: GPL-2.0-or-later */
/* steer.c - keeps the steering as planned while links, addresses and routes change. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/collisions.h"
#include "daemon/daemon.h"
#include "daemon/publish.h"
#include "daemon/steer.h"
#include "daemon/tamper.h"
#include "daemon/uplink_states.h"
#include "daemon/log.h"
#include "waymark/audit/audit.h"
#include "waymark/base/disk_worker.h"
#include "waymark/kernel/rtnl.h"
#include "waymark/kernel/transaction.h"
#include "waymark/plan/route_plan.h"
#include "waymark/steering/steering.h"

/* Changes come in bursts (link, addresses, routes). Wait this long after a change, so that one
 * reconcile handles most of a burst. */
#define SETTLE_MS 50
/* Maximum delay of a reconcile. If a reconcile is due later than this, the clock was set back, and
 * the reconcile runs at once. */
#define DELAY_MOST_MS 1000
/* Retry interval while another process holds the steering's lock. */
#define LOCKED_MS 200
/* Retry interval after a failed reconcile. The interval doubles with each failure in a row, up to
 * the maximum. */
#define RETRY_FIRST_MS 500
#define RETRY_MOST_MS  30000
/* How long a stop waits for the steering's lock. */
#define STOP_PATIENCE_MS 1000
/* How long a start waits until the steering's state is saved, and how often it checks this. */
#define START_PATIENCE_MS 20000
#define START_STEP_MS	  10

struct steer {
	struct rtnl_monitor *links;
	steer_midway_fn *midway;
	bool is_paused;		  /* an operator has removed the steering */
	int64_t reconcile_due_ms; /* 0: no reconcile is due */
	int64_t retry_ms;	  /* current retry interval; 0: the last reconcile did not fail */
	int64_t retry_due_ms;	  /* time of the next try after a failure; 0: no failure */
	bool is_locked_out;	  /* another process holds the steering's lock */
	bool has_launcher;
	struct disk_worker *disk; /* saves the steering's state; NULL until the first save */
};

static void protection_set(struct daemon *d)
{
	steering_set_protection(d->steering, d->config->protect_table);
	if (d->config->protect_table && !steering_can_protect(d->steering))
		log_notice("protect-table has no effect: only Linux 6.9 and newer can protect a "
			   "table");
}

/* Wait until the state is saved. Called at a start only: the disk is often busy then, and nothing
 * waits for waymarkd yet. Return 0 or -errno. */
static int save_await(struct disk_worker *disk)
{
	int64_t end_ms = clock_steady_ms() + START_PATIENCE_MS;
	struct disk_worker_late late;

	do {
		poll(NULL, 0, START_STEP_MS);
		disk_worker_late(disk, &late);
		if (late.failed)
			return late.error;
		if (late.done)
			return 0;
	} while (clock_steady_ms() < end_ms);
	return -EBUSY;
}

/* Save the steering's state to its file. A thread writes the file, so that a slow disk cannot block
 * the loop: after the start, wait for the thread only for a moment, then return -EBUSY. The thread
 * still replaces the file later. */
static int state_save(void *data, const char *control_socket, const char *text)
{
	struct daemon *d = data;
	int err;

	if (!d->steer->disk)
		d->steer->disk = disk_worker_new();
	if (!d->steer->disk)
		return -errno;
	err = disk_worker_run(d->steer->disk, steering_file_save, control_socket, text);
	if (err == -EINPROGRESS)
		err = d->is_ready ? -EBUSY : save_await(d->steer->disk);
	return err;
}

/* Start the launcher of transactions. The launcher is forked, so call this while the process has
 * one thread. */
static void launcher_begin(struct daemon *d)
{
	int err = transaction_launcher_start(steering_nft_fd(d->steering));

	d->steer->has_launcher = !err;
	if (err)
		log_warning("cannot start the process that runs nftables transactions: %s; "
			    "waymarkd starts a process for each transaction instead",
			    strerror(-err));
}

static void launcher_watch(struct daemon *d)
{
	if (!d->steer->has_launcher || transaction_launcher_is_running())
		return;
	d->steer->has_launcher = false;
	log_warning("the process that runs nftables transactions has ended; waymarkd starts a "
		    "process for each transaction instead (restart waymarkd when convenient)");
}

int steer_open(struct daemon *d)
{
	d->steer = calloc(1, sizeof(*d->steer));
	if (!d->steer)
		return -ENOMEM;
	d->steering = steering_open(d->config);
	if (!d->steering) {
		log_err("cannot open rtnetlink or nftables: %s", strerror(errno));
		return -errno;
	}
	launcher_begin(d);
	protection_set(d);
	d->steer->links = rtnl_monitor_open();
	if (!d->steer->links) {
		log_err("cannot subscribe to changes of links and routes: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

void steer_close(struct daemon *d)
{
	if (d->steer)
		rtnl_monitor_close(d->steer->links);
	steering_close(d->steering);
	transaction_launcher_stop();
	if (d->steer)
		disk_worker_free(d->steer->disk);
	free(d->steer);
}

static void steer_refresh(struct daemon *d)
{
	audit_set_evidence_since(d->audit, steering_labels_since_ms(d->steering));
	uplink_states_refresh(d);
}

/* --- notices ------------------------------------------------------------------------ */

/* The plan contains copies of other programs' rules. Return whether a change of this route might
 * affect these copies. Ignore most routes to public networks, because routing daemons change many
 * of them in their own tables. */
static bool route_affects_copies(const struct daemon *d, const struct route_state *r)
{
	const struct netstate *s = steering_netstate(d->steering);
	bool is_private = prefix_is_private(&r->dst);

	for (size_t i = 0; s && i < s->n_rules; i++) {
		const struct rule_state *rule = &s->rules[i];

		if (rule->table == r->table &&
		    (is_private ? rule_is_foreign_lookup(rule)
				: rule->protocol == ROUTE_PROTOCOL_WAYMARK && rule->src.len))
			return true;
	}
	return false;
}

/* Return whether a change of this route might affect the plan. Our own routes do not. A default
 * route does, because it can name a gateway. Other routes of table main do, unless local-routes is
 * "suppress". A route of another table does if it affects the copies of rules. */
static bool route_is_relevant(const struct daemon *d, const struct route_state *r)
{
	if (r->protocol == ROUTE_PROTOCOL_WAYMARK)
		return false;
	if (!r->dst.len)
		return true;
	if (r->table == RT_TABLE_MAIN)
		return d->config->local_routes != LOCAL_SUPPRESS;
	return d->config->mode == MODE_STEER && route_affects_copies(d, r);
}

static bool is_relevant(const struct daemon *d, const struct rtnl_notice *n)
{
	switch (n->what) {
	case RTNL_LINK:
	case RTNL_ADDR:
		return true;
	case RTNL_ROUTE:
		return route_is_relevant(d, &n->route);
	case RTNL_RULE:
		return d->config->mode == MODE_STEER && rule_is_foreign_lookup(&n->rule);
	default:
		return false;
	}
}

static void take_notice(void *data, const struct rtnl_notice *n)
{
	struct daemon *d = data;
	int64_t due_ms = clock_now_ms() + SETTLE_MS;

	collisions_notice(d, n);
	if (d->steer->is_paused)
		return;
	if (tamper_notice(d, n) || !is_relevant(d, n))
		return;
	/* If a reconcile is already scheduled for a later time, for example for the release of an
	 * uplink, run it at due_ms instead. */
	if (!d->steer->reconcile_due_ms || d->steer->reconcile_due_ms > due_ms)
		d->steer->reconcile_due_ms = due_ms;
}

static void on_links(void *data)
{
	struct daemon *d = data;
	int n;

	do {
		n = rtnl_monitor_receive(d->steer->links, take_notice, d);
	} while (n > 0);
	if (n != -ENOBUFS)
		return;
	tamper_lost(d);
	d->steer->reconcile_due_ms = clock_now_ms();
}

static void log_change(void *data, const struct steering_change *change)
{
	if (tamper_done(data, change))
		return;
	log_debug("%s %s", change->is_missing ? "installed" : "removed", change->what);
}

/* If an uplink is down, schedule the reconcile that lets its flows use other uplinks
 * (steering_release_delay_ms()). */
static void release_schedule(struct daemon *d, int64_t now_ms)
{
	int64_t delay_ms = steering_release_delay_ms(d->steering);

	if (delay_ms >= 0 && !d->steer->reconcile_due_ms)
		d->steer->reconcile_due_ms = now_ms + delay_ms + 1;
}

/* Another process holds the steering's lock. Retry later, because the loop must not wait for the
 * lock. */
static void locked_out(struct daemon *d, struct log_capture *errors, int64_t now_ms)
{
	log_release(errors, d->steer->is_locked_out ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING);
	d->steer->is_locked_out = true;
	d->steer->retry_due_ms = now_ms + LOCKED_MS;
}

static void retry_plan(struct daemon *d, int err, int64_t now_ms)
{
	struct steer *s = d->steer;

	s->is_locked_out = false;
	s->retry_due_ms = 0;
	if (err >= 0) {
		s->retry_ms = 0;
		return;
	}
	s->retry_ms = s->retry_ms ? s->retry_ms * 2 : RETRY_FIRST_MS;
	if (s->retry_ms > RETRY_MOST_MS)
		s->retry_ms = RETRY_MOST_MS;
	s->retry_due_ms = now_ms + s->retry_ms;
}

static void reconcile(struct daemon *d, int64_t now_ms)
{
	struct log_capture *errors = log_capture();
	int err;

	d->steer->reconcile_due_ms = 0;
	tamper_begin(d, now_ms);
	err = steering_reconcile(d->steering, log_change, d, log_capture_file(errors));
	if (err == -EBUSY) {
		tamper_end(d, err);
		locked_out(d, errors, now_ms);
		return;
	}
	retry_plan(d, err, now_ms);
	log_release(errors, LOG_LEVEL_ERR);
	if (err > 0)
		log_info("reconciled routes and rules: %d changes", err);
	if (err < 0)
		log_err("cannot reconcile routes and rules: %s", strerror(-err));
	tamper_end(d, err);
	steer_refresh(d);
	uplink_states_publish(d);
	release_schedule(d, now_ms);
}

void steer_ask(struct daemon *d, int64_t now_ms)
{
	d->steer->reconcile_due_ms = now_ms;
}

bool steer_is_pending(const struct daemon *d)
{
	return d->steer->reconcile_due_ms || d->steer->is_locked_out;
}

void steer_set_midway(struct daemon *d, steer_midway_fn *fn)
{
	d->steer->midway = fn;
}

/* Return whether a repair is due. After a failed reconcile, only the time of the retry counts: a
 * new suspicion of tampering does not start a repair earlier. */
static bool repair_is_due(struct daemon *d, int64_t now_ms)
{
	if (d->steer->retry_due_ms)
		return clock_is_due(d->steer->retry_due_ms, now_ms, RETRY_MOST_MS);
	return tamper_is_due(d, now_ms);
}

void steer_tick(struct daemon *d, int64_t now_ms)
{
	launcher_watch(d);
	if (d->steer->is_paused)
		return;
	if (repair_is_due(d, now_ms))
		d->steer->reconcile_due_ms = now_ms;
	if (clock_is_due(d->steer->reconcile_due_ms, now_ms, DELAY_MOST_MS))
		reconcile(d, now_ms);
}

/* --- start and stop ------------------------------------------------------------------ */

static int apply(struct daemon *d)
{
	struct log_capture *errors = log_capture();
	int err;

	err = steering_apply(d->steering, log_capture_file(errors));
	log_release(errors, err ? LOG_LEVEL_ERR : LOG_LEVEL_WARNING);
	return err;
}

static void on_midway(void *data, bool is_new)
{
	struct daemon *d = data;

	uplink_states_follow_addresses(d);
	d->steer->midway(d, is_new);
}

/* Reinstall a missing ruleset at once, because without it packets leave without evidence. */
static void on_ruleset(void *data)
{
	struct daemon *d = data;

	if (tamper_read(d))
		steer_settle(d);
}

int steer_start(struct daemon *d)
{
	int err;

	steering_set_midway(d->steering, on_midway, d);
	steering_set_save(d->steering, state_save, d);
	err = apply(d);

	if (err)
		return err;
	steering_set_patience(d->steering, 0);
	steer_refresh(d);
	uplink_states_publish(d);
	err = loop_add(d->loop, LOOP_LINKS, rtnl_monitor_fd(d->steer->links), on_links, d);
	if (!err)
		err = loop_add(d->loop, LOOP_RULESET, tamper_fd(d), on_ruleset, d);
	return err;
}

void steer_settle(struct daemon *d)
{
	on_links(d);
	tamper_read(d);
	if (tamper_ripen(d) && !d->steer->is_paused)
		reconcile(d, clock_now_ms());
}

int steer_reload(struct daemon *d)
{
	int err;

	steering_set_config(d->steering, d->config);
	protection_set(d);
	err = apply(d);
	if (err)
		return err;
	d->steer->is_paused = false;
	retry_plan(d, 0, clock_now_ms());
	tamper_forget(d);
	steer_refresh(d);
	return 0;
}

int steer_pause(struct daemon *d)
{
	struct log_capture *errors = log_capture();
	int err;

	steer_settle(d);
	err = steering_remove(d->steering, log_capture_file(errors));
	log_release(errors, LOG_LEVEL_ERR);
	d->steer->is_paused = true;
	tamper_pause(d);
	log_notice("steering removed by an operator; it stays removed until the next apply, reload "
		   "or start");
	return err;
}

bool steer_is_paused(const struct daemon *d)
{
	return d->steer->is_paused;
}

void steer_stop(struct daemon *d)
{
	struct log_capture *errors;

	if (d->config->on_stop != ON_STOP_REMOVE) {
		if (steering_unprotect(d->steering))
			log_err("cannot give up the ownership of the table: %s", strerror(errno));
		return;
	}
	errors = log_capture();
	steering_set_patience(d->steering, STOP_PATIENCE_MS);
	if (!steering_remove(d->steering, log_capture_file(errors)))
		log_notice("steering removed (on-stop = remove)");
	log_release(errors, LOG_LEVEL_ERR);
}
