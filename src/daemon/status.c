/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status.c - collects the status of waymarkd from its modules. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/backup.h"
#include "daemon/control.h"
#include "daemon/coverage.h"
#include "daemon/daemon.h"
#include "daemon/event_mask.h"
#include "daemon/flow_delete.h"
#include "daemon/log.h"
#include "daemon/observe.h"
#include "daemon/publish.h"
#include "daemon/quota.h"
#include "daemon/resync.h"
#include "daemon/status.h"
#include "daemon/uplink_control.h"
#include "daemon/uplink_health.h"
#include "daemon/usage.h"
#include "waymark/alert/alert.h"
#include "waymark/audit/audit.h"
#include "waymark/audit/coverage.h"
#include "waymark/kernel/conntrack.h"
#include "waymark/kernel/nflog.h"
#include "waymark/status/answer.h"
#include "waymark/base/times.h"
#include "waymark/plan/uplink_state.h"
#include "waymark/steering/steering.h"
#include "waymark/store/store.h"
#include "waymark/talker/talker.h"

struct status {
	uint64_t flows_last_second;
	double flows_per_s;
};

int status_open(struct daemon *d)
{
	d->status = calloc(1, sizeof(*d->status));
	return d->status ? 0 : -ENOMEM;
}

void status_close(struct daemon *d)
{
	free(d->status);
}

static const char *time_text(struct answer *a, int64_t ms)
{
	char text[TIMES_STRLEN];

	return ms ? answer_keep(a, times_format_iso(ms, text)) : NULL;
}

static const char *address_text(struct answer *a, const struct addr *address)
{
	char text[ADDR_STRLEN];

	return addr_is_none(address) ? NULL : answer_keep(a, addr_format(address, text));
}

static void coverage_fill(const struct daemon *d, struct answer *a, struct answer_coverage *c,
			  uint8_t slot)
{
	const struct coverage_record *sum = coverage_sum(d, slot);
	int share = coverage_share(sum);
	uint64_t by_cause[COVERAGE_CAUSES];

	*c = (struct answer_coverage){
		.is_there = sum->started_ms != 0,
		.is_known = sum->has_left,
		.since = time_text(a, sum->started_ms),
		.until = time_text(a, sum->ended_ms),
		.left_packets = (int64_t)sum->left.packets,
		.left_bytes = (int64_t)sum->left.bytes,
		.seen_packets = (int64_t)sum->flows[SHARE_SEEN].packets,
		.seen_bytes = (int64_t)sum->flows[SHARE_SEEN].bytes,
		.split_packets = (int64_t)sum->flows[SHARE_SPLIT].packets,
		.link_packets = (int64_t)sum->link.packets,
		.share = share < 0 ? -1 : share / 10000.0,
	};
	coverage_missing(sum, by_cause);
	for (int i = 0; i < COVERAGE_CAUSES; i++)
		c->missing[i] = (int64_t)by_cause[i];
}

struct counts {
	uint32_t live[UPLINKS_MAX];
	uint64_t mismatches[UPLINKS_MAX], bytes[UPLINKS_MAX];
};

/* Return the share of the new flows that were answered, or -1 if no flow started. Some answers can
 * belong to flows that started before the counted interval, so the share is limited to 1. */
static double answered_share(struct flow_counts flows)
{
	if (!flows.flows_started)
		return -1;
	if (flows.flows_answered > flows.flows_started)
		return 1;
	return (double)flows.flows_answered / (double)flows.flows_started;
}

static void health_fill(const struct daemon *d, struct answer *a, struct answer_uplink *out,
			const struct uplink_config *u)
{
	const struct uplink_order *o = uplink_control_order(d, u->slot);
	struct uplink_health_view v;

	uplink_health_get(d, u->slot, &v);
	out->cause = state_cause_name(uplink_health_cause(d, u->slot, out->state));
	out->health = health_state_name(uplink_health_state(d, u->slot));
	out->answered_share = answered_share(
		v.passive.flows.flows_started ? v.passive.flows : usage_recent_flows(d, u->slot));
	out->tier = u->tier;
	if (o->word == OPERATOR_AUTO)
		return;
	out->decision = operator_word_name(o->word);
	out->decided_by = answer_keep(a, o->user);
	out->until = time_text(a, o->until_ms);
}

static void usage_fill(const struct daemon *d, struct answer_uplink *out,
		       const struct uplink_config *u)
{
	struct usage_totals totals;

	usage_totals(d, u->slot, &totals);
	out->bytes_sent = (int64_t)totals.sent_bytes;
	out->bytes_received = (int64_t)totals.received_bytes;
	out->quota = u->quota_bytes ? (int64_t)u->quota_bytes : -1;
	out->quota_used = u->quota_bytes ? (int64_t)quota_used(d, u->slot) : -1;
}

