/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ingest.c - writes records as rows.
 *
 * Knows nothing of batches, time or failure: it binds parameters and runs statements.
 */
#include <stdio.h>

#include "store/db.h"
#include "store/flow_row.h"
#include "store/write/ingest.h"
#include "store/write/usage_readings.h"

static const char *const statement_sql[INGEST_STATEMENTS] = {
	[PUT_FLOW_NEW] = flow_row_insert_sql,
	[PUT_FLOW_END] = flow_row_end_sql,
	[PUT_FLOW_CLOSED_END] = flow_row_closed_end_sql,
	[GET_FLOW_STATE] = "SELECT state FROM flow WHERE id = ?",
	[PUT_FLOW_AGAIN] = flow_row_update_sql,
	[PUT_MISMATCH] = "INSERT OR REPLACE INTO mismatch (id, time, flow_id, proto, src, dst,"
			 " sport, dport, direction, mark, expected, egress, reason, evidence,"
			 " packets) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_GAP] = "INSERT OR REPLACE INTO gap (id, started, ended, source, lost, reason)"
		    " VALUES (?, ?, ?, ?, ?, ?)",
	[PUT_MARK_CHANGE] = "INSERT INTO mark_change (time, flow_id, old, new)"
			    " VALUES (?, ?, ?, ?)",
	[PUT_TAMPERING] = "INSERT INTO tamper (time, what, pid, process, action)"
			  " VALUES (?, ?, ?, ?, ?)",
	[PUT_DELETION] =
		"INSERT INTO deletion (time, flow_id, mismatch_id, action) VALUES (?, ?, ?, ?)",
	[PUT_OUTBOX] = "INSERT OR REPLACE INTO outbox (id, time, line) VALUES (?, ?, ?)",
	[DROP_OUTBOX] = "DELETE FROM outbox WHERE id = ?",
	[PUT_UPLINK_STATE] = "INSERT INTO uplink_state (time, uplink, state, cause, decision,"
			     " user, process, until, addresses)"
			     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_USAGE] = "INSERT INTO usage_bin (time, uplink, bytes_sent, bytes_received,"
		      " packets_sent, packets_received, flows_started, flows_answered)"
		      " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (time, uplink) DO UPDATE SET"
		      " bytes_sent = bytes_sent + excluded.bytes_sent,"
		      " bytes_received = bytes_received + excluded.bytes_received,"
		      " packets_sent = packets_sent + excluded.packets_sent,"
		      " packets_received = packets_received + excluded.packets_received,"
		      " flows_started = flows_started + excluded.flows_started,"
		      " flows_answered = flows_answered + excluded.flows_answered",
	[GET_USAGE_ID] = "SELECT id FROM usage_bin WHERE time = ? AND uplink = ?",
	[PUT_USAGE_READING] = usage_reading_sql,
	[PUT_HEALTH] = "INSERT INTO health_sample (time, uplink, family, state, span,"
		       " flows_started, flows_answered, normal, others, began, probes,"
		       " probes_answered, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_ALERT] = "INSERT INTO alert (time, kind, severity, state, uplinks, reason, count,"
		      " text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_META] = "INSERT OR REPLACE INTO meta VALUES (?, ?)",
};

int ingest_load(struct ingest *in, struct store *st)
{
	int rc;

	*in = (struct ingest){.db = st->db, .st = st, .building = -1};
	rc = uplinks_load(&in->uplinks, st->db);
	in->uplinks.interfaces = (const char(*)[IFNAMSIZ])st->interfaces;
	if (rc == SQLITE_OK)
		rc = changes_load(&in->changes, st->db);
	if (rc == SQLITE_OK)
		rc = host_sums_load(&in->host_sums, st->db);
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
	changes_unload(&in->changes);
	host_sums_unload(&in->host_sums);
	slices_unload(&in->slices);
	*in = (struct ingest){.building = -1};
}

