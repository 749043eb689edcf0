/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forget.c - deletes the data about a host. It first deletes the host's flows and postings, slice
 * by slice, and then the host's data in other tables. SQLite overwrites the freed bytes
 * (secure_delete). Live flows stay.
 */
#include "store/write/forget.h"

#include "store/db.h"
#include "store/slices.h"

/* Statements for one slice. ?1 is the slice's id. ?2 is the host's address, encoded as in table
 * flow. ?3 is the same address as text. */
#define IN_SLICE "id BETWEEN ?1 << 15 AND (?1 << 15) + 32767"
static const char *const slice_sql[] = {
	"DELETE FROM flow WHERE " IN_SLICE
	" AND state <> 0 AND ?2 IN (src, dst, ifnull(nat_src, src), ifnull(nat_dst, dst))",
	"DELETE FROM posting WHERE slice = ?1 AND side IN (0, 1) AND addr = ?3 AND NOT EXISTS"
	" (SELECT 1 FROM flow WHERE " IN_SLICE
	" AND state = 0 AND ?2 IN (src, dst, ifnull(nat_src, src), ifnull(nat_dst, dst)))",
};

/* Statements for other tables. ?1 is not bound, so it is NULL. The characters around the address in
 * a text are compared as well, so that the address does not match a part of a longer address. */
static const char *const other_sql[] = {
	"DELETE FROM mismatch WHERE ?2 IN (src, dst) AND ?1 IS NULL",
	"DELETE FROM mark_change WHERE flow_id NOT IN (SELECT id FROM flow) AND ?1 IS NULL",
	"DELETE FROM deletion WHERE flow_id NOT IN (SELECT id FROM flow) AND ?1 IS NULL",
	"DELETE FROM host_hour WHERE host = ?2 AND ?1 IS NULL",
	("DELETE FROM alert WHERE ?1 IS NULL AND"
	 " ' ' || text || ' ' GLOB '*[^0-9a-f.:]' || ?3 || '[^0-9a-f]*'"),
	("UPDATE coverage_hour SET untracked_example = NULL WHERE ?1 IS NULL AND"
	 " untracked_example || ' ' GLOB '*[^0-9a-f.:]' || ?3 || '[^0-9a-f]*'"),
	("UPDATE coverage_hour SET unasked_example = NULL WHERE ?1 IS NULL AND"
	 " unasked_example || ' ' GLOB '*[^0-9a-f.:]' || ?3 || '[^0-9a-f]*'"),
};

void forget_init(struct forget *x)
{
	atomic_init(&x->is_on, false);
	x->flow_id = 0;
}

bool forget_ask(struct forget *x, const struct addr *host)
{
	if (atomic_load(&x->is_on))
		return false;
	x->host = *host;
	x->flow_id = 0;
	atomic_store(&x->is_on, true);
	return true;
}

bool forget_has_work(struct forget *x)
{
	return atomic_load(&x->is_on);
}

static int statement_run(sqlite3 *db, const char *sql, const struct slice *slice,
			 const struct addr *host)
{
	sqlite3_stmt *stmt = NULL;
	char text[ADDR_STRLEN];
	int rc = db_prepare(db, &stmt, sql);

	if (rc == SQLITE_OK && slice)
		rc = sqlite3_bind_int64(stmt, 1, slice->id);
	if (rc == SQLITE_OK && sqlite3_bind_parameter_count(stmt) >= 2)
		rc = db_bind_addr(stmt, 2, host);
	if (rc == SQLITE_OK && sqlite3_bind_parameter_count(stmt) >= 3)
		rc = sqlite3_bind_text(stmt, 3, addr_format(host, text), -1, SQLITE_TRANSIENT);
	if (rc == SQLITE_OK)
		rc = db_run(stmt);
	sqlite3_finalize(stmt);
	return rc;
}

static int run_all(struct forget *x, struct ingest *in, const struct slice *slice,
		   const char *const *sql, size_t n)
{
	int rc = db_exec(in->db, "PRAGMA secure_delete = ON");

	if (rc == SQLITE_OK)
		rc = db_exec(in->db, "BEGIN IMMEDIATE");
	for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
		rc = statement_run(in->db, sql[i], slice, &x->host);
	if (rc == SQLITE_OK)
		rc = ingest_meta(in, "pruned_flow_id", in->last_flow_id);
	if (rc == SQLITE_OK)
		rc = db_exec(in->db, "COMMIT");
	db_exec(in->db, "PRAGMA secure_delete = OFF");
	return rc;
}

int forget_step(struct forget *x, struct ingest *in)
{
	struct slice *slice = slices_from(&in->slices, x->flow_id);
	int rc;

	if (slice) {
		x->flow_id = (slice->id + 1) << SLICE_BITS;
		in->is_torn |= in->building == slice->id;
		return run_all(x, in, slice, slice_sql, sizeof(slice_sql) / sizeof(*slice_sql));
	}
	rc = run_all(x, in, NULL, other_sql, sizeof(other_sql) / sizeof(*other_sql));
	if (rc == SQLITE_OK)
		atomic_store(&x->is_on, false);
	return rc;
}
