/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ingest.c - records become rows.
 *
 * Knows nothing of batches, time or failure: it binds and steps.
 */
#include "store/db.h"
#include "store/flow_row.h"
#include "store/write/ingest.h"

static const char *const statement_sql[INGEST_STATEMENTS] = {
	[PUT_FLOW_NEW] = FLOW_INSERT_SQL,
	[PUT_FLOW_AGAIN] = FLOW_UPDATE_SQL,
	[PUT_MISMATCH] = "INSERT OR REPLACE INTO mismatch (id, time, flow_id, proto, src, dst,"
			 " sport, dport, direction, mark, expected, egress, reason, evidence,"
			 " packets) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_GAP] = "INSERT OR REPLACE INTO gap (id, started, ended, source, lost, reason)"
		    " VALUES (?, ?, ?, ?, ?, ?)",
	[PUT_MARK_CHANGE] = "INSERT INTO mark_change (time, flow_id, old, new)"
			    " VALUES (?, ?, ?, ?)",
	[PUT_TAMPERING] = "INSERT INTO tamper (time, what, pid, process, action)"
			  " VALUES (?, ?, ?, ?, ?)",
	[PUT_CURE] = "INSERT INTO cure (time, flow_id, mismatch_id, action) VALUES (?, ?, ?, ?)",
	[PUT_OUTBOX] = "INSERT OR REPLACE INTO outbox (id, time, line) VALUES (?, ?, ?)",
	[DROP_OUTBOX] = "DELETE FROM outbox WHERE id = ?",
	[PUT_UPLINK_STATE] = "INSERT INTO uplink_state (time, uplink, state) VALUES (?, ?, ?)",
	[PUT_META] = "INSERT OR REPLACE INTO meta VALUES (?, ?)",
};

int ingest_load(struct ingest *in, struct store *st)
{
	int rc;

	*in = (struct ingest){.db = st->db, .building = -1};
	rc = uplinks_load(&in->uplinks, st->db);
	if (rc == SQLITE_OK)
		rc = slices_load(&in->slices, st->db);
	for (int i = 0; rc == SQLITE_OK && i < INGEST_STATEMENTS; i++)
		rc = db_prepare(st->db, &in->statements[i], statement_sql[i]);
	for (int i = 0; rc == SQLITE_OK && i < COVERAGE_STATEMENTS; i++)
		rc = db_prepare(st->db, &in->coverage[i], coverage_sql[i]);
	if (rc == SQLITE_OK)
		rc = db_integer(st->db, "SELECT max(id) FROM flow", &in->last_flow_id, 0);
	if (in->last_flow_id < st->last_flow_id)
		in->last_flow_id = st->last_flow_id;
	in->last_mismatch_id = st->last_mismatch_id;
	in->last_gap_id = st->last_gap_id;
	return rc;
}

void ingest_unload(struct ingest *in)
{
	for (int i = 0; i < INGEST_STATEMENTS; i++)
		sqlite3_finalize(in->statements[i]);
	for (int i = 0; i < COVERAGE_STATEMENTS; i++)
		sqlite3_finalize(in->coverage[i]);
	uplinks_unload(&in->uplinks);
	slices_unload(&in->slices);
	*in = (struct ingest){.building = -1};
}

/* Most flows are new or were last written not long ago; one that was never
 * written though later ones were comes late, perhaps after its slice's postings. */
int ingest_flow(struct ingest *in, const struct flow_record *f)
{
	struct slice *slice = slices_get(&in->slices, f->id);
	sqlite3_stmt *insert = in->statements[PUT_FLOW_NEW];
	sqlite3_stmt *update = in->statements[PUT_FLOW_AGAIN];
	int rc;

	if (!slice)
		return SQLITE_NOMEM;
	slice_widen(slice, f->started_ms);
	if (f->id <= in->last_flow_id) {
		rc = flow_row_bind(update, &in->uplinks, f);
		if (rc == SQLITE_OK)
			rc = db_run(update);
		if (rc != SQLITE_OK || sqlite3_changes(in->db))
			return rc;
		slice->is_dirty |= slice->state != SLICE_OPEN;
		slice->state = SLICE_OPEN;
		in->is_torn |= slice->id == in->building;
	} else {
		in->last_flow_id = f->id;
	}
	rc = flow_row_bind(insert, &in->uplinks, f);
	return rc == SQLITE_OK ? db_run(insert) : rc;
}

static int mismatch_put(struct ingest *in, const struct mismatch_record *m)
{
	sqlite3_stmt *s = in->statements[PUT_MISMATCH];
	bool has_ports = flow_row_has_ports(m->proto, &m->tuple);

	sqlite3_bind_int64(s, 1, m->id);
	sqlite3_bind_int64(s, 2, m->time_ms);
	db_bind_or_null(s, 3, m->flow_id, 0);
	sqlite3_bind_int(s, 4, m->proto);
	db_bind_addr(s, 5, &m->tuple.src);
	db_bind_addr(s, 6, &m->tuple.dst);
	db_bind_or_null(s, 7, has_ports ? m->tuple.sport : -1, -1);
	db_bind_or_null(s, 8, has_ports ? m->tuple.dport : -1, -1);
	sqlite3_bind_int(s, 9, m->direction);
	sqlite3_bind_int64(s, 10, m->mark);
	db_bind_or_null(s, 11, uplinks_id_now(&in->uplinks, m->expected), 0);
	db_bind_or_null(s, 12, uplinks_id_now(&in->uplinks, m->egress), 0);
	db_bind_or_null(s, 13, m->reason, REASON_NONE);
	sqlite3_bind_int(s, 14, m->evidence);
	sqlite3_bind_int64(s, 15, (int64_t)m->packets);
	if (m->id > in->last_mismatch_id)
		in->last_mismatch_id = m->id;
	return db_run(s);
}

