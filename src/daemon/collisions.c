/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * collisions.c - logs what on this host conflicts with Waymark's marks, labels, rules and log
 * group. src/hostcheck finds the conflicts. After the start, this file has ip rules and routes
 * checked again when another process changes one that can affect pinned flows. A new finding is
 * logged once, and raises an alert unless its level is OK.
 *
 * Must not prevent the start. If the audit would be meaningless, other modules prevent the start.
 */
#include "daemon/collisions.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/publish.h"
#include "daemon/tamper_suspects.h"
#include "waymark/alert/alert.h"
#include "waymark/base/record.h"
#include "waymark/hostcheck/hostcheck.h"
#include "waymark/steering/steering.h"

/* A check runs SETTLE_MS after a change, because tools change rules in bursts. A snapshot of many
 * routes is expensive. The next check waits SPACING times as long as the previous one took, at most
 * SPACING_MOST_MS. */
#define SETTLE_MS	1000
#define SPACING		100
#define SPACING_MOST_MS 5000

struct collisions {
	/* due_ms: time of the next check; 0: none is due. idle_ms: the next check must not be
	 * earlier; 0: no limit. Both on the steady clock. */
	int64_t due_ms, idle_ms;
	struct who who;	       /* the process that made the first change since the last check */
	struct findings known; /* findings of the latest check of ip rules and routes */
};

static bool is_known(const struct findings *known, const struct finding *one)
{
	for (size_t i = 0; i < known->n; i++)
		if (!strcmp(known->list[i].what, one->what))
			return true;
	return false;
}

static void finding_log(const struct finding *one, enum log_level level)
{
	log_line(level, "%s%s%s", one->what, one->fix ? "; " : "", one->fix ? one->fix : "");
}

/* --- at the start ------------------------------------------------------------------- */

static void findings_log(const struct findings *found)
{
	for (size_t i = 0; i < found->n; i++)
		if (found->list[i].level != FINDING_OK)
			finding_log(&found->list[i], found->list[i].level == FINDING_ERROR
							     ? LOG_LEVEL_ERR
							     : LOG_LEVEL_WARNING);
}

void collisions_log_group(const struct config *c)
{
	struct findings found = {0};

	hostcheck_log_group(c, &found);
	findings_log(&found);
	findings_clear(&found);
}

static int all_report(struct daemon *d)
{
	struct findings found = {0};
	int err = hostcheck_others(d->config, &found);

	findings_log(&found);
	findings_clear(&found);
	return err;
}

int collisions_open(struct daemon *d)
{
	int err;

	d->collisions = calloc(1, sizeof(*d->collisions));
	if (!d->collisions)
		return -ENOMEM;
	err = all_report(d);
	if (!err)
		err = hostcheck_routing(d->config, &d->collisions->known);
	if (err)
		log_err("cannot look for collisions with other programs: %s; some collisions may "
			"not be reported",
			strerror(-err));
	return 0;
}

void collisions_close(struct daemon *d)
{
	if (d->collisions)
		findings_clear(&d->collisions->known);
	free(d->collisions);
}

/* --- later ----------------------------------------------------------------------------- */

static bool table_is_an_uplinks(const struct config *c, uint32_t table)
{
	for (size_t i = 0; i < c->n_uplinks; i++)
		if (c->uplinks[i].table == table)
			return true;
	return false;
}

/* Return whether a route can affect pinned flows. Most of the many routes that routing daemons
 * change cannot. */
static bool route_matters(const struct config *c, const struct route_state *r)
{
	if (table_is_an_uplinks(c, r->table))
		return true;
	return hostcheck_prefix_is_general(&r->dst) && (r->table != RT_TABLE_MAIN || r->dst.len);
}

static bool notice_matters(const struct config *c, const struct rtnl_notice *n)
{
	if (n->what == RTNL_RULE)
		return n->rule.protocol != ROUTE_PROTOCOL_WAYMARK;
	return n->what == RTNL_ROUTE && n->route.protocol != ROUTE_PROTOCOL_WAYMARK &&
	       route_matters(c, &n->route);
}

void collisions_notice(struct daemon *d, const struct rtnl_notice *n)
{
	struct collisions *c = d->collisions;
	int64_t now_ms = clock_steady_ms();

	if (d->config->mode == MODE_AUDIT || !notice_matters(d->config, n))
		return;
	if (!c->due_ms) {
		c->due_ms = now_ms + SETTLE_MS;
		who_of_port(&c->who, n->pid);
	}
	if (c->due_ms < c->idle_ms)
		c->due_ms = c->idle_ms;
}

static void finding_alert(struct daemon *d, const struct finding *one)
{
	const struct who *who = &d->collisions->who;
	const struct finding_subject *s = &one->subject;
	enum reason reason = s->reason ? s->reason : REASON_RULE_BEFORE;
	struct alert a = {
		.kind = ALERT_TAMPERING,
		.time_ms = clock_now_ms(),
		.reason = reason_name(reason),
		.evidence = "",
		.direction = -1,
		.pid = (uint32_t)who->pid,
		.count = 1,
	};

	memcpy(a.process, who->process, sizeof(a.process));
	snprintf(a.object, sizeof(a.object), "%s", *s->object ? s->object : one->what);
	snprintf(a.uplink, sizeof(a.uplink), "%s", s->uplink);
	snprintf(a.egress, sizeof(a.egress), "%s", s->egress);
	snprintf(a.family, sizeof(a.family), "%s", s->family ? s->family : "");
	snprintf(a.text, sizeof(a.text), "%s", one->what);
	publish_raise(d, &a);
}

/* Return the earliest time of the next check. The latest check started at since_ms and has just
 * ended. */
static int64_t idle_until(int64_t since_ms)
{
	int64_t now_ms = clock_steady_ms(), wait_ms = (now_ms - since_ms) * SPACING;

	return now_ms + (wait_ms < SPACING_MOST_MS ? wait_ms : SPACING_MOST_MS);
}

void collisions_tick(struct daemon *d, int64_t now_ms)
{
	struct collisions *c = d->collisions;
	struct findings found = {0};

	if (!c->due_ms || now_ms < c->due_ms)
		return;
	c->due_ms = 0;
	if (hostcheck_routing(d->config, &found))
		log_err("cannot look for collisions with other programs: out of memory");
	c->idle_ms = idle_until(now_ms);
	for (size_t i = 0; i < found.n; i++) {
		const struct finding *one = &found.list[i];

		if (is_known(&c->known, one))
			continue;
		finding_log(one, LOG_LEVEL_NOTICE);
		if (one->level != FINDING_OK)
			finding_alert(d, one);
	}
	findings_clear(&c->known);
	c->known = found;
}
