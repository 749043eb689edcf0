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
/* Write the end of a live flow. This does not set columns of large indexes, because SQLite would
 * write their entries again. If one of these columns has changed, the statement finds no row; use
 * flow_row_update_sql then. */
extern const char flow_row_end_sql[];
/* The same for a closed flow, whose row already has the end of the TCP connection: write the end of
 * the conntrack entry. */
extern const char flow_row_closed_end_sql[];
/* Write all columns except that unknown values do not overwrite known ones: evidence may arrive
 * after a flow's end. */
extern const char flow_row_update_sql[];
/* Read the live and closed flows, in the order of ids. */
extern const char flow_row_live_sql[];

/* Bind every column. Return SQLite's result code. */
int flow_row_bind(sqlite3_stmt *s, struct uplinks *u, const struct flow_record *f);

/* Read a row of flow_row_live_sql. */
void flow_row_read(sqlite3_stmt *s, const struct uplinks *u, struct flow_record *f);

/* Return whether sport and dport have a meaning in this protocol. */
bool flow_row_has_ports(uint8_t proto, const struct endpoints *tuple);

#endif
