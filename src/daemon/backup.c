/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backup.c - tracks per address family which backup uplinks new flows use, and makes flows return
 * from them (backup.h).
 *
 * Flows return after an uplink of a lower tier has been usable for SETTLE_MS. The kernel's table is
 * dumped step by step. The flows that began on the backup are listed and deleted, a few per second:
 * first idle flows, then flows of protocols other than TCP, then TCP flows. The dump is repeated
 * until it finds no such flow. Must not know when an uplink is usable (uplink_states.c).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/backup.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/publish.h"
#include "daemon/steer.h"
#include "daemon/usage.h"
#include "daemon/uplink_states.h"
#include "waymark/alert/alert.h"
#include "waymark/audit/audit.h"
#include "waymark/base/sort.h"
#include "waymark/base/units.h"
#include "waymark/kernel/conntrack.h"
#include "waymark/plan/ruleset.h"

#include <netinet/in.h>

/* How long an uplink of a lower tier must be usable before flows return to it. */
#define SETTLE_MS 3000
/* Maximum number of dump steps per tick. Between ticks the loop serves its other sources. */
#define DUMP_STEPS	 20
#define LIST_MAX	 1024
#define RETURNS_A_SECOND 5
#define RETURN_EVERY_MS	 (1000 / RETURNS_A_SECOND)
#define IDLE_MS		 10000
#define NS_PER_MS	 1000000
#define SUMMARY_EVERY_MS 60000
#define FAMILIES	 2

/* The use of one backup uplink, by address family. */
struct in_use {
	int64_t since_ms[FAMILIES]; /* when new flows began to use the uplink, CLOCK_REALTIME; 0:
				     * not in use */
	bool is_over[FAMILIES];	    /* new flows use a lower tier again; older flows might still
				     * have to return */
	bool is_raised;		    /* the alert that the uplink is in use is raised */
	struct usage_totals base;   /* the uplink's bytes when the alert was raised */
};

/* A flow that must return to an uplink of a lower tier. */
struct candidate {
	struct ct_event entry;
	unsigned rank; /* flows with the lowest rank return first */
};

struct backup {
	struct in_use uplinks[UPLINKS_MAX];
	int64_t settled_ms; /* earliest time at which flows return (steady clock); 0: none are to
			     * return */
	int64_t return_ms;  /* earliest time of the next deletion (steady clock) */
	struct conntrack_dump *dump;
	struct candidate *list; /* the flows to delete, as the dump found them; NULL: no dump was
				 * begun */
	size_t n, next;		/* number of flows in `list`; index of the next one to delete */
	uint64_t found, left_bytes; /* number and bytes of the flows that must return, as counted by
				     * the latest dump */
	uint64_t returned;	    /* number of flows that were deleted since the start */
};

int backup_open(struct daemon *d)
{
	d->backup = calloc(1, sizeof(*d->backup));
	return d->backup ? 0 : -ENOMEM;
}

static void return_stop(struct backup *b)
{
	conntrack_dump_close(b->dump);
	free(b->list);
	b->dump = NULL;
	b->list = NULL;
	b->n = b->next = 0;
	b->found = b->left_bytes = 0;
}

void backup_close(struct daemon *d)
{
	if (!d->backup)
		return;
	return_stop(d->backup);
	free(d->backup);
}

void backup_forget(struct daemon *d, uint8_t slot)
{
	d->backup->uplinks[slot] = (struct in_use){0};
}

void backup_stats(const struct daemon *d, struct backup_stats *out)
{
	out->returned = d->backup->returned;
}

/* --- backup uplinks in use ------------------------------------------------------------------- */

/* Return the lowest tier among the uplinks with a weight above 0. If is_usable is true, consider
 * only usable uplinks. */
static uint32_t tier_lowest(const struct daemon *d, unsigned family, bool is_usable)
{
	uint32_t tier = UINT32_MAX;

	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];

		if (u->weight && u->tier < tier &&
		    (!is_usable || uplink_states_family_is_up(d, u->slot, family)))
			tier = u->tier;
	}
	return tier;
}

/* Return whether new flows use uplink u as a backup. `used` is the lowest tier with a usable
 * uplink. */
static bool is_backup(const struct daemon *d, const struct uplink_config *u, unsigned family,
		      uint32_t used)
{
	return u->weight && u->tier == used && used > tier_lowest(d, family, false) &&
	       uplink_states_family_is_up(d, u->slot, family);
}

