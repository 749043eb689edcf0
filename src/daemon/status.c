/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.c - what the daemon answers on the control socket, as JSON.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/coverage.h"
#include "daemon/daemon.h"
#include "daemon/event_mask.h"
#include "daemon/flow_delete.h"
#include "daemon/observe.h"
#include "daemon/publish.h"
#include "daemon/resync.h"
#include "daemon/status.h"
#include "waymark/alert/alert.h"
#include "waymark/audit/audit.h"
#include "waymark/audit/coverage.h"
#include "waymark/kernel/conntrack.h"
#include "waymark/kernel/nflog.h"
#include "waymark/status/json_text.h"
#include "waymark/base/times.h"
#include "waymark/plan/uplink_state.h"
#include "waymark/steering/steering.h"
#include "waymark/store/store.h"

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

static json_t *json_time(int64_t ms)
{
	char text[TIMES_STRLEN];

	return ms ? json_string(times_format_iso(ms, text)) : json_null();
}

static json_t *json_delay(int64_t ms)
{
	return ms < 0 ? json_null() : json_integer((json_int_t)ms);
}

static json_t *json_address(const struct addr *a)
{
	char text[ADDR_STRLEN];

	return addr_is_none(a) ? json_null() : json_string(addr_format(a, text));
}

static json_t *addresses_answer(const struct daemon *d, const struct uplink_config *u)
{
	const struct netstate *s = steering_netstate(d->steering);
	const struct link_state *l = s ? netstate_link_by_name(s, u->ifname) : NULL;
	json_t *list = json_array();

	for (size_t i = 0; l && i < s->n_addrs; i++) {
		char text[PREFIX_STRLEN];

		if (s->addrs[i].ifindex == l->index && !s->addrs[i].is_link_local)
			json_array_append_new(
				list, json_string(prefix_format(&s->addrs[i].prefix, text)));
	}
	return list;
}

static json_t *missing_answer(const struct coverage_record *sum)
{
	uint64_t by_cause[COVERAGE_CAUSES];
	json_t *o = json_object();

	coverage_missing(sum, by_cause);
	for (int i = 0; i < COVERAGE_CAUSES; i++)
		json_object_set_new(o, coverage_cause_name((enum coverage_cause)i),
				    json_integer((json_int_t)by_cause[i]));
	return o;
}

/* Null: nothing has been compared yet. */
static json_t *coverage_answer(const struct daemon *d, uint8_t slot)
{
	const struct coverage_record *sum = coverage_sum(d, slot);
	int share = coverage_share(sum);

	if (!sum->started_ms)
		return json_null();
	return json_pack("{so so sb sI sI sI sI sI sI so so}", "since", json_time(sum->started_ms),
			 "until", json_time(sum->ended_ms), "known", sum->has_left, "left_packets",
			 (json_int_t)sum->left.packets, "left_bytes", (json_int_t)sum->left.bytes,
			 "seen_packets", (json_int_t)sum->flows[SHARE_SEEN].packets, "seen_bytes",
			 (json_int_t)sum->flows[SHARE_SEEN].bytes, "split_packets",
			 (json_int_t)sum->flows[SHARE_SPLIT].packets, "link_packets",
			 (json_int_t)sum->link.packets, "share",
			 share < 0 ? json_null() : json_real(share / 10000.0), "missing",
			 sum->has_left ? missing_answer(sum) : json_null());
}

struct counts {
	uint32_t live[UPLINKS_MAX];
	uint64_t mismatches[UPLINKS_MAX], bytes[UPLINKS_MAX];
};

static json_t *uplink_answer(const struct daemon *d, const struct uplink_config *u,
			     const struct counts *c)
{
	const struct route_plan *plan = steering_plan(d->steering);
	const struct uplink_plan *p = uplink_plan_find(plan, u->slot);
	const char *state = uplink_state(u, plan, steering_netstate(d->steering));

	return json_pack(
		"{ss so ss so so so sI sI sI sI sI so}", "name", u->name, "interface",
		json_text_new(u->ifname), "state", state, "addresses", addresses_answer(d, u),
		"gateway", p ? json_address(&p->gateway[0]) : json_null(), "gateway6",
		p ? json_address(&p->gateway[1]) : json_null(), "mark", (json_int_t)u->mark,
		"weight", (json_int_t)u->weight, "flows_live", (json_int_t)c->live[u->slot],
		"bytes", (json_int_t)c->bytes[u->slot], "mismatches",
		(json_int_t)c->mismatches[u->slot], "coverage", coverage_answer(d, u->slot));
}

