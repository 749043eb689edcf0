/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow_row.c - binds a struct flow_record to the parameters of statements, and reads it from a row
 * of table flow.
 *
 * Knows nothing of when rows are written.
 */
#include <netinet/in.h>
#include <string.h>

#include "store/db.h"
#include "store/flow_row.h"

enum column {
	COL_ID = 1,
#define FLOW_STORED(number, constant, ...) COL_##constant = (number),
#include "waymark/store/flow_columns.def"
};

/* --- statements ---------------------------------------------------------------------- */

/* Each macro appends one column to a list of names, values, assignments or conditions. */
#define NAME(number, column)	  ", " #column
#define VALUE(number, column)	  ", ?" #number
#define SET(number, column)	  ", " #column " = ?" #number
#define SET_KNOWN(number, column) ", " #column " = ifnull(?" #number ", " #column ")"
#define IS(number, column)	  " AND " #column " IS ?" #number

/* The SQL for a column of each kind (flow_columns.def); "": none. END_ assigns the column in the
 * statements that write a flow's end. SAME_ makes these statements match only rows in which the
 * column is unchanged. UPDATE_ assigns the column in flow_row_update_sql. */
#define END_LIFE(number, column)	""
#define END_IDENTITY(number, column)	""
#define END_STATE(number, column)	SET(number, column)
#define END_COUNTER(number, column)	SET_KNOWN(number, column)
#define SAME_LIFE(number, column)	""
#define SAME_IDENTITY(number, column)	IS(number, column)
#define SAME_STATE(number, column)	""
#define SAME_COUNTER(number, column)	""
#define UPDATE_LIFE(number, column)	""
#define UPDATE_IDENTITY(number, column) SET(number, column)
#define UPDATE_STATE(number, column)	SET(number, column)
#define UPDATE_COUNTER(number, column)	SET_KNOWN(number, column)

const char flow_row_insert_sql[] = "INSERT INTO flow (id"
#define FLOW_STORED(number, constant, column, ...) NAME(number, column)
#include "waymark/store/flow_columns.def"
				   ") VALUES (?1"
#define FLOW_STORED(number, constant, column, ...) VALUE(number, column)
#include "waymark/store/flow_columns.def"
				   ")";

const char flow_row_end_sql[] = "UPDATE flow SET life = ?3"
#define FLOW_STORED(number, constant, column, kind, ...) END_##kind(number, column)
#include "waymark/store/flow_columns.def"
				" WHERE id = ?1 AND state = 0"
#define FLOW_STORED(number, constant, column, kind, ...) SAME_##kind(number, column)
#include "waymark/store/flow_columns.def"
	;

const char flow_row_closed_end_sql[] =
	"UPDATE flow SET life = CASE typeof(life) WHEN 'integer' THEN life ELSE ?3 END"
#define FLOW_STORED(number, constant, column, kind, ...) END_##kind(number, column)
#include "waymark/store/flow_columns.def"
	" WHERE id = ?1 AND state = 3"
#define FLOW_STORED(number, constant, column, kind, ...) SAME_##kind(number, column)
#include "waymark/store/flow_columns.def"
	;

const char flow_row_update_sql[] =
	"UPDATE flow SET life = ifnull(?3, CASE typeof(life) WHEN 'integer' THEN life END)"
#define FLOW_STORED(number, constant, column, kind, ...) UPDATE_##kind(number, column)
#include "waymark/store/flow_columns.def"
	" WHERE id = ?1";

const char flow_row_live_sql[] = "SELECT id"
#define FLOW_STORED(number, constant, column, ...) NAME(number, column)
#include "waymark/store/flow_columns.def"
				 " FROM flow WHERE id IN (SELECT id FROM flow INDEXED BY flow_live"
				 " WHERE state = 0 UNION ALL SELECT id FROM flow INDEXED BY"
				 " flow_closed WHERE state = 3) ORDER BY id";

/* --- writing -------------------------------------------------------------------------- */

/* Number of bytes by which a flow's row usually grows between the flow's start and its end. The row
 * gets a life, four counters and two sets of interfaces. Column `life` of a live row reserves these
 * bytes, so that the row can be updated in place. */
#define LIVE_ROOM 14

static bool is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

