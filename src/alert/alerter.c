/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * alerter.c - takes alerts, folds what is the same, hands the rest to the sinks
 * that are configured.
 *
 * It knows neither how an alert comes about nor how a sink works.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/facts.h"
#include "alert/aggregation.h"
#include "alert/sinks.h"
#include "alert/webhook.h"
#include "waymark/alert/alert.h"
#include "waymark/base/times.h"

#define QUIET_LEAST_MS 2000

struct alerter {
	struct alert_config config; /* a copy, strings too */
	struct aggregation *folding;
	struct exec *exec;
	struct webhook *webhook;
	struct alert_outbox outbox;
	int64_t last_outbox_id;
	struct sink_status status;
	uint64_t raised, told, folded, summaries;
	int64_t last_ms; /* the newest time that was passed in */
};

void sink_fail(struct sink_status *s, const char *format, ...)
{
	va_list args;

	s->failed++;
	va_start(args, format);
	vsnprintf(s->last_error, sizeof(s->last_error), format, args);
	va_end(args);
}

static void config_clear(struct alert_config *c)
{
	free(c->exec);
	free(c->user);
	free(c->json);
	free(c->webhook);
	*c = (struct alert_config){0};
}

/* 0 or -ENOMEM, and then *to is empty. */
static int config_copy(struct alert_config *to, const struct alert_config *from)
{
	*to = *from;
	to->exec = from->exec ? strdup(from->exec) : NULL;
	to->user = from->user ? strdup(from->user) : NULL;
	to->json = from->json ? strdup(from->json) : NULL;
	to->webhook = from->webhook ? strdup(from->webhook) : NULL;
	if (!to->exec == !from->exec && !to->json == !from->json && !to->user == !from->user &&
	    !to->webhook == !from->webhook)
		return 0;
	config_clear(to);
	return -ENOMEM;
}

struct alerter *alerter_new(const struct alert_config *c)
{
	struct alerter *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->folding = aggregation_new();
	a->exec = exec_new(&a->status);
	a->webhook = webhook_new();
	if (a->folding && a->exec && a->webhook && config_copy(&a->config, c) == 0 &&
	    webhook_set(a->webhook, c->webhook, c->webhook_timeout_s) == 0) {
		exec_set_user(a->exec, a->config.user);
		return a;
	}
	alerter_free(a);
	errno = ENOMEM;
	return NULL;
}

void alerter_set_config(struct alerter *a, const struct alert_config *c)
{
	struct alert_config copy;

	if (config_copy(&copy, c) < 0) {
		sink_fail(&a->status, "alert: out of memory, the configuration stays as it was");
		return;
	}
	config_clear(&a->config);
	a->config = copy;
	if (webhook_set(a->webhook, copy.webhook, copy.webhook_timeout_s) < 0)
		sink_fail(&a->status, "alert webhook: out of memory, it stays as it was");
	exec_set_user(a->exec, a->config.user);
}

/* --- the webhook ----------------------------------------------------------------- */

void alerter_set_outbox(struct alerter *a, const struct alert_outbox *o)
{
	a->outbox = *o;
}

static void outbox_done(void *data, int64_t id)
{
	struct alerter *a = data;

	if (a->outbox.done)
		a->outbox.done(a->outbox.data, id);
}

int alerter_resume(struct alerter *a, int64_t id, const char *line)
{
	a->last_outbox_id = id;
	return webhook_push(a->webhook, id, line);
}

/* What cannot be kept is sent all the same, while the daemon lives. */
static void webhook_tell(struct alerter *a, int64_t time_ms, const char *line)
{
	int64_t id = ++a->last_outbox_id;
	int err = a->outbox.add ? a->outbox.add(a->outbox.data, id, time_ms, line) : 0;

	if (err < 0)
		sink_fail(&a->status, "alert webhook: not kept for a restart: %s", strerror(-err));
	err = webhook_push(a->webhook, id, line);
	if (err < 0)
		sink_fail(&a->status, "alert webhook: %s", strerror(-err));
}

static void webhook_collect(struct alerter *a)
{
	int64_t id;

	while ((id = webhook_settled(a->webhook)))
		outbox_done(a, id);
}

/* --- telling ---------------------------------------------------------------------- */

static int64_t interval_ms(const struct alerter *a)
{
	return (int64_t)a->config.min_interval_s * 1000;
}

/* Two intervals, and some time where there is none. */
static int64_t quiet_ms(const struct alerter *a)
{
	int64_t ms = 2 * interval_ms(a);

	return ms > QUIET_LEAST_MS ? ms : QUIET_LEAST_MS;
}

