/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * thresholds.h - from when on a number is worth a warning, or critical: read from
 * "mismatches=1,gaps=2".
 */
#ifndef WAYMARK_SRC_CLI_COMMANDS_THRESHOLDS_H
#define WAYMARK_SRC_CLI_COMMANDS_THRESHOLDS_H

#include <stdint.h>

enum measure {
	MEASURE_MISMATCHES,
	MEASURE_UNMARKED,
	MEASURE_GAPS,
	MEASURE_QUEUE,
	MEASURE_AGE,
	MEASURES
};
extern const char *const measure_names[MEASURES];

/* By enum measure; -1: none. */
struct thresholds {
	int64_t at[MEASURES];
};

/* Overwrite the thresholds that text names. Return 0 or -EINVAL. */
int thresholds_parse(struct thresholds *t, const char *text);

#endif
