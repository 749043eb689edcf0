/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * indexer.c - makes the postings of full slices. A slice's flows are read back
 * (they are still cached), their addresses sorted in memory and written in order
 * behind all earlier ones: no page is touched twice.
 *
 * Knows nothing of when there is time for it.
 */
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/write/indexer.h"

/* Flows read, or postings written, in one step. */
#define STEP_READ  4096
#define STEP_WRITE 4096

/* Bytes of side and address. */
#define ADDRESS6_KEY 17

/* Columns 1 and 2 are of the source, 3 and 4 of the destination. */
#define READ_SQL "SELECT id, src, nat_src, dst, nat_dst FROM flow WHERE id BETWEEN ? AND ?"

void indexer_init(struct indexer *x)
{
	*x = (struct indexer){.slice = -1};
}

void indexer_reset(struct indexer *x)
{
	free(x->list4);
	free(x->list6);
	indexer_init(x);
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

bool indexer_has_work(const struct indexer *x, const struct ingest *in)
{
	return x->slice >= 0 || slice_find(in) >= 0;
}

static void *list_grow(void *list, size_t size, size_t n, size_t *capacity)
{
	void *grown;

	if (n < *capacity)
		return list;
	grown = realloc(list, (*capacity ? 2 * *capacity : SLICE_FLOWS) * size);
	if (grown)
		*capacity = *capacity ? 2 * *capacity : SLICE_FLOWS;
	return grown;
}

static int address4_add(struct indexer *x, enum posting_side side, int64_t addr, uint16_t low)
{
	uint64_t *list = list_grow(x->list4, sizeof(*list), x->n4, &x->capacity4);

	if (!list)
		return SQLITE_NOMEM;
	x->list4 = list;
	list[x->n4++] = (uint64_t)side << 48 |
			(uint64_t)((uint32_t)addr ^ UINT32_C(0x80000000)) << 16 | low;
	return SQLITE_OK;
}

static int address6_add(struct indexer *x, enum posting_side side, const struct addr *addr,
			uint16_t low)
{
	struct address6 *list = list_grow(x->list6, sizeof(*list), x->n6, &x->capacity6);

	if (!list)
		return SQLITE_NOMEM;
	x->list6 = list;
	list[x->n6].side = (uint8_t)side;
	memcpy(list[x->n6].bytes, addr->bytes, sizeof(list->bytes));
	list[x->n6++].low = low;
	return SQLITE_OK;
}

static int address_add(struct indexer *x, sqlite3_stmt *stmt, int column, uint16_t low)
{
	enum posting_side side = column <= 2 ? SIDE_SRC : SIDE_DST;
	struct addr addr;

	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_INTEGER:
		return address4_add(x, side, sqlite3_column_int64(stmt, column), low);
	case SQLITE_TEXT:
		db_column_addr(stmt, column, &addr);
		return addr.family == AF_INET6 ? address6_add(x, side, &addr, low) : SQLITE_OK;
	default:
		return SQLITE_OK;
	}
}

