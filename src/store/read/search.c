/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * search.c - finds flows slice by slice, newest first. The times of a slice show whether the slice
 * can contain a match. The postings of a slice (slices.h) show which of its flows can match. Flows
 * that the postings do not cover yet are all read. Each candidate is then tested against the whole
 * filter.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/write/indexer.h"
#include "store/read/query_internal.h"
#include "store/slices.h"

struct bitmap {
	uint8_t bytes[SLICE_BITMAP_BYTES];
};

struct search {
	struct query *q;
	const struct query_filter *filter;
	sqlite3_stmt *indexed;	/* selects how many ids of a slice the postings cover */
	sqlite3_stmt *postings; /* selects the postings of a slice for a range of addresses */
	sqlite3_stmt *scan;	/* selects the flows of an id range that match the filter */
	sqlite3_stmt *test;	/* selects the flow with this id if the filter matches the flow */
	struct bitmap candidates, others;
	int64_t ids[SLICE_FLOWS];
};

static int statement(struct search *s, sqlite3_stmt **out, const char *head, const char *condition,
		     const char *tail)
{
	char *sql = sqlite3_mprintf("%s%s%s", head, condition, tail);
	int rc = sql ? db_prepare(s->q->db, out, sql) : SQLITE_NOMEM;

	sqlite3_free(sql);
	if (rc == SQLITE_OK)
		filter_bind(*out, s->filter);
	return rc;
}

static int search_open(struct search *s)
{
	char *condition = filter_condition(s->filter, FILTER_FLOW);
	int rc = condition ? SQLITE_OK : SQLITE_NOMEM;

	if (rc == SQLITE_OK)
		rc = statement(s, &s->indexed, "SELECT indexed FROM slice WHERE id = ?1", "", "");
	if (rc == SQLITE_OK)
		rc = statement(s, &s->postings,
			       "SELECT ids FROM posting WHERE slice = ?1"
			       " AND side = ?4 AND addr >= ?2 AND addr < ?3",
			       "", "");
	if (rc == SQLITE_OK)
		rc = statement(s, &s->scan,
			       "SELECT id FROM flow NOT INDEXED WHERE id BETWEEN ?1 AND ?2",
			       condition, " ORDER BY id DESC");
	if (rc == SQLITE_OK)
		rc = statement(s, &s->test, "SELECT id FROM flow WHERE id = ?1", condition, "");
	sqlite3_free(condition);
	return rc == SQLITE_OK ? 0 : query_fail(s->q, rc);
}

static void search_close(struct search *s)
{
	sqlite3_finalize(s->indexed);
	sqlite3_finalize(s->postings);
	sqlite3_finalize(s->scan);
	sqlite3_finalize(s->test);
	free(s);
}

/* Set the bits of a posting's flows. An empty posting means that too many flows have the address.
 * For such a posting set all bits; candidates_test() tests each flow. */
static void posting_add(struct bitmap *b, const uint8_t *ids, int size)
{
	if (!size)
		memset(b, 0xff, sizeof(*b));
	for (int i = 0; i + 1 < size; i += 2) {
		unsigned low = (ids[i] - 1u) * POSTING_BASE + ids[i + 1] - 1u;

		low &= SLICE_FLOWS - 1;
		b->bytes[low >> 3] |= (uint8_t)(1 << (low & 7));
	}
}

/* Set in `b` the bit of each flow of the slice that has an address of the prefix as its source or
 * destination (`side`). Bits of other flows might be set as well. */
