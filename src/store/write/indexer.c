/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * indexer.c - builds the postings of slices. It reads a slice's flows (which are usually still
 * cached), sorts their addresses in memory, and writes the postings in the order of the table's
 * key. Therefore no page of the table is written twice for one slice. Full slices are indexed
 * first. The newest slice still grows, and is indexed again and again when there is nothing else to
 * do.
 *
 * The caller decides when a step runs.
 */
#include <sys/socket.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/write/indexer.h"

#include "waymark/base/sort.h"

/* Maximum number of flows that one step reads, and of postings that one step writes. */
#define STEP_READ  4096
#define STEP_WRITE 4096
/* The newest slice is indexed again after it has grown by PARTLY_FLOWS flows, but at most once in
 * PARTLY_INTERVAL_MS. */
#define PARTLY_FLOWS	   1024
#define PARTLY_INTERVAL_MS 10000

/* Size of the part of struct address that identifies an address: `side`, `family` and `key`. */
#define ADDRESS_KEY offsetof(struct address, low)

/* In SQLite's numbering from 0, columns 1 and 2 are source addresses, and columns 3 and 4 are
 * destination addresses. */
#define READ_SQL "SELECT id, src, nat_src, dst, nat_dst FROM flow WHERE id BETWEEN ? AND ?"

void indexer_init(struct indexer *x)
{
	*x = (struct indexer){.slice = -1};
}

void indexer_reset(struct indexer *x)
{
	int64_t after_ms = x->partly_after_ms;

	free(x->list);
	indexer_init(x);
	x->partly_after_ms = after_ms;
}

static int64_t slice_find(const struct ingest *in)
{
	const struct slices *s = &in->slices;

	for (size_t i = s->n; i-- > 0;)
		if (s->list[i].state == SLICE_OPEN &&
		    s->list[i].id < in->last_flow_id >> SLICE_BITS)
			return s->list[i].id;
	return -1;
}

static void begin(struct indexer *x, int64_t slice, int64_t last_id)
{
	x->slice = slice;
	x->next_id = slice << SLICE_BITS;
	x->last_id = last_id;
}

bool indexer_has_work(const struct indexer *x, const struct ingest *in)
{
	return x->slice >= 0 || slice_find(in) >= 0;
}

bool indexer_begin_newest(struct indexer *x, const struct ingest *in, int64_t now_ms)
{
	const struct slices *s = &in->slices;
	const struct slice *newest = s->n ? &s->list[s->n - 1] : NULL;
	int64_t low = in->last_flow_id & (SLICE_FLOWS - 1);

	if (x->slice >= 0 || !newest || newest->state != SLICE_OPEN ||
	    newest->id != in->last_flow_id >> SLICE_BITS || now_ms < x->partly_after_ms ||
	    low + 1 - newest->indexed < PARTLY_FLOWS)
		return false;
	x->partly_after_ms = now_ms + PARTLY_INTERVAL_MS;
	begin(x, newest->id, in->last_flow_id);
	return true;
}

/* The values of an octet, sorted as text: 0, 1, 10, 100, 101, ... rank[] is the position of a value
 * in this order. of_rank[] is the value at a position. */
static struct {
	uint8_t rank[256], of_rank[256];
	bool is_made;
} octets;

static int octet_compare(const void *a, const void *b)
{
	char x[4], y[4];

	snprintf(x, sizeof(x), "%hhu", *(const uint8_t *)a);
	snprintf(y, sizeof(y), "%hhu", *(const uint8_t *)b);
	return strcmp(x, y);
}

static void octets_make(void)
{
	if (octets.is_made)
		return;
	for (int i = 0; i < 256; i++)
		octets.of_rank[i] = (uint8_t)i;
	list_sort(octets.of_rank, 256, 1, octet_compare);
	for (int i = 0; i < 256; i++)
		octets.rank[octets.of_rank[i]] = (uint8_t)i;
	octets.is_made = true;
}

static int list_grow(struct indexer *x)
{
	size_t capacity = x->capacity ? 2 * x->capacity : SLICE_FLOWS;
	struct address *grown;

	if (x->n < x->capacity)
		return SQLITE_OK;
	grown = realloc(x->list, capacity * sizeof(*grown));
	if (!grown)
		return SQLITE_NOMEM;
	x->list = grown;
	x->capacity = capacity;
	return SQLITE_OK;
}

static int address_add(struct indexer *x, sqlite3_stmt *stmt, int column, uint16_t low)
{
	struct addr addr;
	struct address *a;

	if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
		return SQLITE_OK;
	db_column_addr(stmt, column, &addr);
	if (addr_is_none(&addr))
		return SQLITE_OK;
	if (list_grow(x) != SQLITE_OK)
		return SQLITE_NOMEM;
	a = &x->list[x->n++];
	*a = (struct address){.side = column <= 2 ? SIDE_SRC : SIDE_DST,
			      .family = addr.family == AF_INET ? 4 : 6,
			      .low = low};
	if (addr.family == AF_INET6)
		addr_format(&addr, a->key);
	for (int i = 0; addr.family == AF_INET && i < 4; i++)
		a->key[i] = (char)octets.rank[addr.bytes[i]];
	return SQLITE_OK;
}

static int address_compare(const void *a, const void *b)
{
	const struct address *x = a, *y = b;
	int order = memcmp(x, y, ADDRESS_KEY);

	return order ? order : (int)x->low - (int)y->low;
}