bool flow_row_has_ports(uint8_t proto, const struct endpoints *tuple)
{
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_UDPLITE:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return true;
	default:
		return tuple->sport || tuple->dport;
	}
}

static void bind_life(sqlite3_stmt *s, const struct flow_record *f)
{
	if (f->state == FLOW_LIVE)
		sqlite3_bind_zeroblob(s, COL_LIFE, LIVE_ROOM);
	else if (!f->ended_ms)
		sqlite3_bind_null(s, COL_LIFE);
	else
		sqlite3_bind_int64(s, COL_LIFE, f->ended_ms - f->started_ms);
}

static void bind_side(sqlite3_stmt *s, int addr_column, int port_column, const struct addr *addr,
		      uint16_t port, bool has_port)
{
	db_bind_addr(s, addr_column, addr);
	db_bind_or_null(s, port_column, has_port ? port : -1, -1);
}

/* Bind the translated addresses and ports. The reply goes from the translated destination to the
 * translated source. For ICMP, sport is the identifier in both directions, and type and code are
 * not translated. */
static void bind_nat(sqlite3_stmt *s, const struct flow_record *f, bool has_ports)
{
	const struct endpoints *there = &f->tuple[DIR_ORIGINAL], *back = &f->tuple[DIR_REPLY];
	uint16_t sport = is_icmp(f->proto) ? back->sport : back->dport;
	uint16_t dport = is_icmp(f->proto) ? there->dport : back->sport;
	bool is_known = !addr_is_none(&back->src) && !addr_is_none(&back->dst);

	if (is_known && (!addr_is_equal(&there->src, &back->dst) || there->sport != sport))
		bind_side(s, COL_NAT_SRC, COL_NAT_SPORT, &back->dst, sport, has_ports);
	else
		bind_side(s, COL_NAT_SRC, COL_NAT_SPORT, &(struct addr){0}, 0, false);
	if (is_known && (!addr_is_equal(&there->dst, &back->src) || there->dport != dport))
		bind_side(s, COL_NAT_DST, COL_NAT_DPORT, &back->src, dport, has_ports);
	else
		bind_side(s, COL_NAT_DST, COL_NAT_DPORT, &(struct addr){0}, 0, false);
}

static void bind_counters(sqlite3_stmt *s, const struct flow_record *f)
{
	for (int i = 0; i < 4 && !f->has_counters; i++)
		sqlite3_bind_null(s, COL_PACKETS + i);
	if (!f->has_counters)
		return;
	sqlite3_bind_int64(s, COL_PACKETS, (int64_t)f->packets[DIR_ORIGINAL]);
	sqlite3_bind_int64(s, COL_BYTES, (int64_t)f->bytes[DIR_ORIGINAL]);
	sqlite3_bind_int64(s, COL_PACKETS_REPLY, (int64_t)f->packets[DIR_REPLY]);
	sqlite3_bind_int64(s, COL_BYTES_REPLY, (int64_t)f->bytes[DIR_REPLY]);
}

static int bind_ways(sqlite3_stmt *s, struct uplinks *u, const struct flow_record *f)
{
	int64_t id;
	int rc;

	db_bind_or_null(s, COL_UPLINK, uplinks_id(u, f->uplink, f->id), 0);
	db_bind_or_null(s, COL_INGRESS, uplinks_id(u, f->ingress, f->id), 0);
	for (int dir = DIR_ORIGINAL; dir <= DIR_REPLY; dir++) {
		rc = uplinks_ifset(u,
				   &(struct ifset_key){.slots = f->egress[dir],
						       .others = f->other_egress[dir],
						       .flow_id = f->id},
				   &id);
		if (rc != SQLITE_OK)
			return rc;
		db_bind_or_null(s, COL_EGRESS + dir, id, 0);
	}
	return SQLITE_OK;
}

#define NEVER INT64_MIN

static void bind_plain(sqlite3_stmt *s, const struct flow_record *f)
{
	sqlite3_bind_int64(s, COL_ID, f->id);
#define BIND_PLAIN(number, field, none) db_bind_or_null(s, number, (int64_t)f->field, none);
#define BIND_CODED(...)
#define FLOW_STORED(number, constant, column, kind, how, ...) BIND_##how(number, __VA_ARGS__)
#include "waymark/store/flow_columns.def"
}