static int postings_read(struct search *s, int64_t slice, enum posting_side side,
			 const struct prefix *p, struct bitmap *b)
{
	struct text_range range;
	int rc;

	memset(b, 0, sizeof(*b));
	filter_text_range(p, &range);
	sqlite3_bind_int64(s->postings, 1, slice);
	sqlite3_bind_text(s->postings, 2, range.low, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(s->postings, 3, range.high, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int(s->postings, 4, side);
	while ((rc = sqlite3_step(s->postings)) == SQLITE_ROW)
		posting_add(b, sqlite3_column_blob(s->postings, 0),
			    sqlite3_column_bytes(s->postings, 0));
	sqlite3_reset(s->postings);
	return rc == SQLITE_DONE ? 0 : query_fail(s->q, rc);
}

static void bitmap_join(struct bitmap *a, const struct bitmap *b, bool is_or)
{
	for (int i = 0; i < SLICE_BITMAP_BYTES; i++)
		a->bytes[i] = is_or ? a->bytes[i] | b->bytes[i] : a->bytes[i] & b->bytes[i];
}

/* Drop the candidates that, according to the postings, have no address of the prefix: neither as
 * source (if is_src) nor as destination (if is_dst). */
static int candidates_narrow(struct search *s, int64_t slice, const struct prefix *p, bool is_src,
			     bool is_dst)
{
	struct bitmap either = {{0}};
	int r = 0;

	if (addr_is_none(&p->addr))
		return 0;
	if (is_src)
		r = postings_read(s, slice, SIDE_SRC, p, &either);
	if (r == 0 && is_dst) {
		r = postings_read(s, slice, SIDE_DST, p, &s->others);
		bitmap_join(&either, &s->others, true);
	}
	bitmap_join(&s->candidates, &either, false);
	return r;
}

static int candidates_read(struct search *s, int64_t slice)
{
	const struct query_filter *f = s->filter;
	int r;

	memset(&s->candidates, 0xff, sizeof(s->candidates));
	r = candidates_narrow(s, slice, &f->src, true, false);
	if (r == 0)
		r = candidates_narrow(s, slice, &f->dst, false, true);
	return r == 0 ? candidates_narrow(s, slice, &f->host, true, true) : r;
}

static int candidates_test(struct search *s, int64_t slice, int64_t indexed, int n, int max)
{
	int r = candidates_read(s, slice);

	for (int low = (int)indexed - 1; r >= 0 && low >= 0 && n < max; low--) {
		if (!s->candidates.bytes[low >> 3]) {
			low &= ~7;
			continue;
		}
		if (!(s->candidates.bytes[low >> 3] >> (low & 7) & 1))
			continue;
		sqlite3_bind_int64(s->test, 1, (slice << SLICE_BITS) + low);
		r = query_ids(s->q, s->test, &s->ids[n], 1);
		n += r > 0;
	}
	return r < 0 ? r : n;
}

static int slice_scan(struct search *s, int64_t slice, int64_t indexed, int max)
{
	sqlite3_bind_int64(s->scan, 1, (slice << SLICE_BITS) + indexed);
	sqlite3_bind_int64(s->scan, 2, ((slice + 1) << SLICE_BITS) - 1);
	return query_ids(s->q, s->scan, s->ids, max);
}

/* Write the ids of a slice's matching flows to s->ids, newest first, at most `max`. Return the
 * number of ids or -errno. One transaction makes sure that the slice and its postings are
 * consistent. */
static int slice_select(struct search *s, int64_t slice, int max)
{
	bool has_address = !addr_is_none(&s->filter->src.addr) ||
			   !addr_is_none(&s->filter->dst.addr) ||
			   !addr_is_none(&s->filter->host.addr);
	int64_t indexed = 0;
	int n, rc = db_exec(s->q->db, "BEGIN");

	if (rc != SQLITE_OK)
		return query_fail(s->q, rc);
	sqlite3_bind_int64(s->indexed, 1, slice);
	n = has_address ? query_ids(s->q, s->indexed, &indexed, 1) : 0;
	if (n >= 0)
		n = indexed < SLICE_FLOWS ? slice_scan(s, slice, indexed, max) : 0;
	if (n >= 0 && n < max && indexed)
		n = candidates_test(s, slice, indexed, n, max);
	db_exec(s->q->db, "COMMIT");
	return n;
}

static int slice_show(struct search *s, int64_t slice, struct row_shower *shower, uint64_t *left)
{
	int max = *left < SLICE_FLOWS ? (int)*left : SLICE_FLOWS;
	int n = slice_select(s, slice, max), r = n < 0 ? n : 0;

	if (n > 0)
		r = row_shower_show_all(shower, s->ids, (size_t)n);
	*left -= n > 0 ? (uint64_t)n : 0;
	return r;
}

/* Show one flow of a slice that is not searched as a whole (see list_sql), if the filter matches
 * the flow. */
static int long_show(struct search *s, int64_t id, struct row_shower *shower, uint64_t *left)
{
	int64_t found;
	int n;

	sqlite3_bind_int64(s->test, 1, id);
	n = query_ids(s->q, s->test, &found, 1);
	if (n <= 0)
		return n;
	--*left;
	return row_shower_show(shower, found);
}

#define BEGUN_IN                                                                                   \
	"(last_ms IS NULL OR last_ms >= max(?1 - 600000, ?3)) AND"                                 \
	" (?2 = 0 OR first_ms IS NULL OR first_ms < ?2)"

/* Select what to search, newest first. Second column 1: a slice in which flows started within the
 * time to search or less than ten minutes before it; the first column is the slice's highest flow
 * id. Second column 0: one flow of another slice, by its id. Only flows that are live or lived for
 * ten minutes or longer can match there. ?1 and ?2 are the beginning and the end of the time to
 * search, ?3 is the earliest start of a flow (0: any). */
static const char list_sql[] =
	"WITH near (id) AS MATERIALIZED (SELECT id FROM slice WHERE " BEGUN_IN ")"
	" SELECT id << 15 | 32767 AS at, 1 FROM near"
	" UNION ALL SELECT id, 0 FROM flow INDEXED BY flow_long WHERE state <> 0 AND life >= 600000"
	" AND ifnull(started, 0) + life >= ?1 AND ?1 > 0 AND (?2 = 0 OR ifnull(started, 0) < ?2)"
	" AND id >> 15 NOT IN near"
	" UNION ALL SELECT id, 0 FROM flow INDEXED BY flow_live WHERE state = 0 AND ?1 > 0"
	" AND id >> 15 NOT IN near ORDER BY at DESC";

struct places {
	struct id_list at, is_slice;
};

static int places_list(struct query *q, const struct query_filter *f, struct places *p)
{
	const int64_t numbers[] = {filter_since(f), filter_until(f), f->started_since_ms};
	sqlite3_stmt *stmt = NULL;
	int r = 0, rc = db_prepare(q->db, &stmt, list_sql);

	for (int i = 0; rc == SQLITE_OK && i < 3; i++)
		rc = sqlite3_bind_int64(stmt, i + 1, numbers[i]);
	while (rc == SQLITE_OK && r == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		r = id_list_add(&p->at, sqlite3_column_int64(stmt, 0));
		if (r == 0)
			r = id_list_add(&p->is_slice, sqlite3_column_int64(stmt, 1));
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	if (r)
		return r;
	return rc == SQLITE_DONE ? 0 : query_fail(q, rc);
}

int search_slices(struct query *q, const struct query_filter *f, struct row_shower *shower)
{
	uint64_t left = f->limit ? f->limit : UINT64_MAX;
	struct search *s = calloc(1, sizeof(*s));
	struct places p = {0};
	int r = -ENOMEM;

	if (!s)
		return r;
	s->q = q;
	s->filter = f;
	r = search_open(s);
	if (r == 0)
		r = places_list(q, f, &p);
	for (size_t i = 0; r == 0 && left && i < p.at.n; i++)
		r = p.is_slice.ids[i] ? slice_show(s, p.at.ids[i] >> SLICE_BITS, shower, &left)
				      : long_show(s, p.at.ids[i], shower, &left);
	free(p.at.ids);
	free(p.is_slice.ids);
	search_close(s);
	return r;
}
