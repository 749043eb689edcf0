/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_status.c - `waymark status`: shows the state of the daemon on one screen.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands/status_export.h"
#include "waymark/base/times.h"
#include "waymark/base/units.h"
#include "waymark/status/answer.h"

/* Write the time `iso` to buf as local time in whole seconds, and return buf. If iso is not a time,
 * return iso. If iso is NULL, return "?". */
static const char *time_text(const char *iso, char buf[TIMES_STRLEN])
{
	int64_t ms;

	if (!iso || times_parse_iso(iso, &ms))
		return iso ? iso : "?";
	times_format(ms, TIMES_FULL, buf);
	buf[sizeof("2026-03-01 12:34:56") - 1] = '\0';
	return buf;
}

/* Print the counters that answer_details() has for a heading. If all of them are 0, which is the
 * usual case, print nothing. */
static void details_print(const struct answer *a, const char *heading)
{
	char text[256];

	if (answer_details(a, heading, text, sizeof(text)))
		printf("          %s\n", text);
}

static void daemon_print(const struct answer *a)
{
	char time[TIMES_STRLEN], uptime[UNITS_STRLEN], table[UNITS_STRLEN];

	printf("daemon    %s, pid %" PRId64 ", version %s, mode %s\n",
	       a->is_ready ? "ready" : "not ready yet", a->pid, a->version ? a->version : "?",
	       a->mode ? a->mode : "?");
	printf("since     %s (%s)\n", time_text(a->started, time),
	       duration_format(a->uptime_s * 1000, uptime));
	printf("table     inet waymark, %s\n", a->is_table_protected
						       ? "protected from other processes"
						       : "not protected (protect-table)");
	printf("flows     %" PRId64 " live, %.1f new per second, %sB of memory\n", a->flows_live,
	       a->flows_per_s, size_format(a->table_bytes, table));
	details_print(a, "flows");
}

/* Print whether an operator or the uplink's health decided its state. Otherwise print nothing. */
static void decision_print(const struct answer_uplink *u)
{
	char time[TIMES_STRLEN];

	if (u->decision)
		printf(" (%s, decided by %s%s%s)", u->decision, u->decided_by ? u->decided_by : "?",
		       u->until ? " until " : "", u->until ? time_text(u->until, time) : "");
	else if (u->cause && !strcmp(u->cause, "health"))
		fputs(" (decided by its health)", stdout);
}

static void uplinks_print(const struct answer *a)
{
	for (size_t i = 0; i < a->n_uplinks; i++) {
		const struct answer_uplink *u = &a->uplinks[i];

		printf("uplink    %s: %s, interface %s, mark %" PRId64 ", %" PRId64
		       " flows live, %" PRId64 " mismatches",
		       u->name ? u->name : "?", u->state ? u->state : "?",
		       u->ifname ? u->ifname : "?", u->mark, u->flows_live, u->mismatches);
		decision_print(u);
		putchar('\n');
	}
}

static void verdicts_print(const struct answer *a)
{
	const char *comma = "";

	if (!a->has_verdicts)
		return;
	fputs("verdicts  ", stdout);
	for (int v = VERDICT_MISMATCH; v <= VERDICT_OK; v++) {
		if (!a->verdicts[v])
			continue;
		printf("%s%" PRId64 " %s", comma, a->verdicts[v], verdict_name((enum verdict)v));
		comma = ", ";
	}
	printf("%s; %" PRId64 " mismatches reported\n", *comma ? " (ended flows)" : "none yet",
	       a->mismatches);
}

static void events_print(const struct answer *a)
{
	char buffer[UNITS_STRLEN];

	printf("events    %" PRId64 " received (%s), %" PRId64 " overruns, buffer %sB\n",
	       a->events.received, a->events.mode ? a->events.mode : "?", a->events.overruns,
	       size_format(a->events.buffer_bytes, buffer));
	details_print(a, "events");
	if (a->events.listeners < 0)
		fputs("          other listeners: unknown", stdout);
	else
		printf("          %" PRId64 " other listeners", a->events.listeners);
	printf(", %" PRId64 " table dumps%s\n", a->events.resyncs,
	       a->events.is_resyncing ? " (one is running)" : "");
	printf("nflog     %" PRId64 " received, %" PRId64 " overruns, %" PRId64
	       " lost, buffer %sB\n",
	       a->nflog.received, a->nflog.overruns, a->nflog.holes,
	       size_format(a->nflog.buffer_bytes, buffer));
	details_print(a, "nflog");
}