static int compare4(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int compare6(const void *a, const void *b)
{
	const struct address6 *x = a, *y = b;
	int order = memcmp(x, y, ADDRESS6_KEY);

	return order ? order : (int)x->low - (int)y->low;
}

static int read_step(struct indexer *x, struct ingest *in)
{
	int64_t end = ((x->slice + 1) << SLICE_BITS) - 1;
	int64_t last = x->next_id + STEP_READ - 1 < end ? x->next_id + STEP_READ - 1 : end;
	sqlite3_stmt *stmt = NULL;
	int rc = db_prepare(in->db, &stmt, READ_SQL);

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
	x->is_read = last == end;
	if (x->is_read && x->n4)
		qsort(x->list4, x->n4, sizeof(*x->list4), compare4);
	if (x->is_read && x->n6)
		qsort(x->list6, x->n6, sizeof(*x->list6), compare6);
	return SQLITE_OK;
}

/* The ids that share one address. */
struct run {
	uint8_t list[SLICE_BITMAP_BYTES];
	uint8_t bitmap[SLICE_BITMAP_BYTES];
	uint32_t n;
	uint16_t last;
};

static void run_add(struct run *run, uint16_t low)
{
	if (run->n && run->last == low)
		return;
	if (run->n < SLICE_BITMAP_BYTES / 2) {
		run->list[2 * run->n] = (uint8_t)low;
		run->list[2 * run->n + 1] = (uint8_t)(low >> 8);
	}
	run->bitmap[low >> 3] |= (uint8_t)(1 << (low & 7));
	run->last = low;
	run->n++;
}

static int run_bind(const struct run *run, sqlite3_stmt *stmt, int index)
{
	if (run->n < SLICE_BITMAP_BYTES / 2)
		return sqlite3_bind_blob(stmt, index, run->list, 2 * (int)run->n, SQLITE_STATIC);
	return sqlite3_bind_blob(stmt, index, run->bitmap, SLICE_BITMAP_BYTES, SQLITE_STATIC);
}

static void run_clear(struct run *run)
{
	for (uint32_t i = 0; i < run->n && run->n < SLICE_BITMAP_BYTES / 2; i++)
		run->bitmap[(run->list[2 * i] | run->list[2 * i + 1] << 8) >> 3] = 0;
	if (run->n >= SLICE_BITMAP_BYTES / 2)
		memset(run->bitmap, 0, sizeof(run->bitmap));
	run->n = 0;
}

static int run4_write(struct indexer *x, struct run *run, sqlite3_stmt *stmt)
{
	uint64_t key = x->list4[x->at4] >> 16;
	int rc;

	while (x->at4 < x->n4 && x->list4[x->at4] >> 16 == key)
		run_add(run, (uint16_t)x->list4[x->at4++]);
	sqlite3_bind_int(stmt, 2, (int)(key >> 32));
	sqlite3_bind_int64(stmt, 3, (int32_t)((uint32_t)key ^ UINT32_C(0x80000000)));
	run_bind(run, stmt, 4);
	rc = db_run(stmt);
	run_clear(run);
	return rc;
}

static int run6_write(struct indexer *x, struct run *run, sqlite3_stmt *stmt)
{
	const struct address6 *first = &x->list6[x->at6];
	int rc;

	while (x->at6 < x->n6 && !memcmp(&x->list6[x->at6], first, ADDRESS6_KEY))
		run_add(run, x->list6[x->at6++].low);
	sqlite3_bind_int(stmt, 2, first->side);
	sqlite3_bind_blob(stmt, 3, first->bytes, sizeof(first->bytes), SQLITE_STATIC);
	run_bind(run, stmt, 4);
	rc = db_run(stmt);
	run_clear(run);
	return rc;
}

/* What is left of an earlier attempt at this slice goes first. */
static int leftovers_delete(struct indexer *x, struct ingest *in)
{
	if (x->at4 || x->at6)
		return SQLITE_OK;
	return db_run_numbers(in->db, "DELETE FROM posting WHERE slice = ?", 1,
			      (int64_t[]){x->slice});
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
	for (int i = 0; rc == SQLITE_OK && i < STEP_WRITE; i++) {
		if (x->at4 < x->n4)
			rc = run4_write(x, run, stmt);
		else if (x->at6 < x->n6)
			rc = run6_write(x, run, stmt);
		else
			break;
	}
	sqlite3_finalize(stmt);
	free(run);
	return rc;
}

static int slice_finish(struct indexer *x, struct ingest *in)
{
	struct slice *slice = slices_get(&in->slices, x->slice << SLICE_BITS);

	if (!slice)
		return SQLITE_NOMEM;
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
	is_done = x->at4 == x->n4 && x->at6 == x->n6;
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
	if (x->slice < 0) {
		x->slice = slice_find(in);
		x->next_id = x->slice << SLICE_BITS;
	}
	in->building = x->slice;
	if (x->slice < 0)
		return SQLITE_OK;
	rc = x->is_read ? write_step(x, in) : read_step(x, in);
	in->building = x->slice;
	return rc;
}
