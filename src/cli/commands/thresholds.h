/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * thresholds.h - the thresholds of `waymark nagios`, parsed from text such as
 * "mismatches=1,gaps=2". The result is WARNING or CRITICAL if a measured value is equal to
 * its threshold or higher.
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

/* Thresholds by enum measure; -1: none. */
struct thresholds {
	int64_t at[MEASURES];
};

/* Set the thresholds that `text` names. The others stay as they are. Return 0 or -EINVAL. */
int thresholds_parse(struct thresholds *t, const char *text);

#endif
