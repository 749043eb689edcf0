/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * alerter.c - takes alerts, aggregates equal alerts, and passes the resulting messages to the
 * configured sinks.
 *
 * Must not know what causes an alert, nor how a sink works.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alert/aggregation.h"
#include "alert/body.h"
#include "waymark/alert/facts.h"
#include "alert/silence.h"
#include "waymark/alert/sink.h"
#include "waymark/alert/alert.h"
#include "waymark/base/times.h"

#define QUIET_LEAST_MS 2000

struct alerter {
	struct alert_config config; /* a deep copy */
	struct alert_identity identity;
	struct aggregation *aggregation;
	struct silences silences;
	const struct sink *sinks[SINKS_MAX]; /* ended by NULL */
	void *state[SINKS_MAX];		     /* state of each sink; NULL: the sink has none */
	struct alert_outbox outbox;
	int64_t last_outbox_id;
	struct sink_status status; /* failures of all sinks */
	uint64_t raised, sent, aggregated, summaries, silenced;
	int64_t last_ms; /* the latest time that a caller passed */
};

static void identity_set(struct alerter *a, const char *router)
{
	if (gethostname(a->identity.host, sizeof(a->identity.host) - 1))
		a->identity.host[0] = '\0';
	snprintf(a->identity.router, sizeof(a->identity.router), "%s",
		 router && *router ? router : a->identity.host);
}

void alerter_set_router(struct alerter *a, const char *router)
{
	identity_set(a, router);
}

static void sinks_configure(struct alerter *a)
{
	for (size_t i = 0; a->sinks[i]; i++) {
		int err = a->sinks[i]->configure ? a->sinks[i]->configure(a->state[i], &a->config)
						 : 0;

		if (err < 0)
			sink_fail(&a->status,
				  "alert %s: cannot apply the new settings: %s; the old settings "
				  "stay",
				  a->sinks[i]->name, strerror(-err));
	}
}

/* Return the sink in the list `instead` that has the name of s. If there is none, return s. */
static const struct sink *sink_choose(const struct sink *s, const struct sink *const *instead)
{
	for (size_t i = 0; instead && instead[i]; i++)
		if (strcmp(instead[i]->name, s->name) == 0)
			return instead[i];
	return s;
}

static int sinks_open(struct alerter *a, void *data)
{
	for (size_t i = 0; a->sinks[i]; i++) {
		if (!a->sinks[i]->open)
			continue;
		a->state[i] = a->sinks[i]->open(data, &a->status);
		if (!a->state[i])
			return -ENOMEM;
	}
	return 0;
}

struct alerter *alerter_new(const struct alert_config *c)
{
	return alerter_new_with(c, NULL, NULL);
}

struct alerter *alerter_new_with(const struct alert_config *c, const struct sink *const *instead,
				 void *data)
{
	struct alerter *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	for (size_t i = 0; sink_table[i]; i++)
		a->sinks[i] = sink_choose(sink_table[i], instead);
	identity_set(a, NULL);
	a->aggregation = aggregation_new();
	if (a->aggregation && sinks_open(a, data) == 0 && config_clone_alert(&a->config, c) == 0) {
		sinks_configure(a);
		return a;
	}
	alerter_free(a);
	errno = ENOMEM;
	return NULL;
}

void alerter_set_config(struct alerter *a, const struct alert_config *c)
{
	struct alert_config copy;

	if (config_clone_alert(&copy, c) < 0) {
		sink_fail(&a->status, "alert: cannot apply the new settings: out of memory; the "
				      "old settings stay");
		return;
	}
	config_clear_alert(&a->config);
	a->config = copy;
	sinks_configure(a);
}

/* --- sinks that acknowledge --------------------------------------------------------- */

void alerter_set_outbox(struct alerter *a, const struct alert_outbox *o)
{
	a->outbox = *o;
}

