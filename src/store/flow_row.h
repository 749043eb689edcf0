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

/* ?1 is the id, the others follow in the order of these columns. */
#define FLOW_COLUMNS                                                                               \
	"id, started, life, state, verdict, reason, proto, src, dst, sport, dport,"                \
	" nat_src, nat_dst, nat_sport, nat_dport, uplink, ingress, egress, egress_reply,"          \
	" mark, zone, ct_id, packets, bytes, packets_reply, bytes_reply"
#define FLOW_INSERT_SQL                                                                            \
	"INSERT INTO flow (" FLOW_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"          \
	" ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25,"         \
	" ?26)"
/* The end of a live flow, and what comes with it. Columns of large indexes are not
 * named, for SQLite would write their entries again; a flow whose start or translation
 * changed is written by FLOW_UPDATE_SQL. */
#define FLOW_END_SQL                                                                               \
	"UPDATE flow SET life = ?3," FLOW_END_SET " WHERE id = ?1 AND state = 0" FLOW_END_WHERE
#define FLOW_END_SET                                                                               \
	" state = ?4, verdict = ?5, reason = ?6, uplink = ?16,"                                    \
	" ingress = ?17, egress = ?18, egress_reply = ?19, mark = ?20,"                            \
	" packets = ifnull(?23, packets), bytes = ifnull(?24, bytes),"                             \
	" packets_reply = ifnull(?25, packets_reply),"                                             \
	" bytes_reply = ifnull(?26, bytes_reply)"
#define FLOW_END_WHERE                                                                             \
	" AND started IS ?2 AND sport IS ?10 AND nat_src IS ?12"                                   \
	" AND nat_dst IS ?13 AND nat_sport IS ?14 AND nat_dport IS ?15 AND proto = ?7"             \
	" AND src IS ?8 AND dst IS ?9 AND dport IS ?11 AND zone IS ?21 AND ct_id IS ?22"
/* The same of a closed flow: its row has the end of the connection, this is the entry's. */
#define FLOW_CLOSED_END_SQL                                                                        \
	"UPDATE flow SET life = CASE typeof(life) WHEN 'integer' THEN life ELSE ?3 "               \
	"END," FLOW_END_SET " WHERE id = ?1 AND state = 3" FLOW_END_WHERE
/* Unknown values do not overwrite known ones: evidence may come after the end. */
#define FLOW_UPDATE_SQL                                                                            \
	"UPDATE flow SET started = ?2,"                                                            \
	" life = ifnull(?3, CASE typeof(life) WHEN 'integer' THEN life END),"                      \
	" state = ?4, verdict = ?5, reason = ?6,"                                                  \
	" proto = ?7, src = ?8, dst = ?9, sport = ?10, dport = ?11, nat_src = ?12,"                \
	" nat_dst = ?13, nat_sport = ?14, nat_dport = ?15, uplink = ?16, ingress = ?17,"           \
	" egress = ?18, egress_reply = ?19, mark = ?20, zone = ?21, ct_id = ?22,"                  \
	" packets = ifnull(?23, packets), bytes = ifnull(?24, bytes),"                             \
	" packets_reply = ifnull(?25, packets_reply),"                                             \
	" bytes_reply = ifnull(?26, bytes_reply)"                                                  \
	" WHERE id = ?1"

/* Binds every column. SQLite's code. */
int flow_row_bind(sqlite3_stmt *s, struct uplinks *u, const struct flow_record *f);

/* Reads a row that was selected as FLOW_COLUMNS. */
void flow_row_read(sqlite3_stmt *s, const struct uplinks *u, struct flow_record *f);

/* Whether sport and dport say something of this protocol. */
bool flow_row_has_ports(uint8_t proto, const struct endpoints *tuple);

#endif
