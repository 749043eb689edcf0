/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aggregation.h - decides which alerts are equal, and when the next equal alert is to be sent.
 * Pure: callers pass in the time, and send the alerts.
 */
#ifndef WAYMARK_SRC_ALERT_AGGREGATION_H
#define WAYMARK_SRC_ALERT_AGGREGATION_H

#include <stdbool.h>

#include "waymark/alert/alert.h"

#define AGGREGATION_MAX 256

struct aggregation;

struct aggregation *aggregation_new(void); /* NULL with errno */
void aggregation_free(struct aggregation *f);

/* Count an alert. If it must be sent now, set alert->count to the number of equal alerts that the
 * message reports, and return true. Otherwise return false; a summary reports the alert later. If
 * AGGREGATION_MAX different alerts were sent within the interval, all other alerts share one entry,
 * and *alert is changed to an alert about all of these. */
bool aggregation_take(struct aggregation *f, struct alert *alert, int64_t interval_ms);

/* Keep an alert from ending in aggregation_over(), because its cause persists. Return false if the
 * table has no entry for the alert and no shared entry. */
bool aggregation_keep(struct aggregation *f, const struct alert *alert);

/* Find an entry with alerts that were only counted, and whose last message was sent at least
 * interval_ms ago. If is_last is true, ignore the interval. Write a summary to *out: the newest of
 * these alerts and their number. Its strings are valid until the next call. Return false if no
 * such entry exists. */
bool aggregation_due(struct aggregation *f, int64_t now_ms, int64_t interval_ms, bool is_last,
		     struct alert *out);

/* End one alert that is over: remove an entry whose kind has lifetime ALERT_UNTIL_QUIET, which has
 * had no alert for quiet_ms and has no pending summary. Write its newest alert to *out, with the
 * total number of its alerts. The next equal alert gets a new entry. Return false if no such entry
 * exists. */
bool aggregation_over(struct aggregation *f, int64_t now_ms, int64_t quiet_ms, struct alert *out);

/* Remove one entry that has the kind, uplink and object of *alert; its reason can differ. Write its
 * newest alert to *out and return true. Return false if no such entry exists; call this repeatedly
 * until then. */
bool aggregation_end(struct aggregation *f, const struct alert *alert, struct alert *out);

/* The last aggregation_take() may have reused an entry whose former alerts were counted, but not
 * sent. If so, write the summary of the former alerts to *out and return true. Otherwise return
 * false. */
bool aggregation_evicted(struct aggregation *f, struct alert *out);

/* Return how many times an entry was reused because the table was full. */
uint64_t aggregation_reused(const struct aggregation *f);

#endif
