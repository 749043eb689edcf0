/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coverage_sums.h - stores coverage (struct coverage_record): adds up the intervals per hour. Also
 * saves the last counter readings, from which waymarkd continues after a restart.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_COVERAGE_SUMS_H
#define WAYMARK_SRC_STORE_WRITE_COVERAGE_SUMS_H

#include <sqlite3.h>

#include "store/uplinks.h"
#include "waymark/base/record.h"

enum coverage_statement {
	COVERAGE_ADD_HOUR,
	COVERAGE_ADD_COUNT,
	COVERAGE_GET_HOUR,
	COVERAGE_PUT_READING,
	COVERAGE_PUT_READING_COUNT,
	COVERAGE_STATEMENTS,
};
extern const char *const coverage_sql[COVERAGE_STATEMENTS];

/* Add the interval if r has one (started_ms is not 0), and save the counter reading. 'statements'
 * are prepared from coverage_sql. Set *hour_id to the id of the hour's row in table coverage_hour,
 * or to 0 if no interval was added. Return SQLite's result code. */
int coverage_put(sqlite3_stmt *const *statements, const struct uplinks *u,
		 const struct coverage_record *r, int64_t *hour_id);

#endif
