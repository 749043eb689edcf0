/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow_row.h - struct flow_record to and from a row of table flow.
 */
#ifndef WAYMARK_SRC_STORE_FLOW_ROW_H
#define WAYMARK_SRC_STORE_FLOW_ROW_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/uplinks.h"
#include "waymark/base/record.h"

/* Statements whose parameters flow_row_bind() binds. */
extern const char flow_row_insert_sql[];
/* The end of a live flow, and what comes with it. Columns of large indexes are not set, for
 * SQLite would write their entries again: a row whose identity changed is not found, and is
 * written by flow_row_update_sql. */
extern const char flow_row_end_sql[];
/* The same for a closed flow: its row has the connection's end; this is the end of the entry. */
extern const char flow_row_closed_end_sql[];
/* Unknown values do not overwrite known ones: evidence may come after the end. */
extern const char flow_row_update_sql[];
/* Live and closed flows, by id. */
extern const char flow_row_live_sql[];

/* Bind every column. Return SQLite's result code. */
int flow_row_bind(sqlite3_stmt *s, struct uplinks *u, const struct flow_record *f);

/* Read a row of flow_row_live_sql. */
void flow_row_read(sqlite3_stmt *s, const struct uplinks *u, struct flow_record *f);

/* Return whether sport and dport say something of this protocol. */
bool flow_row_has_ports(uint8_t proto, const struct endpoints *tuple);

#endif
