/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * write_failures.c - records a gap in the history for records that SQLite refused, so that no loss
 * goes unreported. A gap begins with the first lost record, and ends when no record was lost
 * between two batches. Records that do not fit into the queue are not handled here: the thread that
 * pushes records reports them as a gap later.
 */
#include <stdio.h>

#include "store/db.h"
#include "store/write/writer_internal.h"

void write_failures_add(struct writer *w, uint64_t n, int64_t now_ms)
{
	pthread_mutex_lock(&w->lock);
	if (!w->losses.lost)
		w->losses.first_ms = now_ms;
	w->losses.last_ms = now_ms;
	w->losses.lost += n;
	pthread_mutex_unlock(&w->lock);
}

bool write_failures_are_unsaid(struct writer *w)
{
	bool are;

	pthread_mutex_lock(&w->lock);
	are = w->losses.lost > 0;
	pthread_mutex_unlock(&w->lock);
	return are;
}

int write_failures_write(struct writer *w)
{
	struct record r = {.type = RECORD_GAP, .gap.source = GAP_STORE};
	struct write_failures *l = &w->losses;

	pthread_mutex_lock(&w->lock);
	l->is_row_final = l->lost == l->row_lost;
	l->row_lost = l->lost;
	r.gap.started_ms = l->first_ms;
	r.gap.ended_ms = l->is_row_final ? l->last_ms : 0;
	snprintf(r.gap.reason, sizeof(r.gap.reason), "SQLite refused records: %.70s",
		 w->stats.refusal);
	pthread_mutex_unlock(&w->lock);
	if (!l->row_lost)
		return SQLITE_OK;
	if (!l->row_id)
		l->row_id = w->st->own_gap_id - 1;
	r.gap.id = l->row_id;
	r.gap.lost = (int64_t)l->row_lost;
	return ingest_record(&w->in, &r);
}

void write_failures_committed(struct writer *w)
{
	struct write_failures *l = &w->losses;

	if (!l->row_id)
		return;
	if (l->row_id < w->st->own_gap_id)
		w->st->own_gap_id = l->row_id;
	if (!l->is_row_final)
		return;
	/* Records that were lost after the row was written belong to the next gap. */
	pthread_mutex_lock(&w->lock);
	l->lost -= l->row_lost;
	l->first_ms = l->last_ms;
	pthread_mutex_unlock(&w->lock);
	l->row_lost = 0;
	l->row_id = 0;
}
