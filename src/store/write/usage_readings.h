/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage_readings.h - stores the latest readings of the usage counters.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_USAGE_READINGS_H
#define WAYMARK_SRC_STORE_WRITE_USAGE_READINGS_H

#include <sqlite3.h>

#include "waymark/base/record.h"

extern const char usage_reading_sql[];

/* Save the latest reading of an uplink's counters. `s` is prepared from usage_reading_sql; `uplink`
 * is the id of the uplink's row. Return SQLite's result code. */
int usage_reading_put(sqlite3_stmt *s, int64_t uplink, const struct usage_reading *r);

#endif