static int body_push(struct alerter *a, size_t i, int64_t id, const char *body)
{
	int err = a->sinks[i]->push(a->state[i], id, body);

	if (err < 0)
		sink_fail(&a->status, "alert %s: %s", a->sinks[i]->name, strerror(-err));
	return err;
}

int alerter_resume(struct alerter *a, int64_t id, const char *body)
{
	a->last_outbox_id = id;
	for (size_t i = 0; a->sinks[i]; i++) {
		if (a->sinks[i]->push)
			return body_push(a, i, id, body);
	}
	return -ENOSYS;
}

/* Save the message's body in the outbox, so that it survives a restart, and pass it to sink i. If
 * the outbox cannot save it, send it nevertheless; it is then lost if waymarkd ends before the
 * delivery. */
static void body_send(struct alerter *a, size_t i, const struct sink_message *m)
{
	char *body = a->sinks[i]->body(a->state[i], &a->config, m);
	int64_t id = a->last_outbox_id + 1;
	int err;

	if (!body) {
		sink_fail(&a->status, "alert %s: %s", a->sinks[i]->name, strerror(errno));
		return;
	}
	a->last_outbox_id = id;
	err = a->outbox.add ? a->outbox.add(a->outbox.data, id, m->alert->time_ms, body) : 0;
	if (err < 0)
		sink_fail(&a->status,
			  "alert %s: cannot save an alert for delivery after a restart: %s",
			  a->sinks[i]->name, strerror(-err));
	body_push(a, i, id, body);
	free(body);
}

static void settled_collect(struct alerter *a, size_t i)
{
	int64_t id;

	while (a->sinks[i]->settled && (id = a->sinks[i]->settled(a->state[i]))) {
		if (a->outbox.done)
			a->outbox.done(a->outbox.data, id);
	}
}

/* --- sending ------------------------------------------------------------------------- */

static int64_t interval_ms(const struct alerter *a)
{
	return (int64_t)a->config.min_interval_s * 1000;
}

/* Return the time after which an alert is over if no equal alert has come: two intervals, but at
 * least QUIET_LEAST_MS. */
static int64_t quiet_ms(const struct alerter *a)
{
	int64_t ms = 2 * interval_ms(a);

	return ms > QUIET_LEAST_MS ? ms : QUIET_LEAST_MS;
}

static void message_hand_out(struct alerter *a, const struct sink_message *m)
{
	for (size_t i = 0; a->sinks[i]; i++) {
		if (!a->sinks[i]->target(&a->config))
			continue;
		if (a->sinks[i]->body)
			body_send(a, i, m);
		else
			a->sinks[i]->send(a->state[i], &a->config, m, &a->status);
	}
}

static void alert_send(struct alerter *a, const struct alert *alert)
{
	struct facts facts;
	char *line;

	if (a->outbox.record)
		a->outbox.record(a->outbox.data, alert);
	if (silence_covers(&a->silences, alert)) {
		a->silenced++;
		return;
	}
	a->sent++;
	facts_fill(&facts, alert, &a->identity);
	line = body_json(&facts);
	if (!line) {
		sink_fail(&a->status, "alert: %s", strerror(errno));
		return;
	}
	message_hand_out(a, &(struct sink_message){alert, &facts, line});
	free(line);
}

static void summary_send(struct alerter *a, const struct alert *summary)
{
	a->summaries++;
	alert_send(a, summary);
}

/* Handle the end of a lasting cause: remove all alerts that have the kind, uplink and object of
 * *end, and send one message that they are over. Send it even if the table has no such alert,
 * because an alert might have been sent before waymarkd was restarted. */
static void end_send(struct alerter *a, const struct alert *end)
{
	struct alert over = *end, entry;
	uint64_t total = 0;
	int64_t since_ms = 0;

	while (aggregation_end(a->aggregation, end, &entry)) {
		total += entry.total;
		if (!since_ms || entry.since_ms < since_ms)
			since_ms = entry.since_ms;
	}
	over.count = total ? total : 1;
	over.total = over.count;
	over.since_ms = since_ms ? since_ms : end->time_ms;
	alert_send(a, &over);
}