static int gap_put(struct ingest *in, const struct gap_record *g)
{
	sqlite3_stmt *s = in->statements[PUT_GAP];

	sqlite3_bind_int64(s, 1, g->id);
	db_bind_or_null(s, 2, g->started_ms, 0);
	db_bind_or_null(s, 3, g->ended_ms, 0);
	sqlite3_bind_int(s, 4, g->source);
	db_bind_or_null(s, 5, g->lost, -1);
	sqlite3_bind_text(s, 6, g->reason, -1, SQLITE_TRANSIENT);
	if (g->id > in->last_gap_id)
		in->last_gap_id = g->id;
	return db_run(s);
}

static int mark_change_put(struct ingest *in, const struct mark_change_record *c)
{
	sqlite3_stmt *s = in->statements[PUT_MARK_CHANGE];

	sqlite3_bind_int64(s, 1, c->time_ms);
	sqlite3_bind_int64(s, 2, c->flow_id);
	sqlite3_bind_int64(s, 3, c->old_mark);
	sqlite3_bind_int64(s, 4, c->new_mark);
	return db_run(s);
}

static void bind_text_or_null(sqlite3_stmt *s, int index, const char *text)
{
	sqlite3_bind_text(s, index, text[0] ? text : NULL, -1, SQLITE_TRANSIENT);
}

static int tampering_put(struct ingest *in, const struct tampering_record *t)
{
	sqlite3_stmt *s = in->statements[PUT_TAMPERING];

	sqlite3_bind_int64(s, 1, t->time_ms);
	sqlite3_bind_text(s, 2, t->what, -1, SQLITE_TRANSIENT);
	db_bind_or_null(s, 3, t->pid, 0);
	bind_text_or_null(s, 4, t->process);
	bind_text_or_null(s, 5, t->action);
	return db_run(s);
}

static int cure_put(struct ingest *in, const struct deleted_flow_record *c)
{
	sqlite3_stmt *s = in->statements[PUT_CURE];

	sqlite3_bind_int64(s, 1, c->time_ms);
	sqlite3_bind_int64(s, 2, c->flow_id);
	sqlite3_bind_int64(s, 3, c->mismatch_id);
	sqlite3_bind_text(s, 4, c->action, -1, SQLITE_STATIC);
	return db_run(s);
}

static int outbox_put(struct ingest *in, const struct outbox_record *o)
{
	sqlite3_stmt *s = in->statements[PUT_OUTBOX];

	sqlite3_bind_int64(s, 1, o->id);
	sqlite3_bind_int64(s, 2, o->time_ms);
	sqlite3_bind_text(s, 3, o->line, -1, SQLITE_TRANSIENT);
	return db_run(s);
}

static int outbox_drop(struct ingest *in, const struct outbox_record *o)
{
	sqlite3_stmt *s = in->statements[DROP_OUTBOX];

	sqlite3_bind_int64(s, 1, o->id);
	return db_run(s);
}

/* Of a slot that was never heard of there is nothing to say. */
static int uplink_state_put(struct ingest *in, const struct uplink_state_record *u)
{
	sqlite3_stmt *s = in->statements[PUT_UPLINK_STATE];
	int64_t uplink = uplinks_id_now(&in->uplinks, u->slot);

	if (!uplink)
		return SQLITE_OK;
	sqlite3_bind_int64(s, 1, u->time_ms);
	sqlite3_bind_int64(s, 2, uplink);
	sqlite3_bind_text(s, 3, u->state, -1, SQLITE_TRANSIENT);
	return db_run(s);
}

int ingest_record(struct ingest *in, const struct record *r)
{
	switch (r->type) {
	case RECORD_FLOW:
		return ingest_flow(in, &r->flow);
	case RECORD_MISMATCH:
		return mismatch_put(in, &r->mismatch);
	case RECORD_GAP:
		return gap_put(in, &r->gap);
	case RECORD_MARK_CHANGE:
		return mark_change_put(in, &r->mark_change);
	case RECORD_TAMPERING:
		return tampering_put(in, &r->tampering);
	case RECORD_DELETED_FLOW:
		return cure_put(in, &r->deleted_flow);
	case RECORD_UPLINKS:
		return uplinks_apply(&in->uplinks, &r->uplinks);
	case RECORD_OUTBOX_ADD:
		return outbox_put(in, &r->outbox);
	case RECORD_OUTBOX_DONE:
		return outbox_drop(in, &r->outbox);
	case RECORD_COVERAGE:
		return coverage_put(in->coverage, &in->uplinks, r->coverage);
	case RECORD_UPLINK_STATE:
		return uplink_state_put(in, &r->uplink_state);
	case RECORD_INTERFACE:
	case RECORD_USAGE:
	case RECORD_HEALTH:
	case RECORD_ALERT:
		return SQLITE_OK;
	}
	return SQLITE_OK;
}

int ingest_meta(struct ingest *in, const char *name, int64_t value)
{
	sqlite3_stmt *s = in->statements[PUT_META];

	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, value);
	return db_run(s);
}