static json_t *uplinks_answer(const struct daemon *d)
{
	json_t *list = json_array();
	struct counts c;

	audit_uplink_counts(d->audit, c.live, c.mismatches, c.bytes);
	for (size_t i = 0; i < d->config->n_uplinks; i++)
		json_array_append_new(list, uplink_answer(d, &d->config->uplinks[i], &c));
	return list;
}

static json_t *events_answer(const struct daemon *d, const struct audit_stats *as)
{
	struct event_mask_stats mask;
	struct resync_stats resync;
	struct observe_stats observe;
	struct conntrack_stats s;

	conntrack_stats(d->conntrack, &s);
	event_mask_stats(d, &mask);
	resync_stats(d, &resync);
	observe_stats(d, &observe);
	return json_pack("{sI sI sI sI sI sI ss sI sI sb sI sI}", "received", (json_int_t)s.events,
			 "overruns", (json_int_t)s.overruns, "refused", (json_int_t)s.refused,
			 "parse_errors", (json_int_t)s.parse_errors, "forged", (json_int_t)s.forged,
			 "buffer_bytes", (json_int_t)s.buffer_bytes, "mode",
			 mask.is_minimal ? "minimal" : "full", "listeners",
			 (json_int_t)mask.listeners, "resyncs", (json_int_t)resync.resyncs,
			 "resyncing", resync.is_running, "held_back", (json_int_t)observe.held_back,
			 "retold", (json_int_t)as->retold);
}

static json_t *nflog_answer(const struct daemon *d, const struct audit_stats *as)
{
	struct nflog_stats s;

	nflog_stats(d->nflog, &s);
	return json_pack("{sI sI sI sI sI sI sI}", "received", (json_int_t)s.messages, "overruns",
			 (json_int_t)s.overruns, "holes", (json_int_t)s.holes, "orphans",
			 (json_int_t)as->orphans, "ambiguous", (json_int_t)as->ambiguous,
			 "parse_errors", (json_int_t)s.parse_errors, "buffer_bytes",
			 (json_int_t)s.buffer_bytes);
}

static json_t *store_answer(const struct daemon *d)
{
	struct writer_stats s;

	writer_stats(d->writer, &s);
	return json_pack("{sI sI sI sI sI sI sI sI sI so so sb so so}", "written",
			 (json_int_t)s.written, "queued", (json_int_t)s.queued, "dropped",
			 (json_int_t)s.dropped, "failed", (json_int_t)s.failed, "batches",
			 (json_int_t)s.batches, "depth", (json_int_t)s.depth, "depth_max",
			 (json_int_t)s.depth_max, "capacity", (json_int_t)s.capacity,
			 "database_bytes", (json_int_t)s.database_bytes, "event_to_row_p50_ms",
			 json_delay(s.p50_ms), "event_to_row_p99_ms", json_delay(s.p99_ms),
			 "pruning", !writer_is_pruned(d->writer), "last_commit",
			 json_time(s.last_commit_ms), "last_error",
			 s.last_error ? json_text_new(s.last_error_text) : json_null());
}

static json_t *alerts_answer(const struct daemon *d)
{
	struct alerter_stats s;

	alerter_stats(d->alerter, &s);
	return json_pack("{sI sI sI sI sI s{sI sI sI sI so}}", "raised", (json_int_t)s.raised,
			 "sent", (json_int_t)s.sent, "aggregated", (json_int_t)s.aggregated, "summaries",
			 (json_int_t)s.summaries, "failed", (json_int_t)s.failed, "webhook",
			 "pending", (json_int_t)s.webhook.pending, "delivered",
			 (json_int_t)s.webhook.delivered, "retries", (json_int_t)s.webhook.retries,
			 "dropped", (json_int_t)s.webhook.dropped, "last_error",
			 s.webhook.last_error[0] ? json_text_new(s.webhook.last_error)
						 : json_null());
}