/* The journal, where it is, takes what syslog(3) is told, too: it is told once. */
static void system_tell(struct alerter *a, const struct alert *alert,
			const struct fact facts[FACTS_COUNT])
{
	if (journal_is_there(JOURNAL_PATH))
		journal_write(JOURNAL_PATH, alert, facts, &a->status);
	else
		syslog_write(SYSLOG_PATH, alert, &a->status);
}

static void alert_tell(struct alerter *a, const struct alert *alert)
{
	struct fact facts[FACTS_COUNT];
	char *line;

	a->told++;
	facts_fill(facts, alert);
	line = alert_json(facts);
	if (a->config.syslog)
		system_tell(a, alert, facts);
	if (!line)
		sink_fail(&a->status, "alert: out of memory");
	if (line && a->config.json)
		jsonl_write(a->config.json, line, &a->status);
	if (line && a->config.exec)
		exec_run(a->exec, a->config.exec, facts, line);
	if (line && a->config.webhook)
		webhook_tell(a, alert->time_ms, line);
	free(line);
}

/* Not the alert that was raised now. */
static void summary_tell(struct alerter *a, const struct alert *summary)
{
	a->summaries++;
	alert_tell(a, summary);
}

void alerter_raise(struct alerter *a, const struct alert *alert)
{
	struct alert now = *alert, evicted;
	bool is_told;

	a->raised++;
	a->last_ms = alert->time_ms;
	is_told = aggregation_take(a->folding, &now, interval_ms(a));
	if (aggregation_evicted(a->folding, &evicted))
		summary_tell(a, &evicted);
	if (is_told)
		alert_tell(a, &now);
	else
		a->folded++;
}

bool alerter_goes_on(struct alerter *a, const struct alert *alert)
{
	return aggregation_keep(a->folding, alert);
}

static void summaries_tell(struct alerter *a, int64_t now_ms, bool is_last)
{
	struct alert summary;

	while (aggregation_due(a->folding, now_ms, interval_ms(a), is_last, &summary))
		summary_tell(a, &summary);
}

/* Its text is about all of them; the last one's is left out. */
static void over_tell(struct alerter *a, const struct alert *over, int64_t now_ms)
{
	struct alert told = *over;
	char since[TIMES_STRLEN];

	told.time_ms = now_ms;
	snprintf(told.text, sizeof(told.text),
		 "%s%s%s%s%s%s%s: quiet for %lld s; %llu in all since %s",
		 alert_kind_name(over->kind), *over->expected ? " for " : "", over->expected,
		 *over->egress ? " by " : "", over->egress, *over->reason ? ", " : "", over->reason,
		 (long long)(quiet_ms(a) / 1000), (unsigned long long)over->total,
		 times_format_iso(over->since_ms, since));
	summary_tell(a, &told);
}

void alerter_tick(struct alerter *a, int64_t now_ms)
{
	struct alert over;

	a->last_ms = now_ms;
	exec_tick(a->exec, now_ms);
	webhook_collect(a);
	summaries_tell(a, now_ms, false);
	while (aggregation_over(a->folding, now_ms, quiet_ms(a), &over))
		over_tell(a, &over, now_ms);
}

/* What is folded still is told, so that nothing goes unsaid. */
void alerter_free(struct alerter *a)
{
	if (!a)
		return;
	if (a->folding && a->exec && a->webhook)
		summaries_tell(a, a->last_ms, true);
	exec_free(a->exec);
	webhook_free(a->webhook, outbox_done, a);
	aggregation_free(a->folding);
	config_clear(&a->config);
	free(a);
}

void alerter_stats(const struct alerter *a, struct alerter_stats *out)
{
	struct webhook_stats ws;

	webhook_stats(a->webhook, &ws);
	*out = (struct alerter_stats){
		.raised = a->raised,
		.told = a->told,
		.folded = a->folded,
		.summaries = a->summaries,
		.failed = a->status.failed + ws.dropped,
		.reused = aggregation_reused(a->folding),
		.children = exec_children(a->exec),
	};
	memcpy(out->last_error, a->status.last_error, sizeof(out->last_error));
	out->webhook.pending = ws.pending;
	out->webhook.delivered = ws.delivered;
	out->webhook.retries = ws.retries;
	out->webhook.dropped = ws.dropped;
	memcpy(out->webhook.last_error, ws.last_error, sizeof(out->webhook.last_error));
}
