/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counters.c - builds the tables of counters.h from the rows of waymark/status/answer.def.
 */
#include "status/counters.h"

#include <stddef.h>

#include "waymark/status/answer.h"

#define ROW(part, row_type, field, row_key, ...)                                                   \
	{.key = row_key,                                                                           \
	 .type = COUNTER_##row_type,                                                               \
	 .offset = offsetof(struct part, field),                                                   \
	 __VA_ARGS__},
#define NO_METRIC .metric = NULL
#define METRIC(name, text, word, by)                                                               \
	.metric = (name), .help = (text), .kind = (word), .divisor = (by)
#define COUNTED(name, text)	METRIC(name, text, "counter", 0)
#define MEASURED(name, text)	METRIC(name, text, "gauge", 0)
#define MEASURED_MS(name, text) METRIC(name, text, "gauge", 1000)
#define SHOWN(below, text)	.heading = (below), .words = (text)

const struct counter general_counters[] = {
#define ANSWER(type, field, ...)    ROW(answer, type, field, __VA_ARGS__)
#define EVENTS(type, field, ...)    ROW(answer, type, events.field, __VA_ARGS__)
#define NFLOG(type, field, ...)	    ROW(answer, type, nflog.field, __VA_ARGS__)
#define STORE(type, field, ...)	    ROW(answer, type, store.field, __VA_ARGS__)
#define ALERTS(type, field, ...)    ROW(answer, type, alerts.field, __VA_ARGS__)
#define DELETIONS(type, field, ...) ROW(answer, type, deletions.field, __VA_ARGS__)
#include "waymark/status/answer.def"
	{.key = NULL},
};

const struct counter uplink_counters[] = {
#define UPLINK(type, field, ...) ROW(answer_uplink, type, field, __VA_ARGS__)
#include "waymark/status/answer.def"
	{.key = NULL},
};

const struct counter coverage_counters[] = {
#define COVERAGE(type, field, ...) ROW(answer_coverage, type, field, __VA_ARGS__)
#include "waymark/status/answer.def"
	{.key = NULL},
};
