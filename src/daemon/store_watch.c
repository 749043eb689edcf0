/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_watch.c - polls the state of the writer.
 *
 * A failure to write is reported when it begins, while the records still wait in the queue. Must
 * not know SQLite.
 */
#include "daemon/store_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/publish.h"
#include "daemon/uplink_states.h"
#include "waymark/alert/alert.h"
#include "waymark/audit/audit.h"
#include "waymark/store/store.h"

#define LOOK_MS	  250
#define STUCK_MS  5000 /* if a step of the writer takes longer, the disk hangs */
#define LOCKED_MS 2000 /* a lock of the database by another process is reported after this time */
#define QUIET_MS  3000 /* time without a failure until writing counts as working */

struct store_watch {
	bool is_failing; /* a failure is reported, and its end is not reported yet */
	uint64_t failures, failed, renewals; /* the writer's counters at the last check */
	int64_t look_ms;		     /* time of the last check */
	int64_t failing_since_ms; /* when the writer's current error began; 0: no error */
	int64_t failure_ms;	  /* time of the last failure */
};

int store_watch_open(struct daemon *d)
{
	d->store_watch = calloc(1, sizeof(*d->store_watch));
	return d->store_watch ? 0 : -ENOMEM;
}

void store_watch_close(struct daemon *d)
{
	free(d->store_watch);
	d->store_watch = NULL;
}

static bool is_stuck(const struct writer_stats *s, int64_t now_ms)
{
	return s->busy_since_ms && now_ms - s->busy_since_ms >= STUCK_MS;
}

/* --- reports ------------------------------------------------------------------------ */

static void failing_report(struct daemon *d, const char *reason, const char *cause,
			   const char *what_now)
{
	char text[256];

	if (d->store_watch->is_failing)
		return;
	d->store_watch->is_failing = true;
	snprintf(text, sizeof(text), "cannot write the history: %.140s; %s", cause, what_now);
	log_err("%s", text);
	publish_own(d, ALERT_STORE, ALERT_RAISED, reason, text);
}

static void working_report(struct daemon *d)
{
	d->store_watch->is_failing = false;
	log_notice("writing the history works again");
	publish_own(d, ALERT_STORE, ALERT_OVER, "", "writing the history works again");
}

/* Report that the writer has created a new database, or a new write-ahead log for the database. The
 * writer has already written the uplinks to the new database. Write the live flows and the states
 * of the uplinks. */
static void renewed_report(struct daemon *d, const struct writer_stats *s)
{
	char text[256];

	snprintf(text, sizeof(text), "%s; a new %s was created", s->renewal_text,
		 s->renewal_created);
	log_err("%s", text);
	if (!d->store_watch->is_failing)
		publish_own(d, ALERT_STORE, ALERT_RAISED, s->renewal_reason, text);
	d->store_watch->is_failing = true;
	audit_write_live(d->audit);
	uplink_states_write(d);
}

/* --- checks --------------------------------------------------------------------------- */

static void failure_look(struct daemon *d, const struct writer_stats *s, int64_t now_ms)
{
	struct store_failure f = store_failure_of(s->failure, s->failure_errno);
	struct store_watch *y = d->store_watch;

	if (!y->failing_since_ms)
		y->failing_since_ms = now_ms;
	y->failure_ms = now_ms;
	if (strcmp(f.reason, "locked") || now_ms - y->failing_since_ms >= LOCKED_MS)
		failing_report(d, f.reason, f.cause, "records wait in memory");
}

static void refusal_look(struct daemon *d, const struct writer_stats *s, int64_t now_ms)
{
	char cause[160];

	d->store_watch->failure_ms = now_ms;
	snprintf(cause, sizeof(cause), "SQLite refuses records: %s", s->refusal);
	failing_report(d, "refused", cause, "the refused records are counted in a gap");
}

static void stats_look(struct daemon *d, const struct writer_stats *s, int64_t now_ms)
{
	struct store_watch *y = d->store_watch;

	if (!s->last_error)
		y->failing_since_ms = 0;
	if (s->renewals != y->renewals) {
		y->failure_ms = now_ms;
		renewed_report(d, s);
	} else if (is_stuck(s, now_ms)) {
		y->failure_ms = now_ms;
		failing_report(d, "no answer", "the disk does not answer",
			       "records wait in memory");
	} else if (s->failures != y->failures || s->last_error) {
		failure_look(d, s, now_ms);
	} else if (s->failed != y->failed) {
		refusal_look(d, s, now_ms);
	} else if (y->is_failing && now_ms - y->failure_ms >= QUIET_MS) {
		working_report(d);
	}
}

void store_watch_tick(struct daemon *d, int64_t now_ms)
{
	struct store_watch *y = d->store_watch;
	struct writer_stats s;

	if (now_ms - y->look_ms < LOOK_MS)
		return;
	y->look_ms = now_ms;
	writer_stats(d->writer, &s);
	stats_look(d, &s, now_ms);
	y->failures = s.failures;
	y->failed = s.failed;
	y->renewals = s.renewals;
}