static void alert_take(struct alerter *a, const struct alert *alert)
{
	struct alert now = *alert, evicted;
	bool is_sent = aggregation_take(a->aggregation, &now, interval_ms(a));

	if (aggregation_evicted(a->aggregation, &evicted))
		summary_send(a, &evicted);
	if (is_sent)
		alert_send(a, &now);
	else
		a->aggregated++;
}

void alerter_raise(struct alerter *a, const struct alert *alert)
{
	a->raised++;
	a->last_ms = alert->time_ms;
	if (alert->state == ALERT_OVER)
		end_send(a, alert);
	else
		alert_take(a, alert);
}

bool alerter_goes_on(struct alerter *a, const struct alert *alert)
{
	return aggregation_keep(a->aggregation, alert);
}

void alerter_silence(struct alerter *a, const char *uplink, int64_t until_ms, const char *by)
{
	if (silence_set(&a->silences, uplink, until_ms, by) < 0)
		sink_fail(&a->status,
			  "alert: cannot silence the uplink: too many uplinks are silenced");
}

void alerter_silences(const struct alerter *a, alerter_silence_fn *fn, void *data)
{
	for (size_t i = 0; i < sizeof(a->silences.list) / sizeof(a->silences.list[0]); i++) {
		const struct silence *s = &a->silences.list[i];

		if (s->until_ms)
			fn(data, s->uplink, s->until_ms, s->by);
	}
}

static void summaries_send(struct alerter *a, int64_t now_ms, bool is_last)
{
	struct alert summary;

	while (aggregation_due(a->aggregation, now_ms, interval_ms(a), is_last, &summary))
		summary_send(a, &summary);
}

/* Report that an alert is over because no equal alert came within quiet_ms(). The text contains the
 * total number of equal alerts. */
static void quiet_send(struct alerter *a, const struct alert *over, int64_t now_ms)
{
	struct alert end = *over;
	char since[TIMES_STRLEN];

	end.time_ms = now_ms;
	snprintf(end.text, sizeof(end.text),
		 "%s%s%s%s%s%s%s: none in the last %lld s; %llu in total since %s",
		 alert_kind_name(over->kind), *over->expected ? " for " : "", over->expected,
		 *over->egress ? ", egress " : "", over->egress, *over->reason ? ", " : "",
		 over->reason, (long long)(quiet_ms(a) / 1000), (unsigned long long)over->total,
		 times_format_iso(over->since_ms, since));
	summary_send(a, &end);
}

void alerter_tick(struct alerter *a, int64_t now_ms)
{
	struct alert over;

	a->last_ms = now_ms;
	silences_expire(&a->silences, now_ms);
	for (size_t i = 0; a->sinks[i]; i++) {
		if (a->sinks[i]->tick)
			a->sinks[i]->tick(a->state[i], now_ms);
		settled_collect(a, i);
	}
	summaries_send(a, now_ms, false);
	while (aggregation_over(a->aggregation, now_ms, quiet_ms(a), &over))
		quiet_send(a, &over, now_ms);
}

static bool is_open(const struct alerter *a)
{
	for (size_t i = 0; a->sinks[i]; i++) {
		if (a->sinks[i]->open && !a->state[i])
			return false;
	}
	return a->aggregation != NULL;
}

/* Send the pending summaries before the sinks stop. Otherwise the alerts that were only counted
 * would never be reported. */
void alerter_free(struct alerter *a)
{
	if (!a)
		return;
	if (is_open(a))
		summaries_send(a, a->last_ms, true);
	for (size_t i = 0; a->sinks[i]; i++) {
		if (!a->state[i])
			continue;
		if (a->sinks[i]->stop)
			a->sinks[i]->stop(a->state[i]);
		settled_collect(a, i);
		a->sinks[i]->close(a->state[i]);
	}
	aggregation_free(a->aggregation);
	config_clear_alert(&a->config);
	free(a);
}