static void uplink_fill(const struct daemon *d, struct answer *a, struct answer_uplink *out,
			const struct uplink_config *u, const struct counts *c)
{
	const struct route_plan *plan = steering_plan(d->steering);
	const struct uplink_plan *p = uplink_plan_find(plan, u->slot);
	uint64_t reasons[REASONS];

	*out = (struct answer_uplink){
		.name = answer_keep(a, u->name),
		.ifname = answer_keep(a, u->ifname),
		.state = uplink_state(u, plan, steering_netstate(d->steering)),
		.addresses = uplink_addresses(u, steering_netstate(d->steering)),
		.gateway = p ? address_text(a, &p->gateway[0]) : NULL,
		.gateway6 = p ? address_text(a, &p->gateway[1]) : NULL,
		.mark = u->mark,
		.table = u->table,
		.quota_day = u->quota_day,
		.weight = u->weight,
		.flows_live = c->live[u->slot],
		.bytes = (int64_t)c->bytes[u->slot],
		.mismatches = (int64_t)c->mismatches[u->slot],
	};
	health_fill(d, a, out, u);
	usage_fill(d, out, u);
	coverage_fill(d, a, &out->coverage, u->slot);
	audit_uplink_reasons(d->audit, u->slot, reasons);
	for (int r = 0; r < REASONS; r++)
		out->mismatches_by_reason[r] = (int64_t)reasons[r];
}

static int uplinks_fill(const struct daemon *d, struct answer *a)
{
	struct counts c;

	audit_uplink_counts(d->audit, c.live, c.mismatches, c.bytes);
	a->uplinks = calloc(d->config->n_uplinks + 1, sizeof(*a->uplinks));
	if (!a->uplinks)
		return -ENOMEM;
	for (; a->n_uplinks < d->config->n_uplinks; a->n_uplinks++)
		uplink_fill(d, a, &a->uplinks[a->n_uplinks], &d->config->uplinks[a->n_uplinks], &c);
	return 0;
}

static void events_fill(const struct daemon *d, struct answer *a, const struct audit_stats *as)
{
	struct event_mask_stats mask;
	struct resync_stats resync;
	struct observe_stats observe;
	struct conntrack_stats s;

	conntrack_stats(d->conntrack, &s);
	event_mask_stats(d, &mask);
	resync_stats(d, &resync);
	observe_stats(d, &observe);
	a->last_event = time_text(a, observe.last_event_ms);
	a->events.received = (int64_t)s.events;
	a->events.overruns = (int64_t)s.overruns;
	a->events.refused = (int64_t)s.refused;
	a->events.parse_errors = (int64_t)s.parse_errors;
	a->events.forged = (int64_t)s.forged;
	a->events.buffer_bytes = (int64_t)s.buffer_bytes;
	a->events.mode = mask.is_minimal ? "minimal" : "full";
	a->events.listeners = mask.listeners;
	a->events.resyncs = (int64_t)resync.resyncs;
	a->events.is_resyncing = resync.is_running;
	a->events.held_back = (int64_t)observe.held_back;
	a->events.duplicates = (int64_t)as->duplicates;
}

static void nflog_fill(const struct daemon *d, struct answer *a, const struct audit_stats *as)
{
	struct nflog_stats s;

	nflog_stats(d->nflog, &s);
	a->nflog.received = (int64_t)s.messages;
	a->nflog.overruns = (int64_t)s.overruns;
	a->nflog.holes = (int64_t)s.holes;
	a->nflog.orphans = (int64_t)as->orphans;
	a->nflog.ambiguous = (int64_t)as->ambiguous;
	a->nflog.parse_errors = (int64_t)s.parse_errors;
	a->nflog.buffer_bytes = (int64_t)s.buffer_bytes;
}

static void store_fill(const struct daemon *d, struct answer *a)
{
	struct writer_stats s;

	writer_stats(d->writer, &s);
	a->store.written = (int64_t)s.written;
	a->store.queued = (int64_t)s.queued;
	a->store.dropped = (int64_t)s.dropped;
	a->store.failed = (int64_t)s.failed;
	a->store.batches = (int64_t)s.batches;
	a->store.depth = (int64_t)s.depth;
	a->store.depth_max = (int64_t)s.depth_max;
	a->store.capacity = (int64_t)s.capacity;
	a->store.database_bytes = (int64_t)s.database_bytes;
	a->store.p50_ms = s.p50_ms;
	a->store.p99_ms = s.p99_ms;
	a->store.delays = s.delays;
	a->store.is_pruning = !writer_is_pruned(d->writer);
	a->store.last_commit = time_text(a, s.last_commit_ms);
	a->store.last_error = s.last_error ? answer_keep(a, s.last_error_text) : NULL;
}

