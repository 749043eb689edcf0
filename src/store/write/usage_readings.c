/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage_readings.c - writes readings of the usage counters as rows and reads these rows. Also reads
 * the usage bins (the traffic per five minutes) and the last alert, which waymarkd needs after a
 * restart to continue an uplink's quota.
 *
 * Must not know what is counted, nor what a quota is.
 */
#include "store/write/usage_readings.h"

#include <stdio.h>

#include "store/db.h"
#include "store/store_internal.h"
#include "store/uplinks.h"
#include "waymark/store/store.h"

const char usage_reading_sql[] =
	"INSERT OR REPLACE INTO usage_reading (uplink, time, boot, rules, ifindex, bytes_sent,"
	" bytes_received, packets_sent, packets_received, flows_started, flows_answered)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

int usage_reading_put(sqlite3_stmt *s, int64_t uplink, const struct usage_reading *r)
{
	const uint64_t numbers[] = {
		r->boot,
		r->table,
		r->ifindex,
		r->sent.bytes,
		r->received.bytes,
		r->sent.packets,
		r->received.packets,
		r->flows.flows_started,
		r->flows.flows_answered,
	};

	sqlite3_bind_int64(s, 1, uplink);
	sqlite3_bind_int64(s, 2, r->time_ms);
	for (int i = 0; i < 9; i++)
		sqlite3_bind_int64(s, i + 3, (int64_t)numbers[i]);
	return db_run(s);
}

static uint64_t number_read(sqlite3_stmt *s, int column)
{
	return (uint64_t)sqlite3_column_int64(s, column);
}

static void reading_read(sqlite3_stmt *s, struct usage_reading *r)
{
	*r = (struct usage_reading){
		.time_ms = sqlite3_column_int64(s, 1),
		.boot = number_read(s, 2),
		.table = number_read(s, 3),
		.ifindex = (uint32_t)number_read(s, 4),
		.sent = {.bytes = number_read(s, 5), .packets = number_read(s, 7)},
		.received = {.bytes = number_read(s, 6), .packets = number_read(s, 8)},
		.flows = {number_read(s, 9), number_read(s, 10)},
	};
}

int store_each_usage_reading(struct store *st, store_usage_reading_fn *fn, void *data)
{
	struct usage_reading r;
	sqlite3_stmt *s = NULL;
	struct uplinks u;
	int rc = uplinks_load(&u, st->db);

	if (rc == SQLITE_OK)
		rc = db_prepare(st->db, &s,
				"SELECT r.uplink, r.time, r.boot, r.rules, r.ifindex, r.bytes_sent,"
				" r.bytes_received, r.packets_sent, r.packets_received,"
				" r.flows_started, r.flows_answered"
				" FROM usage_reading r JOIN uplink u ON u.id = r.uplink"
				" WHERE u.valid_to IS NULL");
	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		reading_read(s, &r);
		fn(data, uplinks_slot(&u, sqlite3_column_int64(s, 0)), &r);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(s);
	uplinks_unload(&u);
	return rc == SQLITE_DONE ? 0 : db_errno(rc);
}

int store_each_usage(struct store *st, const char *uplink, int64_t since_ms, store_usage_fn *fn,
		     void *data)
{
	sqlite3_stmt *s = NULL;
	int rc = db_prepare(st->db, &s,
			    "SELECT b.time, b.bytes_sent + b.bytes_received FROM usage_bin b"
			    " JOIN uplink u ON u.id = b.uplink WHERE u.name = ? AND b.time >= ?");

	if (rc != SQLITE_OK)
		return db_errno(rc);
	sqlite3_bind_text(s, 1, uplink, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, since_ms);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		fn(data, sqlite3_column_int64(s, 0), number_read(s, 1));
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : db_errno(rc);
}

int store_last_alert(struct store *st, const char *kind, const char *uplinks,
		     struct alert_record *out)
{
	sqlite3_stmt *s = NULL;
	int rc = db_prepare(st->db, &s,
			    "SELECT time, ifnull(state, ''), ifnull(reason, '') FROM alert"
			    " WHERE kind = ? AND uplinks = ? ORDER BY id DESC LIMIT 1");

	*out = (struct alert_record){0};
	if (rc != SQLITE_OK)
		return db_errno(rc);
	sqlite3_bind_text(s, 1, kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, uplinks, -1, SQLITE_STATIC);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		out->time_ms = sqlite3_column_int64(s, 0);
		snprintf(out->state, sizeof(out->state), "%s", sqlite3_column_text(s, 1));
		snprintf(out->reason, sizeof(out->reason), "%s", sqlite3_column_text(s, 2));
	}
	sqlite3_finalize(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_errno(rc);
}
