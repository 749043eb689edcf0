/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counters.h - tables that are built from the rows of waymark/status/answer.def. The encoder, the
 * parser and the metrics use them.
 */
#ifndef WAYMARK_SRC_STATUS_COUNTERS_H
#define WAYMARK_SRC_STATUS_COUNTERS_H

#include <stddef.h>

enum counter_type {
	COUNTER_INTEGER,
	/* an integer; a value below 0 means unknown: it is null in JSON and missing in the
	 * metrics */
	COUNTER_OPTIONAL,
	COUNTER_REAL, /* below 0: unknown, like COUNTER_OPTIONAL */
	COUNTER_BOOLEAN,
	COUNTER_TEXT, /* NULL: null in JSON */
};

struct counter {
	const char *key; /* path in JSON: "store.depth" is the member depth of the object store */
	enum counter_type type;
	size_t offset;	    /* of the field in its struct */
	const char *metric; /* name without the prefix "waymark_"; NULL: no metric */
	const char *kind;   /* type in Prometheus: "counter" or "gauge" */
	const char *help;
	double divisor; /* 0: none; 1000: turns milliseconds into seconds */
	/* heading below which `waymark status` shows the number and then `words`; NULL: not
	 * shown */
	const char *heading;
	const char *words;
};

/* The last row of each table has a NULL key. */
extern const struct counter general_counters[];	 /* of struct answer */
extern const struct counter uplink_counters[];	 /* of struct answer_uplink */
extern const struct counter coverage_counters[]; /* of struct answer_coverage */

#endif
