/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplinks.c - reads and writes the tables of uplinks and of interface sets, and keeps a copy of
 * both in memory.
 *
 * Knows nothing of flows. After a rollback, unload the uplinks and load them again, because the
 * copy might have rows that the tables lack.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/uplinks.h"

/* Room for all names of 15 bytes, each with a comma. */
#define NAMES_SIZE ((UPLINKS_MAX + INTERFACES_MAX) * (IFNAMSIZ + 1))

static struct uplink_row *row_at(const struct uplinks *u, uint8_t slot, int64_t flow_id)
{
	int i = slot < UPLINKS_MAX ? u->latest[slot] : -1;

	while (i >= 0 && u->rows[i].after_flow >= flow_id && u->rows[i].previous >= 0)
		i = u->rows[i].previous;
	return i < 0 ? NULL : &u->rows[i];
}

static int row_remember(struct uplinks *u, const struct uplink_row *row)
{
	struct uplink_row *rows = realloc(u->rows, (u->n_rows + 1) * sizeof(*rows));

	if (!rows)
		return SQLITE_NOMEM;
	u->rows = rows;
	rows[u->n_rows] = *row;
	rows[u->n_rows].previous = u->latest[row->is.slot];
	u->latest[row->is.slot] = (int)u->n_rows++;
	return SQLITE_OK;
}

static int ifset_remember(struct uplinks *u, int64_t id, uint64_t slots, const char *names)
{
	struct ifset_row *sets = realloc(u->ifsets, (u->n_ifsets + 1) * sizeof(*sets));

	if (!sets)
		return SQLITE_NOMEM;
	u->ifsets = sets;
	sets[u->n_ifsets] = (struct ifset_row){.id = id, .slots = slots, .names = strdup(names)};
	return sets[u->n_ifsets++].names ? SQLITE_OK : SQLITE_NOMEM;
}

static void text_copy(char *to, size_t size, sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	snprintf(to, size, "%s", text ? (const char *)text : "");
}