static int read_step(struct indexer *x, struct ingest *in)
{
	int64_t last = x->next_id + STEP_READ - 1;
	sqlite3_stmt *stmt = NULL;
	int rc = db_prepare(in->db, &stmt, READ_SQL);

	octets_make();
	if (last > x->last_id)
		last = x->last_id;
	sqlite3_bind_int64(stmt, 1, x->next_id);
	sqlite3_bind_int64(stmt, 2, last);
	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		uint16_t low = (uint16_t)(sqlite3_column_int64(stmt, 0) & (SLICE_FLOWS - 1));

		rc = SQLITE_OK;
		for (int column = 1; rc == SQLITE_OK && column <= 4; column++)
			rc = address_add(x, stmt, column, low);
	}
	sqlite3_finalize(stmt);
	if (rc != SQLITE_DONE)
		return rc;
	x->next_id = last + 1;
	x->is_read = last == x->last_id;
	if (x->is_read && x->n)
		list_sort(x->list, x->n, sizeof(*x->list), address_compare);
	return SQLITE_OK;
}

/* The flows of the slice that have the same address on the same side. */
struct run {
	uint8_t ids[2 * POSTING_DENSE];
	uint32_t n;
	uint16_t last;
};

static void run_add(struct run *run, uint16_t low)
{
	if (run->n && run->last == low)
		return;
	if (run->n < POSTING_DENSE) {
		run->ids[2 * run->n] = (uint8_t)(low / POSTING_BASE + 1);
		run->ids[2 * run->n + 1] = (uint8_t)(low % POSTING_BASE + 1);
	}
	run->last = low;
	run->n++;
}

static const char *address_text(const struct address *a, char text[ADDR_STRLEN])
{
	uint8_t bytes[4];
	struct addr addr;

	if (a->family == 6)
		return a->key;
	for (int i = 0; i < 4; i++)
		bytes[i] = octets.of_rank[(uint8_t)a->key[i]];
	addr_set(&addr, AF_INET, bytes);
	return addr_format(&addr, text);
}

static int run_write(struct indexer *x, struct run *run, sqlite3_stmt *stmt)
{
	const struct address *first = &x->list[x->at];
	char text[ADDR_STRLEN];

	run->n = 0;
	while (x->at < x->n && !memcmp(&x->list[x->at], first, ADDRESS_KEY))
		run_add(run, x->list[x->at++].low);
	sqlite3_bind_int(stmt, 2, first->side);
	sqlite3_bind_text(stmt, 3, address_text(first, text), -1, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 4, run->ids, run->n < POSTING_DENSE ? 2 * (int)run->n : 0,
			  SQLITE_STATIC);
	return db_run(stmt);
}

/* Delete the postings that the slice has from earlier, before its first new posting is written.
 * Also mark the slice as not indexed, so that no reader relies on its postings. */
static int leftovers_delete(struct indexer *x, struct ingest *in)
{
	struct slice *slice = slices_get(&in->slices, x->slice << SLICE_BITS);
	int rc = SQLITE_OK;

	if (x->at)
		return SQLITE_OK;
	if (!slice)
		return SQLITE_NOMEM;
	if (slice->indexed) {
		slice->indexed = 0;
		slice->is_dirty = true;
		rc = slices_flush(&in->slices);
	}
	if (rc == SQLITE_OK)
		rc = db_run_numbers(in->db, "DELETE FROM posting WHERE slice = ?", 1,
				    (int64_t[]){x->slice});
	return rc;
}

static int postings_write(struct indexer *x, struct ingest *in)
{
	struct run *run = calloc(1, sizeof(*run));
	sqlite3_stmt *stmt = NULL;
	int rc = leftovers_delete(x, in);

	if (rc == SQLITE_OK)
		rc = run ? db_prepare(in->db, &stmt, "INSERT INTO posting VALUES (?, ?, ?, ?)")
			 : SQLITE_NOMEM;
	if (rc == SQLITE_OK)
		sqlite3_bind_int64(stmt, 1, x->slice);
	for (int i = 0; rc == SQLITE_OK && i < STEP_WRITE && x->at < x->n; i++)
		rc = run_write(x, run, stmt);
	sqlite3_finalize(stmt);
	free(run);
	return rc;
}

static int slice_finish(struct indexer *x, struct ingest *in)
{
	struct slice *slice = slices_get(&in->slices, x->slice << SLICE_BITS);

	if (!slice)
		return SQLITE_NOMEM;
	slice->indexed = (uint16_t)((x->last_id & (SLICE_FLOWS - 1)) + 1);
	if (slice->indexed == SLICE_FLOWS)
		slice->state = SLICE_INDEXED;
	slice->is_dirty = true;
	return slices_flush(&in->slices);
}

static int write_step(struct indexer *x, struct ingest *in)
{
	bool is_done = false;
	int rc = db_exec(in->db, "BEGIN IMMEDIATE");

	if (rc == SQLITE_OK)
		rc = postings_write(x, in);
	is_done = x->at == x->n;
	if (rc == SQLITE_OK && is_done)
		rc = slice_finish(x, in);
	if (rc == SQLITE_OK)
		rc = db_exec(in->db, "COMMIT");
	if (rc == SQLITE_OK && is_done)
		indexer_reset(x);
	return rc;
}

int indexer_step(struct indexer *x, struct ingest *in)
{
	int rc;

	if (in->is_torn)
		indexer_reset(x);
	in->is_torn = false;
	if (x->slice < 0 && slice_find(in) >= 0)
		begin(x, slice_find(in), ((slice_find(in) + 1) << SLICE_BITS) - 1);
	in->building = x->slice;
	if (x->slice < 0)
		return SQLITE_OK;
	rc = x->is_read ? write_step(x, in) : read_step(x, in);
	in->building = x->slice;
	return rc;
}