void alerter_stats(const struct alerter *a, struct alerter_stats *out)
{
	*out = (struct alerter_stats){
		.raised = a->raised,
		.sent = a->sent,
		.aggregated = a->aggregated,
		.silenced = a->silenced,
		.summaries = a->summaries,
		.failed = a->status.failed,
		.reused = aggregation_reused(a->aggregation),
	};
	memcpy(out->last_error, a->status.last_error, sizeof(out->last_error));
	for (size_t i = 0; a->sinks[i]; i++) {
		struct sink_stats s = {0};

		if (a->sinks[i]->stats)
			a->sinks[i]->stats(a->state[i], &s);
		out->children += s.running;
		out->programs_failed += s.programs_failed;
		if (s.program_error[0])
			memcpy(out->program_error, s.program_error, sizeof(s.program_error));
		out->failed += s.dropped;
		out->unwritten += s.unwritten;
		if (s.write_error[0])
			memcpy(out->write_error, s.write_error, sizeof(s.write_error));
		out->webhook.pending += s.pending;
		out->webhook.delivered += s.delivered;
		out->webhook.retries += s.retries;
		out->webhook.dropped += s.dropped;
		if (s.last_error[0])
			memcpy(out->webhook.last_error, s.last_error, sizeof(s.last_error));
	}
}

/* --- a test alert -------------------------------------------------------------------- */

#define TEST_LOOK_NS 20000000

/* Wait until all programs and the webhook's first attempt have ended. This takes a limited time,
 * because each sink has a time limit. */
static void test_await(struct alerter *a, int64_t (*now_ms)(void), struct alerter_stats *stats)
{
	struct timespec pause = {.tv_nsec = TEST_LOOK_NS};

	alerter_stats(a, stats);
	while (stats->children || (stats->webhook.pending && !stats->webhook.retries)) {
		nanosleep(&pause, NULL);
		alerter_tick(a, now_ms());
		alerter_stats(a, stats);
	}
}

static void sink_test(size_t i, const struct alert_config *c, int64_t (*now_ms)(void),
		      alerter_test_fn *fn, void *data)
{
	struct alerter *a = alerter_new(c);
	struct alerter_stats stats;
	struct facts facts;
	struct alert alert = {.kind = ALERT_TEST,
			      .time_ms = now_ms(),
			      .reason = "",
			      .evidence = "",
			      .direction = -1,
			      .count = 1,
			      .total = 1,
			      .text = "this is a test of Waymark's alerts; nothing is wrong"};
	char *line = NULL;

	if (a) {
		facts_fill(&facts, &alert, &a->identity);
		line = body_json(&facts);
	}
	if (!line) {
		fn(data, sink_table[i]->name, sink_table[i]->target(c), strerror(errno));
		alerter_free(a);
		return;
	}
	if (sink_table[i]->body)
		body_send(a, i, &(struct sink_message){&alert, &facts, line});
	else
		sink_table[i]->send(a->state[i], c, &(struct sink_message){&alert, &facts, line},
				    &a->status);
	test_await(a, now_ms, &stats);
	if (stats.webhook.last_error[0])
		memcpy(stats.last_error, stats.webhook.last_error, sizeof(stats.last_error));
	fn(data, sink_table[i]->name, sink_table[i]->target(c),
	   stats.failed || stats.webhook.retries ? stats.last_error : NULL);
	free(line);
	alerter_free(a);
}

unsigned alerter_test(const struct alert_config *c, int64_t (*now_ms)(void), alerter_test_fn *fn,
		      void *data)
{
	unsigned n = 0;

	for (size_t i = 0; sink_table[i]; i++) {
		if (!sink_table[i]->target(c))
			continue;
		sink_test(i, c, now_ms, fn, data);
		n++;
	}
	return n;
}