static void alerts_fill(const struct daemon *d, struct answer *a)
{
	struct flow_delete_stats deletions;
	struct backup_stats backup;
	struct alerter_stats s;

	alerter_stats(d->alerter, &s);
	a->alerts.raised = (int64_t)s.raised;
	a->alerts.sent = (int64_t)s.sent;
	a->alerts.aggregated = (int64_t)s.aggregated;
	a->alerts.silenced = (int64_t)s.silenced;
	a->alerts.summaries = (int64_t)s.summaries;
	a->alerts.failed = (int64_t)s.failed;
	a->alerts.webhook_pending = s.webhook.pending;
	a->alerts.webhook_delivered = (int64_t)s.webhook.delivered;
	a->alerts.webhook_retries = (int64_t)s.webhook.retries;
	a->alerts.webhook_dropped = (int64_t)s.webhook.dropped;
	if (s.webhook.last_error[0])
		a->alerts.webhook_error = answer_keep(a, s.webhook.last_error);
	if (s.failed && s.last_error[0])
		a->alerts.last_error = answer_keep(a, s.last_error);
	flow_delete_stats(d, &deletions);
	a->deletions.on_mismatch = config_on_mismatch_name(d->config->on_mismatch);
	a->deletions.deleted = (int64_t)deletions.deleted;
	a->deletions.not_deleted = (int64_t)deletions.not_deleted;
	backup_stats(d, &backup);
	a->deletions.returned = (int64_t)backup.returned;
}

/* Return the number of open gaps. Count the open gaps of the audit, and add one for each loss that
 * has no gap yet: records that the full queue refused, and a current error of the writer. */
static int64_t gaps_open(const struct daemon *d, const struct audit_stats *as)
{
	struct publish_stats ps;
	struct writer_stats ws;

	publish_stats(d, &ps);
	writer_stats(d->writer, &ws);
	return (int64_t)as->gaps_open + ps.is_gap_pending + (ws.last_error != 0);
}

static void flows_fill(const struct daemon *d, struct answer *a, const struct audit_stats *as)
{
	struct publish_stats ps;

	a->flows_live = as->live;
	a->flows_total = (int64_t)as->flows;
	a->flows_per_s = d->status->flows_per_s;
	a->flows_lost = (int64_t)as->lost;
	a->flows_untracked = (int64_t)as->untracked;
	a->table_flows = (int64_t)as->live + as->lingering;
	a->table_bytes = (int64_t)as->bytes;
	a->mismatches = (int64_t)as->mismatches;
	publish_stats(d, &ps);
	a->tamperings = (int64_t)ps.tamperings;
	a->gaps = (int64_t)as->gaps;
	a->gaps_open = gaps_open(d, as);
	a->has_verdicts = true;
	for (int v = VERDICT_MISMATCH; v <= VERDICT_OK; v++)
		a->verdicts[v] = (int64_t)as->verdicts[v];
}

int status_fill(const struct daemon *d, struct answer *a)
{
	struct coverage_stats coverage;
	struct audit_stats as;

	audit_stats(d->audit, &as);
	coverage_stats(d, &coverage);
	*a = (struct answer){
		.pid = getpid(),
		.version = PACKAGE_VERSION,
		.is_ready = d->is_ready,
		.mode = config_mode_name(d->config->mode),
		.config = d->config->path,
		.database = d->config->database,
		.mark_mask = d->config->mark_mask,
		.rule_priority = d->config->rule_priority,
		.balance = config_balance_name(d->config->balance),
		.balance_table = d->config->balance_table,
		.is_table_protected = steering_is_protected(d->steering),
		.uptime_s = (clock_steady_ms() - d->started_steady_ms) / 1000,
		.log_dropped = (int64_t)log_dropped(),
		.talker_restarts = (int64_t)talker_restarts(d->talker),
		.comparisons = (int64_t)coverage.comparisons,
		.comparisons_due = (int64_t)coverage.comparisons_due,
	};
	a->started = time_text(a, d->started_ms);
	flows_fill(d, a, &as);
	events_fill(d, a, &as);
	nflog_fill(d, a, &as);
	store_fill(d, a);
	alerts_fill(d, a);
	return uplinks_fill(d, a);
}

/* Update the number of new flows per second, smoothed over about ten seconds. */
void status_second(struct daemon *d)
{
	struct audit_stats as;
	double now;

	audit_stats(d->audit, &as);
	now = (double)(as.flows - d->status->flows_last_second);
	d->status->flows_last_second = as.flows;
	d->status->flows_per_s += (now - d->status->flows_per_s) * 0.2;
}