int flow_row_bind(sqlite3_stmt *s, struct uplinks *u, const struct flow_record *f)
{
	const struct endpoints *t = &f->tuple[DIR_ORIGINAL];
	bool has_ports = flow_row_has_ports(f->proto, t);

	bind_plain(s, f);
	bind_life(s, f);
	bind_side(s, COL_SRC, COL_SPORT, &t->src, t->sport, has_ports);
	bind_side(s, COL_DST, COL_DPORT, &t->dst, t->dport, has_ports);
	bind_nat(s, f, has_ports);
	sqlite3_bind_int64(s, COL_CT_ID, (int32_t)f->ct_id);
	bind_counters(s, f);
	return bind_ways(s, u, f);
}

/* --- reading -------------------------------------------------------------------------- */

static int64_t column_number(sqlite3_stmt *s, enum column column)
{
	return sqlite3_column_int64(s, column - 1);
}

static bool column_is_null(sqlite3_stmt *s, enum column column)
{
	return sqlite3_column_type(s, column - 1) == SQLITE_NULL;
}

static void read_tuples(sqlite3_stmt *s, struct flow_record *f)
{
	struct endpoints *there = &f->tuple[DIR_ORIGINAL], *back = &f->tuple[DIR_REPLY];
	uint16_t sport, dport;

	db_column_addr(s, COL_SRC - 1, &there->src);
	db_column_addr(s, COL_DST - 1, &there->dst);
	there->sport = sport = (uint16_t)column_number(s, COL_SPORT);
	there->dport = dport = (uint16_t)column_number(s, COL_DPORT);
	back->src = there->dst;
	back->dst = there->src;
	if (!column_is_null(s, COL_NAT_SRC)) {
		db_column_addr(s, COL_NAT_SRC - 1, &back->dst);
		sport = (uint16_t)column_number(s, COL_NAT_SPORT);
	}
	if (!column_is_null(s, COL_NAT_DST)) {
		db_column_addr(s, COL_NAT_DST - 1, &back->src);
		dport = (uint16_t)column_number(s, COL_NAT_DPORT);
	}
	back->sport = is_icmp(f->proto) ? sport : dport;
	back->dport = is_icmp(f->proto) ? dport : sport;
}

static void read_counters(sqlite3_stmt *s, struct flow_record *f)
{
	f->has_counters = !column_is_null(s, COL_PACKETS);
	f->packets[DIR_ORIGINAL] = (uint64_t)column_number(s, COL_PACKETS);
	f->bytes[DIR_ORIGINAL] = (uint64_t)column_number(s, COL_BYTES);
	f->packets[DIR_REPLY] = (uint64_t)column_number(s, COL_PACKETS_REPLY);
	f->bytes[DIR_REPLY] = (uint64_t)column_number(s, COL_BYTES_REPLY);
}

static void read_plain(sqlite3_stmt *s, struct flow_record *f)
{
	f->id = column_number(s, COL_ID);
#define READ_PLAIN(constant, field, none)                                                          \
	f->field = (__typeof__(f->field))column_number(s, COL_##constant);
#define READ_CODED(...)
#define FLOW_STORED(number, constant, column, kind, how, ...) READ_##how(constant, __VA_ARGS__)
#include "waymark/store/flow_columns.def"
}

void flow_row_read(sqlite3_stmt *s, const struct uplinks *u, struct flow_record *f)
{
	memset(f, 0, sizeof(*f));
	read_plain(s, f);
	if (f->state != FLOW_LIVE && !column_is_null(s, COL_LIFE))
		f->ended_ms = f->started_ms + column_number(s, COL_LIFE);
	read_tuples(s, f);
	f->uplink = uplinks_slot(u, column_number(s, COL_UPLINK));
	f->ingress = uplinks_slot(u, column_number(s, COL_INGRESS));
	f->egress[DIR_ORIGINAL] = uplinks_ifset_slots(u, column_number(s, COL_EGRESS));
	f->egress[DIR_REPLY] = uplinks_ifset_slots(u, column_number(s, COL_EGRESS_REPLY));
	f->ct_id = (uint32_t)column_number(s, COL_CT_ID);
	read_counters(s, f);
}
