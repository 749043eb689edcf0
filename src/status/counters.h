/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counters.h - the rows of waymark/status/answer.def, for encoder, parser and metrics.
 */
#ifndef WAYMARK_SRC_STATUS_COUNTERS_H
#define WAYMARK_SRC_STATUS_COUNTERS_H

#include <stddef.h>

enum counter_type {
	COUNTER_INTEGER,
	COUNTER_OPTIONAL, /* an integer; below 0: unknown, null in JSON, absent as a metric */
	COUNTER_REAL,	  /* below 0: unknown, as COUNTER_OPTIONAL */
	COUNTER_BOOLEAN,
	COUNTER_TEXT, /* NULL: null in JSON */
};

struct counter {
	const char *key; /* in JSON; "store.depth": depth of the object store */
	enum counter_type type;
	size_t offset;	    /* of the field */
	const char *metric; /* without its prefix; NULL: no metric */
	const char *kind;   /* "counter", "gauge" */
	const char *help;
	double divisor;	     /* 0: none; 1000: milliseconds that are shown in seconds */
	const char *heading; /* of `waymark status`, below which words follow the number; NULL */
	const char *words;
};

/* Each ends with a NULL key. */
extern const struct counter general_counters[];	 /* of struct answer */
extern const struct counter uplink_counters[];	 /* of struct answer_uplink */
extern const struct counter coverage_counters[]; /* of struct answer_coverage */

#endif
