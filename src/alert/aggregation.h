/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aggregation.h - decides which alerts are alike, and when the next of them may be sent. Pure:
 * times are passed in, nothing is sent from here.
 */
#ifndef WAYMARK_SRC_ALERT_AGGREGATION_H
#define WAYMARK_SRC_ALERT_AGGREGATION_H

#include <stdbool.h>

#include "waymark/alert/alert.h"

#define AGGREGATION_MAX 256

struct aggregation;

struct aggregation *aggregation_new(void); /* NULL with errno */
void aggregation_free(struct aggregation *f);

/* Return true if *alert must be sent now; its count is the number of alerts that it reports. Return
 * false if it was aggregated with others of its kind, uplinks and reason. If AGGREGATION_MAX
 * different alerts were sent within the interval, all further ones share one entry, and *alert is
 * changed to a text about them. */
bool aggregation_take(struct aggregation *f, struct alert *alert, int64_t interval_ms);

/* Note that an alert's cause persists. Return false if neither the alert nor the shared entry is in
 * the table. */
bool aggregation_keep(struct aggregation *f, const struct alert *alert);

/* Write to out the next summary that is due, or with is_last any summary: the newest alert and the
 * number of alerts. Its strings are valid until the next call. Return false if there is none. */
bool aggregation_due(struct aggregation *f, int64_t now_ms, int64_t interval_ms, bool is_last,
		     struct alert *out);

/* Remove the next entry without an alert for quiet_ms, and write its newest alert and the total
 * number to out. The next such alert is a new one. Return false if there is none. */
bool aggregation_over(struct aggregation *f, int64_t now_ms, int64_t quiet_ms, struct alert *out);

/* Remove a lasting alert of this kind, uplink and object, with any reason, and write it to out.
 * Call until it returns false. */
bool aggregation_end(struct aggregation *f, const struct alert *alert, struct alert *out);

/* Write to out the summary of the entry that the last aggregation_take() replaced by another.
 * Return false if there is none. */
bool aggregation_evicted(struct aggregation *f, struct alert *out);

uint64_t aggregation_reused(const struct aggregation *f);

#endif
