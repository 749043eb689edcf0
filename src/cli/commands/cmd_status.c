/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_status.c - `waymark status`: the daemon's health on one screen.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/status/answer.h"
#include "cli/cli.h"
#include "cli/client.h"

static void daemon_print(const struct answer *a)
{
	printf("daemon    %s, pid %" PRId64 ", version %s, mode %s\n",
	       a->is_ready ? "ready" : "not ready yet", a->pid, a->version ? a->version : "?",
	       a->mode ? a->mode : "?");
	printf("since     %s, %" PRId64 " d %02d:%02d:%02d\n", a->started ? a->started : "?",
	       a->uptime_s / 86400, (int)(a->uptime_s / 3600 % 24), (int)(a->uptime_s / 60 % 60),
	       (int)(a->uptime_s % 60));
	printf("flows     %" PRId64 " live, %.1f a second, %" PRId64 " lost, %" PRId64
	       " beyond max-flows, %" PRId64 " KiB\n",
	       a->flows_live, a->flows_per_s, a->flows_lost, a->flows_untracked,
	       a->table_bytes / 1024);
}

static void verdicts_print(const struct answer *a)
{
	int v;

	if (!a->has_verdicts)
		return;
	fputs("verdicts  of ended flows:", stdout);
	for (v = VERDICT_MISMATCH; v <= VERDICT_OK; v++)
		printf("%s %s %" PRId64, v > VERDICT_MISMATCH ? "," : "",
		       verdict_name((enum verdict)v), a->verdicts[v]);
	printf("; %" PRId64 " mismatches reported\n", a->mismatches);
}

static void events_print(const struct answer *a)
{
	printf("events    %" PRId64 " received, %" PRId64 " overruns, %" PRId64
	       " malformed, %" PRId64 " forged, buffer %" PRId64 " KiB\n",
	       a->events.received, a->events.overruns, a->events.parse_errors, a->events.forged,
	       a->events.buffer_bytes / 1024);
	printf("          %s events, %" PRId64 " other listeners, %" PRId64
	       " looks at the whole table%s\n",
	       a->events.mode ? a->events.mode : "?", a->events.listeners, a->events.resyncs,
	       a->events.is_resyncing ? ", one goes on" : "");
	printf("nflog     %" PRId64 " received, %" PRId64 " overruns, %" PRId64 " lost, %" PRId64
	       " without a flow, buffer %" PRId64 " KiB\n",
	       a->nflog.received, a->nflog.overruns, a->nflog.holes, a->nflog.orphans,
	       a->nflog.buffer_bytes / 1024);
}

static void store_print(const struct answer *a)
{
	printf("history   %" PRId64 " rows in %" PRId64 " batches, %" PRId64 " dropped, %" PRId64
	       " failed, %" PRId64 " KiB\n",
	       a->store.written, a->store.batches, a->store.dropped, a->store.failed,
	       a->store.database_bytes / 1024);
	printf("queue     %" PRId64 " of %" PRId64 ", at most %" PRId64 ", last commit %s\n",
	       a->store.depth, a->store.capacity, a->store.depth_max,
	       a->store.last_commit ? a->store.last_commit : "none yet");
	if (a->store.p50_ms < 0)
		puts("          no row in the last minute");
	else
		printf("          %" PRId64 " ms from event to row, 99 of 100 within %" PRId64
		       " ms\n",
		       a->store.p50_ms, a->store.p99_ms);
	if (a->store.last_error && *a->store.last_error)
		printf("          last error: %s\n", a->store.last_error);
	printf("alerts    %" PRId64 " raised, %" PRId64 " sent, %" PRId64 " aggregated, %" PRId64
	       " failed\n",
	       a->alerts.raised, a->alerts.sent, a->alerts.aggregated, a->alerts.failed);
	if (a->deletions.deleted || a->deletions.not_deleted)
		printf("deletions     %" PRId64 " mismatching flows deleted, %" PRId64
		       " kept because of the rate\n",
		       a->deletions.deleted, a->deletions.not_deleted);
}

/* Only all is 100 %: what is behind the second digit is cut off. */
static void share_print(const struct answer_coverage *c)
{
	const char *comma = "; missing";
	int cause;

	printf("%.2f %% of %" PRId64 " packets since %s", c->share * 100, c->left_packets,
	       c->since ? c->since : "?");
	for (cause = 0; cause < COVERAGE_CAUSES; cause++) {
		if (!c->missing[cause])
			continue;
		printf("%s %" PRId64 " %s", comma, c->missing[cause],
		       coverage_cause_text((enum coverage_cause)cause));
		comma = ",";
	}
}

/* What was not compared is not covered. */
static void uplink_coverage_print(const struct answer_uplink *u)
{
	const struct answer_coverage *c = &u->coverage;

	printf("          %s: ", u->name ? u->name : "?");
	if (!c->is_there)
		fputs("not compared yet", stdout);
	else if (!c->is_known)
		fputs("not known: neither the rules nor the interface tell how much left", stdout);
	else if (c->share < 0)
		printf("nothing left since %s", c->since ? c->since : "?");
	else
		share_print(c);
	putchar('\n');
}

static void coverage_print(const struct answer *a)
{
	size_t i;

	if (a->gaps_open)
		printf("coverage  incomplete: %" PRId64 " open gaps; 'waymark gaps' says why\n",
		       a->gaps_open);
	else if (a->is_ready)
		puts("coverage  no open gap");
	else
		puts("coverage  not yet");
	for (i = 0; i < a->n_uplinks; i++)
		uplink_coverage_print(&a->uplinks[i]);
}

static void uplinks_print(const struct answer *a)
{
	size_t i;

	for (i = 0; i < a->n_uplinks; i++) {
		const struct answer_uplink *u = &a->uplinks[i];

		printf("uplink    %s: %s, interface %s, mark %" PRId64 ", %" PRId64
		       " flows live, %" PRId64 " mismatches seen\n",
		       u->name ? u->name : "?", u->state ? u->state : "?",
		       u->ifname ? u->ifname : "?", u->mark, u->flows_live, u->mismatches);
	}
}

static enum exit_status status_show(const struct invocation *in, const char *text)
{
	struct answer a;
	enum exit_status status;
	int err = answer_parse(&a, text);

	if (err || a.error) {
		cli_error("the daemon's answer is of no use: %s", err ? strerror(-err) : a.error);
		if (!err)
			answer_free(&a);
		return CLI_FAILED;
	}
	if (in->style.format == RENDER_JSON) {
		puts(text);
	} else {
		daemon_print(&a);
		verdicts_print(&a);
		events_print(&a);
		store_print(&a);
		coverage_print(&a);
		uplinks_print(&a);
	}
	status = a.is_ready ? CLI_DONE : CLI_NO_DAEMON;
	answer_free(&a);
	return status;
}

enum exit_status cmd_status(const struct invocation *in)
{
	struct config *config = cli_config(in);
	enum exit_status status;
	char *text = NULL;
	int err;

	if (!config)
		return CLI_FAILED;
	err = client_ask(config->control_socket, "status", &text);
	status = err ? client_explain(config->control_socket, err) : status_show(in, text);
	free(text);
	config_free(config);
	return status;
}
