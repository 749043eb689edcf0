/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * delivery.c - serves the talker in the event loop, and reports failures to deliver alerts.
 *
 * The first failure raises an alert. Later failures raise none until delivery works again, that is,
 * until no failure has occurred for QUIET_MS. Then the alert ends. Must not know how the talker
 * works.
 */
#include "daemon/delivery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/exporter.h"
#include "daemon/log.h"
#include "daemon/publish.h"
#include "daemon/uplink_health.h"
#include "waymark/alert/alert.h"
#include "waymark/talker/talker.h"

#define LOOK_MS	    1000
#define PATIENCE_MS 10000 /* a webhook that fails for less time is not reported */
#define QUIET_MS    60000 /* time without a failure until delivery counts as working */

struct delivery {
	bool is_watched; /* the loop polls the talker's descriptor */
	bool is_failing; /* a failure was reported and has not ended */
	enum talker_state talker;
	/* Counters at the last check. `lost`: alerts that did not reach a program or the webhook;
	 * `dropped`: those of the webhook; `unwritten`: failures to write the JSON file. */
	uint64_t lost, dropped, unwritten;
	int64_t look_ms, failure_ms; /* times of the last check and the last failure */
	int64_t webhook_ms;	     /* when the webhook began to fail; 0: it works */
};

/* --- reports ------------------------------------------------------------------------------ */

static void failing_report(struct daemon *d, const char *reason, const char *what,
			   const char *error)
{
	char text[256];

	if (d->delivery->is_failing)
		return;
	d->delivery->is_failing = true;
	snprintf(text, sizeof(text), "%s%s", what, error);
	log_err("alerts are not delivered: %s", text);
	publish_own(d, ALERT_DELIVERY, ALERT_RAISED, reason, text);
}

static void working_report(struct daemon *d)
{
	d->delivery->is_failing = false;
	log_notice("alert delivery works again");
	publish_own(d, ALERT_DELIVERY, ALERT_OVER, "", "alert delivery works again");
}

/* --- the talker ------------------------------------------------------------------------------ */

static char *on_page(void *data)
{
	return exporter_page(data);
}

static void on_checked(void *data, int64_t number, const char *result)
{
	uplink_health_checked(data, number, result);
}

static void on_output(void *data, const char *line)
{
	(void)data;
	log_notice("program %s", line);
}

static void on_changed(void *data, enum talker_state state, const char *why)
{
	struct daemon *d = data;
	char text[256];

	d->delivery->talker = state;
	if (state == TALKER_WORKS) {
		log_notice("waymark-talker works again: %s", why);
		return;
	}
	snprintf(text, sizeof(text), "waymark-talker does not work: %s (%s)", why,
		 state == TALKER_GONE
			 ? "programs, webhook and Prometheus are not served; restart waymarkd"
		 : state == TALKER_DEAD ? "waymarkd starts a new one"
					: "alert programs are not run until it answers");
	log_err("%s", text);
	d->delivery->failure_ms = clock_steady_ms();
	if (!d->delivery->is_failing)
		publish_own(d, ALERT_DELIVERY, ALERT_RAISED, "talker", text);
	d->delivery->is_failing = true;
}

static void on_talker(void *data)
{
	struct daemon *d = data;
	int fd = talker_fd(d->talker);

	talker_process(d->talker);
	/* When the talker is gone, talker_process() has closed its descriptor, which also left the
	 * epoll set. Only the talker's rank in the loop must still be freed. */
	if (talker_fd(d->talker) >= 0 || !d->delivery->is_watched)
		return;
	d->delivery->is_watched = false;
	loop_remove(d->loop, LOOP_TALKER, fd);
}

int delivery_open(struct daemon *d)
{
	struct talker_events events = {.data = d,
				       .page = on_page,
				       .checked = on_checked,
				       .output = on_output,
				       .changed = on_changed};
	int err;

	d->delivery = calloc(1, sizeof(*d->delivery));
	if (!d->delivery)
		return -ENOMEM;
	talker_set_events(d->talker, &events);
	err = loop_add(d->loop, LOOP_TALKER, talker_fd(d->talker), on_talker, d);
	d->delivery->is_watched = !err;
	return err;
}

void delivery_stop(struct daemon *d)
{
	if (d->delivery)
		talker_set_events(d->talker, &(struct talker_events){0});
}

void delivery_close(struct daemon *d)
{
	free(d->delivery);
	d->delivery = NULL;
}

/* --- failures ---------------------------------------------------------------------------------- */

/* Return whether the webhook has failed for PATIENCE_MS. A shorter failure does not count, because
 * the request is repeated. */
static bool webhook_is_failing(struct delivery *y, const struct alerter_stats *s, int64_t now_ms)
{
	if (!s->webhook.last_error[0])
		y->webhook_ms = 0;
	else if (!y->webhook_ms)
		y->webhook_ms = now_ms;
	return y->webhook_ms && now_ms - y->webhook_ms >= PATIENCE_MS;
}

/* Return the number of lost alerts. An alert is lost if its program failed or the webhook dropped
 * it (webhook.h). */
static uint64_t lost_count(const struct alerter_stats *s)
{
	return s->programs_failed + s->webhook.dropped;
}

static void failures_look(struct daemon *d, int64_t now_ms)
{
	struct delivery *y = d->delivery;
	struct alerter_stats s;
	bool is_webhook, is_lost, is_unwritten;

	alerter_stats(d->alerter, &s);
	is_webhook = webhook_is_failing(y, &s, now_ms);
	is_lost = lost_count(&s) != y->lost;
	is_unwritten = s.unwritten != y->unwritten;
	if (is_webhook || is_lost || is_unwritten || y->talker != TALKER_WORKS)
		y->failure_ms = now_ms;
	if (is_webhook || s.webhook.dropped != y->dropped)
		failing_report(d, "webhook", "alert webhook: ", s.webhook.last_error);
	else if (is_lost)
		failing_report(d, "exec", "", s.program_error);
	else if (is_unwritten)
		failing_report(d, "json", "", s.write_error);
	else if (y->is_failing && now_ms - y->failure_ms >= QUIET_MS)
		working_report(d);
	y->lost = lost_count(&s);
	y->dropped = s.webhook.dropped;
	y->unwritten = s.unwritten;
}

void delivery_tick(struct daemon *d, int64_t now_ms)
{
	talker_tick(d->talker, now_ms);
	if (now_ms - d->delivery->look_ms < LOOK_MS)
		return;
	d->delivery->look_ms = now_ms;
	failures_look(d, now_ms);
}
