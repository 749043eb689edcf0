/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aggregation.h - which alerts are the same, and when the next of them may be sent.
 * Pure: times are passed in, nothing is sent from here.
 */
#ifndef WAYMARK_SRC_ALERT_AGGREGATION_H
#define WAYMARK_SRC_ALERT_AGGREGATION_H

#include <stdbool.h>

#include "waymark/alert/alert.h"

#define AGGREGATION_MAX 256

struct aggregation;

struct aggregation *aggregation_new(void); /* NULL with errno */
void aggregation_free(struct aggregation *f);

/* Return true to send *alert now; its count says how many it stands for. Return false if
 * it was aggregated into the others of its kind, uplinks and reason. With AGGREGATION_MAX
 * kinds sent within the interval, those beyond are one: *alert is changed to be of it. */
bool aggregation_take(struct aggregation *f, struct alert *alert, int64_t interval_ms);

/* Note that an alert's cause lasts. Return false if the alert has no key here and was not merged
 * into the one beyond AGGREGATION_MAX. */
bool aggregation_keep(struct aggregation *f, const struct alert *alert);

/* Return the next summary that is due: the newest example with its count; with is_last
 * also one that is not due. Its strings are valid until the next call. False: none. */
bool aggregation_due(struct aggregation *f, int64_t now_ms, int64_t interval_ms, bool is_last,
		     struct alert *out);

/* Return the next key that has been quiet for quiet_ms: its last example and the number
 * of all. It is forgotten: what comes next is new. False: none. */
bool aggregation_over(struct aggregation *f, int64_t now_ms, int64_t quiet_ms, struct alert *out);

/* Forget a lasting alert of this kind and uplink, whatever its reason, and return it.
 * Call until it returns false. */
bool aggregation_end(struct aggregation *f, const struct alert *alert, struct alert *out);

/* Return the alerts that were aggregated into a key since evicted for another key. False: none. */
bool aggregation_evicted(struct aggregation *f, struct alert *out);

uint64_t aggregation_reused(const struct aggregation *f);

#endif