static void store_print(const struct answer *a)
{
	char size[UNITS_STRLEN], time[TIMES_STRLEN];

	printf("history   %" PRId64 " rows, %sB, %" PRId64 " dropped, %" PRId64 " failed\n",
	       a->store.written, size_format(a->store.database_bytes, size), a->store.dropped,
	       a->store.failed);
	printf("queue     %" PRId64 " of %" PRId64 " (peak: %" PRId64 "), last commit %s\n",
	       a->store.depth, a->store.capacity, a->store.depth_max,
	       a->store.last_commit ? time_text(a->store.last_commit, time) : "none yet");
	if (a->store.p50_ms >= 0)
		printf("          delay from event to row: p50 %" PRId64 " ms, p99 %" PRId64
		       " ms\n",
		       a->store.p50_ms, a->store.p99_ms);
	if (a->store.last_error && *a->store.last_error)
		printf("          last error: %s\n", a->store.last_error);
}

static void alerts_print(const struct answer *a)
{
	printf("alerts    %" PRId64 " raised, %" PRId64 " sent, %" PRId64 " aggregated, %" PRId64
	       " failed\n",
	       a->alerts.raised, a->alerts.sent, a->alerts.aggregated, a->alerts.failed);
	if (a->alerts.failed && a->alerts.last_error)
		printf("          last error: %s\n", a->alerts.last_error);
	if (a->deletions.deleted || a->deletions.not_deleted)
		printf("deleted   %" PRId64 " mismatching flows, %" PRId64
		       " kept because of the rate limit\n",
		       a->deletions.deleted, a->deletions.not_deleted);
}

/* Print the covered share, rounded down to two decimal places, so that 100 % means that no packet
 * is missing. Then print the number of missing packets for each cause. */
static void share_print(const struct answer_coverage *c)
{
	const char *comma = "          missing:";

	printf("%.2f %% of %" PRId64 " packets\n", (double)(int64_t)(c->share * 10000) / 100,
	       c->left_packets);
	for (int cause = 0; cause < COVERAGE_CAUSES; cause++) {
		if (!c->missing[cause])
			continue;
		printf("%s %" PRId64 " %s", comma, c->missing[cause],
		       coverage_cause_text((enum coverage_cause)cause));
		comma = ",";
	}
	if (*comma == ',')
		putchar('\n');
}

/* Print the coverage of an uplink, or why it is unknown. */
static void uplink_coverage_print(const struct answer_uplink *u)
{
	const struct answer_coverage *c = &u->coverage;

	printf("          %s: ", u->name ? u->name : "?");
	if (!c->is_there)
		puts("not compared yet");
	else if (!c->is_known)
		puts("unknown: the counters of the rules and of the interface could not be read");
	else if (c->share < 0)
		puts("nothing sent");
	else
		share_print(c);
}

static void coverage_print(const struct answer *a)
{
	if (a->gaps_open)
		printf("coverage  incomplete: %" PRId64 " open gaps ('waymark gaps' shows why)\n",
		       a->gaps_open);
	else
		printf("coverage  %s\n", a->is_ready ? "no open gap" : "not ready yet");
	for (size_t i = 0; i < a->n_uplinks; i++)
		uplink_coverage_print(&a->uplinks[i]);
}

static enum exit_status status_show(const struct invocation *in, const char *text)
{
	struct answer a;
	enum exit_status status;
	int err = answer_parse(&a, text);

	if (err || a.error) {
		cli_error("invalid reply from waymarkd: %s", err ? strerror(-err) : a.error);
		if (!err)
			answer_free(&a);
		return CLI_FAILED;
	}
	if (in->style.format == RENDER_JSON) {
		puts(text);
	} else {
		daemon_print(&a);
		uplinks_print(&a);
		verdicts_print(&a);
		coverage_print(&a);
		events_print(&a);
		store_print(&a);
		alerts_print(&a);
		status_export_print(in);
	}
	status = a.is_ready ? CLI_DONE : CLI_NO_DAEMON;
	answer_free(&a);
	return status;
}

enum exit_status cmd_status(const struct invocation *in)
{
	char *path = cli_socket(in);
	enum exit_status status;
	char *text = NULL;
	int err;

	if (!path)
		return CLI_FAILED;
	err = client_ask(path, "status", &text);
	status = err ? client_explain(path, err) : status_show(in, text);
	free(text);
	free(path);
	return status;
}