static json_t *deletions_answer(const struct daemon *d)
{
	struct flow_delete_stats s;

	flow_delete_stats(d, &s);
	return json_pack("{ss sI sI}", "on_mismatch",
			 config_on_mismatch_name(d->config->on_mismatch), "deleted",
			 (json_int_t)s.deleted, "not_deleted", (json_int_t)s.not_deleted);
}

static json_t *verdicts_answer(const struct audit_stats *as)
{
	json_t *o = json_object();

	for (int v = VERDICT_MISMATCH; v <= VERDICT_OK; v++)
		json_object_set_new(o, verdict_name((enum verdict)v),
				    json_integer((json_int_t)as->verdicts[v]));
	return o;
}

/* Those that the audit knows, and what the store has yet to say. */
static json_int_t gaps_open(const struct daemon *d, const struct audit_stats *as)
{
	struct publish_stats ps;
	struct writer_stats ws;

	publish_stats(d, &ps);
	writer_stats(d->writer, &ws);
	return (json_int_t)as->gaps_open + ps.is_gap_pending + (ws.last_error != 0);
}

static json_t *daemon_answer(const struct daemon *d)
{
	int64_t passed_ms = clock_steady_ms() - d->started_steady_ms;
	struct coverage_stats coverage;
	struct observe_stats observe;
	struct audit_stats as;

	audit_stats(d->audit, &as);
	coverage_stats(d, &coverage);
	observe_stats(d, &observe);
	return json_pack(
		"{sI ss sb ss so sI sI sI sf sI sI sI sI so so so so so so sI sI so so sI sI}",
		"pid", (json_int_t)getpid(), "version", PACKAGE_VERSION, "ready", d->is_ready,
		"mode", config_mode_name(d->config->mode), "started", json_time(d->started_ms),
		"uptime_s", (json_int_t)(passed_ms / 1000), "flows_live", (json_int_t)as.live,
		"flows_total", (json_int_t)as.flows, "flows_per_s", d->status->flows_per_s,
		"flows_lost", (json_int_t)as.lost, "flows_untracked", (json_int_t)as.untracked,
		"table_flows", (json_int_t)(as.live + as.lingering), "table_bytes",
		(json_int_t)as.bytes, "events", events_answer(d, &as), "nflog",
		nflog_answer(d, &as), "store", store_answer(d), "alerts", alerts_answer(d),
		"deletions", deletions_answer(d), "verdicts", verdicts_answer(&as), "gaps_open",
		gaps_open(d, &as), "mismatches", (json_int_t)as.mismatches, "last_event",
		json_time(observe.last_event_ms), "uplinks", uplinks_answer(d), "looks",
		(json_int_t)coverage.looks, "looks_due", (json_int_t)coverage.looks_due);
}

char *status_answer(void *data, const char *command)
{
	struct daemon *d = data;
	json_t *answer;
	char *text;

	if (!strcmp(command, "prune"))
		writer_prune(d->writer);
	if (!strcmp(command, "look"))
		coverage_ask(d, clock_now_ms());
	if (!strcmp(command, "status") || !strcmp(command, "prune") || !strcmp(command, "look")) {
		answer = daemon_answer(d);
	} else if (!strcmp(command, "uplinks")) {
		answer = json_pack("{so}", "uplinks", uplinks_answer(d));
	} else {
		errno = ENOENT;
		return NULL;
	}
	text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	json_decref(answer);
	if (!text)
		errno = ENOMEM;
	return text;
}

/* Smoothed over about ten seconds. */
void status_second(struct daemon *d)
{
	struct audit_stats as;
	double now;

	audit_stats(d->audit, &as);
	now = (double)(as.flows - d->status->flows_last_second);
	d->status->flows_last_second = as.flows;
	d->status->flows_per_s += (now - d->status->flows_per_s) * 0.2;
}
