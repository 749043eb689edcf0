/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow_row.h - binds a struct flow_record to the parameters of statements, and reads it from a row
 * of table flow.
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
/* Write the end of a flow whose row is in state FLOW_LIVE. The columns of kind IDENTITY
 * (flow_columns.def) are not assigned, because SQLite would then write the row's entries in large
 * indexes again. If one of these columns has changed, the statement matches no row. In that case
 * use flow_row_update_sql. */
extern const char flow_row_end_sql[];
/* Write the end of a flow whose row is in state FLOW_CLOSED. The flow's TCP connection ended
 * earlier; its conntrack entry has ended now. If the row already has the connection's end, that end
 * stays. Like flow_row_end_sql, the statement matches no row if a column of kind IDENTITY has
 * changed. */
extern const char flow_row_closed_end_sql[];
/* Write all columns of an existing row. The row can be in any state, because evidence might arrive
 * after a flow's end. An unknown life or counter does not overwrite a known one. */
extern const char flow_row_update_sql[];
/* Read the live and closed flows, in the order of ids. */
extern const char flow_row_live_sql[];

/* Bind every column. Return SQLite's result code. */
int flow_row_bind(sqlite3_stmt *s, struct uplinks *u, const struct flow_record *f);

/* Read a row of flow_row_live_sql. */
void flow_row_read(sqlite3_stmt *s, const struct uplinks *u, struct flow_record *f);

/* Return whether `sport` and `dport` of this flow have a meaning. */
bool flow_row_has_ports(uint8_t proto, const struct endpoints *tuple);

#endif