static int rows_load(struct uplinks *u)
{
	sqlite3_stmt *stmt = NULL;
	int rc = db_prepare(u->db, &stmt,
			    "SELECT id, slot, name, interface, mark,"
			    " after_flow, ifnull(valid_to, 0) FROM uplink ORDER BY id");

	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct uplink_row row = {
			.id = sqlite3_column_int64(stmt, 0),
			.is.slot = (uint8_t)sqlite3_column_int(stmt, 1),
			.is.mark = (uint32_t)sqlite3_column_int64(stmt, 4),
			.after_flow = sqlite3_column_int64(stmt, 5),
			.valid_to = sqlite3_column_int64(stmt, 6),
		};

		text_copy(row.is.name, sizeof(row.is.name), stmt, 2);
		text_copy(row.is.ifname, sizeof(row.is.ifname), stmt, 3);
		rc = row.is.slot < UPLINKS_MAX ? row_remember(u, &row) : SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int ifsets_load(struct uplinks *u)
{
	sqlite3_stmt *stmt = NULL;
	int rc = db_prepare(u->db, &stmt, "SELECT id, slots, names FROM ifset ORDER BY id");

	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		rc = ifset_remember(u, sqlite3_column_int64(stmt, 0),
				    (uint64_t)sqlite3_column_int64(stmt, 1),
				    (const char *)sqlite3_column_text(stmt, 2));
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int uplinks_load(struct uplinks *u, sqlite3 *db)
{
	int rc;

	*u = (struct uplinks){.db = db};
	for (int i = 0; i < UPLINKS_MAX; i++)
		u->latest[i] = -1;
	rc = rows_load(u);
	if (rc == SQLITE_OK)
		rc = ifsets_load(u);
	if (rc == SQLITE_OK)
		rc = db_prepare(db, &u->uplink_add,
				"INSERT INTO uplink (slot, name, interface,"
				" mark, after_flow, valid_from) VALUES (?, ?, ?, ?, ?, ?)");
	if (rc == SQLITE_OK)
		rc = db_prepare(db, &u->uplink_close,
				"UPDATE uplink SET valid_to = ? WHERE id = ?");
	if (rc == SQLITE_OK)
		rc = db_prepare(db, &u->ifset_add,
				"INSERT INTO ifset (id, slots, names)"
				" VALUES ((SELECT ifnull(max(id), ?1) + 1 FROM ifset"
				" WHERE (id > ?1) AND (?1 OR id < 65536)), ?2, ?3)");
	if (rc == SQLITE_OK)
		rc = db_prepare(db, &u->member_add,
				"INSERT OR IGNORE INTO ifset_member VALUES (?, ?)");
	return rc;
}

void uplinks_unload(struct uplinks *u)
{
	sqlite3_finalize(u->uplink_add);
	sqlite3_finalize(u->uplink_close);
	sqlite3_finalize(u->ifset_add);
	sqlite3_finalize(u->member_add);
	for (size_t i = 0; i < u->n_ifsets; i++)
		free(u->ifsets[i].names);
	free(u->ifsets);
	free(u->rows);
	*u = (struct uplinks){0};
}

static const struct uplink_record *record_find(const struct uplinks_record *r, uint8_t slot)
{
	for (int i = 0; i < r->n; i++)
		if (r->uplinks[i].slot == slot)
			return &r->uplinks[i];
	return NULL;
}

static bool is_same(const struct uplink_record *a, const struct uplink_record *b)
{
	return a->mark == b->mark && !strcmp(a->name, b->name) && !strcmp(a->ifname, b->ifname);
}

static int row_close(struct uplinks *u, struct uplink_row *row, int64_t time_ms)
{
	sqlite3_bind_int64(u->uplink_close, 1, time_ms);
	sqlite3_bind_int64(u->uplink_close, 2, row->id);
	row->valid_to = time_ms;
	return db_run(u->uplink_close);
}

static int row_open(struct uplinks *u, const struct uplink_record *is,
		    const struct uplinks_record *r)
{
	struct uplink_row row = {.is = *is, .after_flow = r->flow_id};
	int rc;

	sqlite3_bind_int(u->uplink_add, 1, is->slot);
	sqlite3_bind_text(u->uplink_add, 2, is->name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(u->uplink_add, 3, is->ifname, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(u->uplink_add, 4, is->mark);
	sqlite3_bind_int64(u->uplink_add, 5, r->flow_id);
	sqlite3_bind_int64(u->uplink_add, 6, r->time_ms);
	rc = db_run(u->uplink_add);
	row.id = sqlite3_last_insert_rowid(u->db);
	return rc == SQLITE_OK ? row_remember(u, &row) : rc;
}

int uplinks_apply(struct uplinks *u, const struct uplinks_record *r)
{
	int rc = SQLITE_OK;

	for (uint8_t slot = 0; rc == SQLITE_OK && slot < UPLINKS_MAX; slot++) {
		const struct uplink_record *now = record_find(r, slot);
		struct uplink_row *was = u->latest[slot] < 0 ? NULL : &u->rows[u->latest[slot]];
		bool is_valid = was && was->valid_to == 0;

		if (is_valid && now && is_same(&was->is, now))
			continue;
		if (is_valid)
			rc = row_close(u, was, r->time_ms);
		if (now && rc == SQLITE_OK)
			rc = row_open(u, now, r);
	}
	return rc;
}

int64_t uplinks_id(const struct uplinks *u, uint8_t slot, int64_t flow_id)
{
	const struct uplink_row *row = row_at(u, slot, flow_id);

	return row ? row->id : 0;
}

int64_t uplinks_id_now(const struct uplinks *u, uint8_t slot)
{
	return uplinks_id(u, slot, INT64_MAX);
}

/* Interface names, separated by commas. */
struct names {
	char text[NAMES_SIZE];
	size_t used;
	unsigned n;
};

static void name_add(struct names *names, const char *name)
{
	names->used += (size_t)snprintf(names->text + names->used, NAMES_SIZE - names->used, "%s%s",
					names->n ? "," : "", name);
	names->n++;
}

/* Write the names of a set's interfaces. First write the interfaces of uplinks in the order of
 * slots, then all other interfaces in the order of numbers. Skip slots without an uplink. Return
 * the slots that were not skipped. */
static uint64_t names_write(const struct uplinks *u, const struct ifset_key *key,
			    struct names *names)
{
	uint64_t known = 0;

	names->text[0] = '\0';
	names->used = names->n = 0;
	for (uint8_t slot = 0; slot < UPLINKS_MAX; slot++) {
		const struct uplink_row *row =
			key->slots >> slot & 1 ? row_at(u, slot, key->flow_id) : NULL;

		if (!row)
			continue;
		name_add(names, row->is.ifname);
		known |= UINT64_C(1) << slot;
	}
	for (int i = 1; i < INTERFACES_MAX && u->interfaces; i++)
		if (key->others >> i & 1)
			name_add(names, u->interfaces[i][0] ? u->interfaces[i] : "?");
	return known;
}

/* Write the interfaces of a set to their table, one per row. */
static int members_add(struct uplinks *u, int64_t id, const char *names)
{
	int rc = SQLITE_OK;

	for (const char *at = names; rc == SQLITE_OK && at;) {
		const char *end = strchr(at, ',');
		int size = end ? (int)(end - at) : (int)strlen(at);

		sqlite3_bind_int64(u->member_add, 1, id);
		sqlite3_bind_text(u->member_add, 2, at, size, SQLITE_TRANSIENT);
		rc = db_run(u->member_add);
		at = end ? end + 1 : NULL;
	}
	return rc;
}

static int ifset_add(struct uplinks *u, uint64_t slots, const struct names *names, int64_t *id)
{
	int rc;

	sqlite3_bind_int64(u->ifset_add, 1, names->n > 1 ? IFSET_SEVERAL - 1 : 0);
	sqlite3_bind_int64(u->ifset_add, 2, (int64_t)slots);
	sqlite3_bind_text(u->ifset_add, 3, names->text, -1, SQLITE_TRANSIENT);
	rc = db_run(u->ifset_add);
	*id = sqlite3_last_insert_rowid(u->db);
	if (rc == SQLITE_OK)
		rc = members_add(u, *id, names->text);
	return rc == SQLITE_OK ? ifset_remember(u, *id, slots, names->text) : rc;
}

static int ifset_find(struct uplinks *u, const struct ifset_key *key, int64_t *id)
{
	struct names names;
	uint64_t slots = names_write(u, key, &names);

	*id = 0;
	if (!names.n)
		return SQLITE_OK;
	for (size_t i = 0; i < u->n_ifsets; i++)
		if (u->ifsets[i].slots == slots && !strcmp(u->ifsets[i].names, names.text)) {
			*id = u->ifsets[i].id;
			return SQLITE_OK;
		}
	return ifset_add(u, slots, &names, id);
}

int uplinks_ifset(struct uplinks *u, const struct ifset_key *key, int64_t *id)
{
	uint64_t slots = key->slots;
	struct uplink_row *row = NULL;
	int rc;

	*id = 0;
	if (!slots && !key->others)
		return SQLITE_OK;
	/* Shortcut for a set of one uplink, because nearly every flow leaves by only one. */
	if ((slots & (slots - 1)) == 0 && slots && !key->others)
		row = row_at(u, (uint8_t)__builtin_ctzll(slots), key->flow_id);
	if (row && row->ifset) {
		*id = row->ifset;
		return SQLITE_OK;
	}
	rc = ifset_find(u, key, id);
	if (row && rc == SQLITE_OK)
		row->ifset = *id;
	return rc;
}

uint8_t uplinks_slot(const struct uplinks *u, int64_t id)
{
	for (size_t i = 0; i < u->n_rows; i++)
		if (u->rows[i].id == id)
			return u->rows[i].is.slot;
	return SLOT_NONE;
}

uint64_t uplinks_ifset_slots(const struct uplinks *u, int64_t id)
{
	for (size_t i = 0; i < u->n_ifsets; i++)
		if (u->ifsets[i].id == id)
			return u->ifsets[i].slots;
	return 0;
}