static bool is_used(const struct in_use *u)
{
	return (u->since_ms[0] && !u->is_over[0]) || (u->since_ms[1] && !u->is_over[1]);
}

static void uses_update(struct daemon *d, unsigned family, int64_t now_ms)
{
	uint32_t used = tier_lowest(d, family, true);

	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];
		struct in_use *in = &d->backup->uplinks[u->slot];

		if (is_backup(d, u, family, used)) {
			in->since_ms[family] = in->since_ms[family] ? in->since_ms[family] : now_ms;
			in->is_over[family] = false;
		} else if (in->since_ms[family] && !in->is_over[family] && used < u->tier) {
			in->is_over[family] = true;
			d->backup->settled_ms = clock_steady_ms() + SETTLE_MS;
		}
	}
}

/* --- the alert ------------------------------------------------------------------------------- */

static uint64_t bytes_since(const struct daemon *d, uint8_t slot, const struct usage_totals *base)
{
	struct usage_totals now;

	usage_totals(d, slot, &now);
	return now.sent_bytes - base->sent_bytes + now.received_bytes - base->received_bytes;
}

static void alert_raise(struct daemon *d, const struct uplink_config *u, enum alert_state state,
			const char *text)
{
	struct alert a = publish_of_uplink(u, ALERT_UPLINK, "backup");

	a.state = state;
	snprintf(a.egress, sizeof(a.egress), "%s", u->ifname);
	snprintf(a.object, sizeof(a.object), "backup");
	snprintf(a.text, sizeof(a.text), "%s", text);
	log_notice("%s", text);
	publish_raise(d, &a);
}

static void use_report(struct daemon *d, const struct uplink_config *u)
{
	struct in_use *in = &d->backup->uplinks[u->slot];
	char text[200], bytes[UNITS_STRLEN];

	if (is_used(in) == in->is_raised)
		return;
	usage_read(d, clock_now_ms());
	if (in->is_raised) {
		size_format((int64_t)bytes_since(d, u->slot, &in->base), bytes);
		snprintf(text, sizeof(text),
			 "uplink %s: new flows no longer use this backup uplink, which carried %s "
			 "bytes",
			 u->name, bytes);
	} else {
		usage_totals(d, u->slot, &in->base);
		snprintf(text, sizeof(text),
			 "uplink %s: new flows use this backup uplink (tier %" PRIu32
			 "): no uplink of a lower tier is usable",
			 u->name, u->tier);
	}
	in->is_raised = !in->is_raised;
	alert_raise(d, u, in->is_raised ? ALERT_RAISED : ALERT_OVER, text);
}

/* --- flows that return ----------------------------------------------------------------------- */

static bool has_entered(const struct daemon *d, const struct ct_event *ev)
{
	unsigned entered = d->config->label_base + LABEL_ENTERED;

	return ev->has_labels && ev->labels.word[entered / 64] >> (entered % 64) & 1;
}

/* Return whether the flow must return: it began on a backup uplink while new flows used that
 * uplink, and new flows use a lower tier now. Flows from outside (LABEL_ENTERED) stay, because
 * their replies must leave by the uplink that they entered by. */
static bool is_to_return(const struct daemon *d, const struct ct_event *ev)
{
	const struct uplink_config *u =
		config_uplink_by_mark(d->config, ev->mark & d->config->mark_mask);
	unsigned family = ev->tuple[DIR_ORIGINAL].src.family == AF_INET6;
	const struct in_use *in = u ? &d->backup->uplinks[u->slot] : NULL;

	return in && in->is_over[family] && !has_entered(d, ev) && ev->start_ns &&
	       ev->start_ns / NS_PER_MS >= in->since_ms[family];
}

static unsigned rank_of(const struct ct_event *ev)
{
	if (ev->idle_ms >= IDLE_MS)
		return 0;
	return ev->proto == IPPROTO_TCP ? 2 : 1;
}

static void flow_take(struct daemon *d, const struct ct_event *ev)
{
	struct backup *b = d->backup;

	if (!is_to_return(d, ev))
		return;
	b->found++;
	if (ev->has_counters)
		b->left_bytes += ev->bytes[0] + ev->bytes[1];
	if (b->n < LIST_MAX)
		b->list[b->n++] = (struct candidate){.entry = *ev, .rank = rank_of(ev)};
}

static void flows_take(void *data, const struct ct_event *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		flow_take(data, &entries[i]);
}