/* Run a statement that inserts or updates a flow's row. Set *did to whether a row was written: an
 * update does not write one if no row matches its conditions. */
static int flow_run(struct ingest *in, enum ingest_statement statement, const struct flow_record *f,
		    bool *did)
{
	sqlite3_stmt *s = in->statements[statement];
	int rc = flow_row_bind(s, &in->uplinks, f);

	if (rc == SQLITE_OK)
		rc = db_run(s);
	*did = rc == SQLITE_OK && sqlite3_changes(in->db);
	return rc;
}

static int flow_state_read(struct ingest *in, int64_t id, int *was)
{
	sqlite3_stmt *s = in->statements[GET_FLOW_STATE];
	int rc;

	sqlite3_bind_int64(s, 1, id);
	rc = sqlite3_step(s);
	*was = rc == SQLITE_ROW ? sqlite3_column_int(s, 0) : FLOW_ENDED;
	sqlite3_reset(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Update a flow's row if it exists, whatever its state. Set *did to whether it exists. Set
 * *was_live to whether its state before the update was FLOW_LIVE or FLOW_CLOSED. */
static int flow_update(struct ingest *in, const struct flow_record *f, bool *did, bool *was_live)
{
	int rc = flow_run(in, PUT_FLOW_END, f, did), was;

	*was_live = *did;
	if (rc != SQLITE_OK || *did)
		return rc;
	rc = flow_state_read(in, f->id, &was);
	*was_live = was == FLOW_LIVE || was == FLOW_CLOSED;
	if (rc == SQLITE_OK && was == FLOW_CLOSED && f->state != FLOW_LIVE)
		rc = flow_run(in, PUT_FLOW_CLOSED_END, f, did);
	return rc == SQLITE_OK && !*did ? flow_run(in, PUT_FLOW_AGAIN, f, did) : rc;
}

/* Insert a flow's row. If a flow with a higher id was written earlier, the slice may already have
 * postings, which do not list this flow. Therefore mark the slice to be indexed again. */
static int flow_insert(struct ingest *in, struct slice *slice, const struct flow_record *f)
{
	bool did;

	if (f->id <= in->last_flow_id) {
		slice->is_dirty |= slice->state != SLICE_OPEN || slice->indexed;
		slice->state = SLICE_OPEN;
		slice->indexed = 0;
		in->is_torn |= slice->id == in->building;
	} else {
		in->last_flow_id = f->id;
	}
	return flow_run(in, PUT_FLOW_NEW, f, &did);
}

/* Add an ended flow to the log of changes. If its end is written for the first time, also add the
 * flow to the sums of hosts. Do not call this function for a closed TCP flow: its counters are
 * known only when its conntrack entry is deleted. */
static int flow_ended(struct ingest *in, const struct flow_record *f, bool is_first)
{
	int rc = changes_note(&in->changes, is_first ? CHANGE_FLOW_ENDED : CHANGE_FLOW, f->id);

	if (rc == SQLITE_OK && is_first)
		rc = host_sums_add(&in->host_sums, f, uplinks_id(&in->uplinks, f->uplink, f->id));
	return rc;
}

/* Write a flow. If the flow's row exists, update the row. Otherwise insert a row. */
int ingest_flow(struct ingest *in, const struct flow_record *f)
{
	struct slice *slice = slices_get(&in->slices, f->id);
	bool did = false, was_live = false, is_new;
	int rc = SQLITE_OK;

	if (!slice)
		return SQLITE_NOMEM;
	slice_widen(slice, f->started_ms);
	if (f->id <= in->last_flow_id)
		rc = flow_update(in, f, &did, &was_live);
	is_new = !did;
	if (rc == SQLITE_OK && is_new)
		rc = flow_insert(in, slice, f);
	if (rc == SQLITE_OK && f->state != FLOW_LIVE && f->state != FLOW_CLOSED)
		rc = flow_ended(in, f, is_new || was_live);
	return rc;
}

static int run_and_note(struct ingest *in, sqlite3_stmt *s, enum change_kind kind, int64_t id)
{
	int rc = db_run(s);

	if (!id)
		id = sqlite3_last_insert_rowid(in->db);
	return rc == SQLITE_OK ? changes_note(&in->changes, kind, id) : rc;
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
	if (m->other_egress && m->other_egress < INTERFACES_MAX)
		sqlite3_bind_text(s, 12, in->st->interfaces[m->other_egress], -1, SQLITE_TRANSIENT);
	else
		db_bind_or_null(s, 12, uplinks_id_now(&in->uplinks, m->egress), 0);
	db_bind_or_null(s, 13, m->reason, REASON_NONE);
	sqlite3_bind_int(s, 14, m->evidence);
	sqlite3_bind_int64(s, 15, (int64_t)m->packets);
	if (m->id > in->last_mismatch_id)
		in->last_mismatch_id = m->id;
	return run_and_note(in, s, CHANGE_MISMATCH, m->id);
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
	return run_and_note(in, s, CHANGE_GAP, g->id);
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
	return run_and_note(in, s, CHANGE_TAMPERING, 0);
}

static int deletion_put(struct ingest *in, const struct deleted_flow_record *c)
{
	sqlite3_stmt *s = in->statements[PUT_DELETION];

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

/* Write a state of an uplink. If the slot has no uplink, write nothing. */
static int uplink_state_put(struct ingest *in, const struct uplink_state_record *u)
{
	sqlite3_stmt *s = in->statements[PUT_UPLINK_STATE];
	int64_t uplink = uplinks_id_now(&in->uplinks, u->slot);

	if (!uplink)
		return SQLITE_OK;
	sqlite3_bind_int64(s, 1, u->time_ms);
	sqlite3_bind_int64(s, 2, uplink);
	sqlite3_bind_text(s, 3, u->state, -1, SQLITE_TRANSIENT);
	db_bind_or_null(s, 4, u->cause, CAUSE_NONE);
	bind_text_or_null(s, 5, u->decision);
	bind_text_or_null(s, 6, u->user);
	bind_text_or_null(s, 7, u->process);
	db_bind_or_null(s, 8, u->until_ms, 0);
	bind_text_or_null(s, 9, u->addresses);
	return run_and_note(in, s, CHANGE_UPLINK_STATE, 0);
}

static int usage_put(struct ingest *in, const struct usage_record *u)
{
	sqlite3_stmt *s = in->statements[PUT_USAGE], *get = in->statements[GET_USAGE_ID];
	int64_t uplink = uplinks_id_now(&in->uplinks, u->slot), id = 0;
	const uint64_t counts[] = {
		u->sent.bytes,	     u->received.bytes,	     u->sent.packets,
		u->received.packets, u->flows.flows_started, u->flows.flows_answered,
	};
	int rc;

	if (!uplink)
		return SQLITE_OK;
	sqlite3_bind_int64(s, 1, u->time_ms - u->time_ms % USAGE_BIN_MS);
	sqlite3_bind_int64(s, 2, uplink);
	for (int i = 0; i < 6; i++)
		sqlite3_bind_int64(s, i + 3, (int64_t)counts[i]);
	rc = db_run(s);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(get, 1, u->time_ms - u->time_ms % USAGE_BIN_MS);
	sqlite3_bind_int64(get, 2, uplink);
	if (sqlite3_step(get) == SQLITE_ROW)
		id = sqlite3_column_int64(get, 0);
	sqlite3_reset(get);
	rc = changes_note(&in->changes, CHANGE_USAGE, id);
	if (rc == SQLITE_OK && u->reading.time_ms)
		rc = usage_reading_put(in->statements[PUT_USAGE_READING], uplink, &u->reading);
	return rc;
}

static int coverage_ingest(struct ingest *in, const struct coverage_record *r)
{
	int64_t hour_id;
	int rc = coverage_put(in->coverage, &in->uplinks, r, &hour_id);

	return rc == SQLITE_OK && hour_id ? changes_note(&in->changes, CHANGE_COVERAGE, hour_id)
					  : rc;
}

static int health_put(struct ingest *in, const struct health_record *h)
{
	sqlite3_stmt *s = in->statements[PUT_HEALTH];
	int64_t uplink = uplinks_id_now(&in->uplinks, h->slot);

	if (!uplink)
		return SQLITE_OK;
	sqlite3_bind_int64(s, 1, h->time_ms);
	sqlite3_bind_int64(s, 2, uplink);
	db_bind_or_null(s, 3, h->family, 0);
	sqlite3_bind_text(s, 4, h->state, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s, 5, h->window_ms);
	sqlite3_bind_int64(s, 6, (int64_t)h->flows.flows_started);
	sqlite3_bind_int64(s, 7, (int64_t)h->flows.flows_answered);
	db_bind_or_null(s, 8, h->normal_permille < 0 ? -1 : h->normal_permille, -1);
	db_bind_or_null(s, 9, h->others_permille < 0 ? -1 : h->others_permille, -1);
	db_bind_or_null(s, 10, h->began_ms, 0);
	db_bind_or_null(s, 11, h->probes < 0 ? -1 : h->probes, -1);
	db_bind_or_null(s, 12, h->probes_answered < 0 ? -1 : h->probes_answered, -1);
	bind_text_or_null(s, 13, h->text);
	return run_and_note(in, s, CHANGE_HEALTH, 0);
}

static int alert_put(struct ingest *in, const struct alert_record *a)
{
	sqlite3_stmt *s = in->statements[PUT_ALERT];

	sqlite3_bind_int64(s, 1, a->time_ms);
	sqlite3_bind_text(s, 2, a->kind, -1, SQLITE_TRANSIENT);
	bind_text_or_null(s, 3, a->severity);
	bind_text_or_null(s, 4, a->state);
	bind_text_or_null(s, 5, a->uplinks);
	bind_text_or_null(s, 6, a->reason);
	sqlite3_bind_int64(s, 7, (int64_t)a->count);
	bind_text_or_null(s, 8, a->text);
	return run_and_note(in, s, CHANGE_ALERT, 0);
}

static int interface_put(struct ingest *in, const struct interface_record *i)
{
	if (i->number < INTERFACES_MAX)
		snprintf(in->st->interfaces[i->number], IFNAMSIZ, "%s", i->name);
	return SQLITE_OK;
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
		return deletion_put(in, &r->deleted_flow);
	case RECORD_UPLINKS:
		return uplinks_apply(&in->uplinks, &r->uplinks);
	case RECORD_OUTBOX_ADD:
		return outbox_put(in, &r->outbox);
	case RECORD_OUTBOX_DONE:
		return outbox_drop(in, &r->outbox);
	case RECORD_COVERAGE:
		return coverage_ingest(in, r->coverage);
	case RECORD_UPLINK_STATE:
		return uplink_state_put(in, &r->uplink_state);
	case RECORD_INTERFACE:
		return interface_put(in, &r->interface);
	case RECORD_USAGE:
		return usage_put(in, &r->usage);
	case RECORD_HEALTH:
		return health_put(in, &r->health);
	case RECORD_ALERT:
		return alert_put(in, r->alert);
	}
	return SQLITE_OK;
}

int ingest_finish(struct ingest *in, int64_t now_ms)
{
	int rc = host_sums_flush(&in->host_sums);

	if (rc == SQLITE_OK)
		rc = changes_flush(&in->changes, now_ms);
	return rc == SQLITE_OK ? slices_flush(&in->slices) : rc;
}

int ingest_meta(struct ingest *in, const char *name, int64_t value)
{
	sqlite3_stmt *s = in->statements[PUT_META];

	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, value);
	return db_run(s);
}
