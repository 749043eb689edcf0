/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aggregation.h - decides which alerts are equal, and when the next equal alert may be sent. Pure:
 * callers pass in the time, and send the alerts.
 */
#ifndef WAYMARK_SRC_ALERT_AGGREGATION_H
#define WAYMARK_SRC_ALERT_AGGREGATION_H

#include <stdbool.h>

#include "waymark/alert/alert.h"

#define AGGREGATION_MAX 256

struct aggregation;

struct aggregation *aggregation_new(void); /* NULL with errno */
void aggregation_free(struct aggregation *f);

/* Return true if *alert must be sent now. Then alert->count is the number of equal alerts that this
 * message reports. Return false if *alert was only counted. If AGGREGATION_MAX different alerts
 * were sent within the interval, all others share one entry, and *alert becomes an alert about
 * them. */
bool aggregation_take(struct aggregation *f, struct alert *alert, int64_t interval_ms);

/* Note that an alert's cause persists. Return false if the table has no entry for the alert and no
 * shared entry. */
bool aggregation_keep(struct aggregation *f, const struct alert *alert);

/* Write to out one summary that is due or, if is_last is true, any pending summary. A summary
 * consists of the newest of the counted alerts and their number. The strings of out are valid until
 * the next call. Return false if there is no such summary. */
bool aggregation_due(struct aggregation *f, int64_t now_ms, int64_t interval_ms, bool is_last,
		     struct alert *out);

/* Remove one entry whose kind has lifetime ALERT_UNTIL_QUIET, if the entry has had no alert for
 * quiet_ms and has no pending summary. Write its newest alert to out, with the total number of its
 * alerts. The next equal alert gets a new entry. Return false if there is no such entry. */
bool aggregation_over(struct aggregation *f, int64_t now_ms, int64_t quiet_ms, struct alert *out);

/* Remove one entry that has the kind, uplink and object of *alert and any reason. Write its newest
 * alert to out. Call this repeatedly until it returns false. */
bool aggregation_end(struct aggregation *f, const struct alert *alert, struct alert *out);

/* If the last aggregation_take() reused an entry with alerts that were counted but not sent, write
 * their summary to out. Return false if there is none. */
bool aggregation_evicted(struct aggregation *f, struct alert *out);

uint64_t aggregation_reused(const struct aggregation *f);

#endif