/* Order flows by rank. Within a rank, the flow with the longest idle time is first. */
static int by_rank(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->entry.idle_ms < y->entry.idle_ms) - (x->entry.idle_ms > y->entry.idle_ms);
}

static void return_begin(struct daemon *d)
{
	struct backup *b = d->backup;

	return_stop(b);
	b->list = calloc(LIST_MAX, sizeof(*b->list));
	b->dump = b->list ? conntrack_dump_open(d->conntrack) : NULL;
	if (b->dump)
		return;
	log_err("cannot list the flows on backup uplinks: %s", strerror(errno));
	return_stop(b);
}

/* End the return of flows: no flow is left on a backup uplink, or the configuration leaves the
 * flows there (on-uplink-up is not "return"). */
static void returns_end(struct daemon *d)
{
	for (unsigned slot = 0; slot < UPLINKS_MAX; slot++)
		for (unsigned f = 0; f < FAMILIES; f++)
			if (d->backup->uplinks[slot].is_over[f]) {
				d->backup->uplinks[slot].is_over[f] = false;
				d->backup->uplinks[slot].since_ms[f] = 0;
			}
	d->backup->settled_ms = 0;
	return_stop(d->backup);
}

static void dump_end(struct daemon *d)
{
	struct backup *b = d->backup;
	char bytes[UNITS_STRLEN];

	conntrack_dump_close(b->dump);
	b->dump = NULL;
	if (!b->found) {
		returns_end(d);
		return;
	}
	list_sort(b->list, b->n, sizeof(*b->list), by_rank);
	log_notice("%" PRIu64 " flows (%s bytes) are still on backup uplinks%s", b->found,
		   size_format((int64_t)b->left_bytes, bytes),
		   d->config->on_uplink_up == ON_UP_RETURN
			   ? "; they are deleted and re-established on a lower tier (on-uplink-up "
			     "= return)"
			   : "");
	if (d->config->on_uplink_up != ON_UP_RETURN)
		returns_end(d);
}

static void dump_step(struct daemon *d)
{
	struct backup *b = d->backup;
	int left = 1;

	for (int i = 0; left > 0 && i < DUMP_STEPS; i++)
		left = conntrack_dump_step(b->dump, flows_take, d);
	if (left > 0)
		return;
	if (!left || left == -EINTR) {
		dump_end(d);
		return;
	}
	log_err("cannot list the flows on backup uplinks: %s", strerror(-left));
	return_stop(b);
	b->settled_ms = clock_steady_ms() + SETTLE_MS;
}

static void return_publish(struct daemon *d, int64_t flow_id, int64_t now_ms)
{
	struct record r = {
		.type = RECORD_DELETED_FLOW,
		.deleted_flow = {.time_ms = now_ms, .flow_id = flow_id, .action = "returned"},
	};

	d->backup->returned++;
	publish_record(d, &r);
}

static void flow_return(struct daemon *d, const struct candidate *c, int64_t now_ms)
{
	int64_t flow_id = audit_live_id(d->audit, &c->entry);
	int err;

	if (!flow_id || !is_to_return(d, &c->entry))
		return;
	err = conntrack_delete(d->conntrack, &c->entry);
	if (!err)
		return_publish(d, flow_id, now_ms);
	else if (err != -ENOENT)
		log_err("flow %" PRId64
			" stays on its backup uplink: cannot delete the conntrack entry: %s",
			flow_id, strerror(-err));
}

static void return_tick(struct daemon *d, int64_t now_ms)
{
	struct backup *b = d->backup;
	int64_t steady_ms = clock_steady_ms();

	if (!b->settled_ms || steady_ms < b->settled_ms || steer_is_pending(d))
		return;
	if (!b->list) {
		return_begin(d);
	} else if (b->dump) {
		dump_step(d);
	} else if (b->next == b->n) {
		return_begin(d);
	} else if (steady_ms >= b->return_ms) {
		b->return_ms = steady_ms + RETURN_EVERY_MS;
		flow_return(d, &b->list[b->next++], now_ms);
	}
}

void backup_tick(struct daemon *d, int64_t now_ms)
{
	if (d->config->mode != MODE_STEER || steer_is_paused(d))
		return;
	for (unsigned family = 0; family < FAMILIES; family++)
		uses_update(d, family, now_ms);
	for (size_t i = 0; i < d->config->n_uplinks; i++)
		use_report(d, &d->config->uplinks[i]);
	return_tick(d, now_ms);
}
