/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aggregation.h - which alerts are the same, and when the next of them may be told.
 * Pure: times are passed in, nothing is told from here.
 */
#ifndef WAYMARK_SRC_ALERT_AGGREGATION_H
#define WAYMARK_SRC_ALERT_AGGREGATION_H

#include <stdbool.h>

#include "waymark/alert/alert.h"

#define FOLDING_MAX 256

struct aggregation;

struct aggregation *aggregation_new(void); /* NULL with errno */
void aggregation_free(struct aggregation *f);

/* True: tell *alert now; its count says how many it stands for. False: it has been
 * folded into the others of its kind, uplinks and reason. With FOLDING_MAX kinds told
 * within the interval, those beyond are one: *alert is changed to be of it. */
bool aggregation_take(struct aggregation *f, struct alert *alert, int64_t interval_ms);

/* Nothing new, but what the alert's key stands for is not quiet. False: there is no such
 * key, nor was it taken as one of many. */
bool aggregation_keep(struct aggregation *f, const struct alert *alert);

/* The next summary that is due: the newest example with its count. is_last: due or
 * not. Its strings are valid until the next call. False: there is none. */
bool aggregation_due(struct aggregation *f, int64_t now_ms, int64_t interval_ms, bool is_last,
		     struct alert *out);

/* The next key that nothing has come of for quiet_ms: its last example, and how many
 * there were in all. It is forgotten: what comes next is the first again. False:
 * there is none. */
bool aggregation_over(struct aggregation *f, int64_t now_ms, int64_t quiet_ms, struct alert *out);

/* A key that was given up for another while alerts were folded into it: what it
 * held, to be told now. */
bool aggregation_evicted(struct aggregation *f, struct alert *out);

uint64_t aggregation_reused(const struct aggregation *f);

#endif
