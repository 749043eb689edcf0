/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shipper.c - ships rows from the history to one target.
 *
 * poll: read the number of each table's last change, and find the tables that are due.
 * ship: read a batch, send it until it is acknowledged, advance the position, save the state.
 * replace: if another file is now at the history's path, first ship the old file to its end.
 */
#include "export/shipper.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "export/backoff.h"
#include "export/gap_row.h"
#include "export/log.h"

#include "waymark/base/clock.h"

#define POLL_MS 500
#define OPEN_MS 5000
/* Number of rows that are read in one transaction. One transaction takes some 20 ms. */
#define STEP_ROWS    2000
#define HEARTBEAT_MS 60000
#define LONG_MS	     3600000 /* live flows older than this are shipped as interim rows */
#define LONG_PASS_MS 900000

struct shipper {
	struct exporter *x;
	const struct export_target *target;
	void *self; /* the target's data */
	struct feed *feed;
	struct export_state_target *state;
	struct export_origin origin;
	struct pace pace[FEED_TABLES];
	struct feed_span span; /* what spans_read() last read from the history */
	/* CLOCK_MONOTONIC times (ms) at which the next heartbeat and the next interim rows are
	 * due */
	int64_t heartbeat_ms, long_pass_ms;
	unsigned failures; /* failed attempts to send since the last acknowledged batch */
	bool has_reported; /* the log says that the history cannot be opened */
	bool has_sought;   /* --since has been applied */
	bool is_drained;   /* the replaced history was shipped to its end */
	bool is_over;	   /* the target can never acknowledge a batch again */
};

/* A batch that is being read. */
struct reading {
	struct shipper *s;
	enum feed_table_id table;
	bool is_again;	  /* the batch was sent before the exporter started, and might have
			   * arrived */
	int64_t position; /* the last change that was read */
	int64_t end;	  /* the batch ends with this change at the latest */
	unsigned rows;
	int64_t changes; /* number of changes, with those whose row was deleted; -1: unknown */
	int64_t time_ms; /* when the last row changed */
	int64_t first_time_ms; /* when the first row changed; 0: unknown */
	bool has_missing;
	struct missing missing;
};

struct shipper *shipper_new(struct exporter *x, const struct export_target *target, FILE *errors)
{
	struct target_env env = {
		.config = x->config, .router = x->router, .is_stopping = &x->is_stopping};
	struct shipper *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->x = x;
	s->target = target;
	s->state = export_state_target(&x->state, target->name);
	s->self = target->open(&env, errors);
	if (s->self && s->state)
		return s;
	shipper_free(s);
	errno = EINVAL;
	return NULL;
}

void shipper_free(struct shipper *s)
{
	if (!s)
		return;
	feed_close(s->feed);
	if (s->self)
		s->target->close(s->self);
	free(s);
}

/* --- sending ------------------------------------------------------------------------- */

/* Replace the non-printable characters in a server's message, because the message is stored in the
 * state file, which must be text. */
static void text_clean(char *text)
{
	for (; *text; text++)
		if (!isprint((unsigned char)*text))
			*text = '?';
}

static void failure_note(struct shipper *s, struct target_error *why)
{
	text_clean(why->text);
	if (s->failures == 0 || strcmp(s->state->error, why->text) != 0)
		export_log(LOG_WARNING, "target %s did not acknowledge the rows: %s (%s)",
			   s->target->name, why->text,
			   why->is_final ? "giving up" : "trying again");
	s->failures++;
	pthread_mutex_lock(&s->x->mutex);
	s->state->failures++;
	s->state->error_ms = clock_now_ms();
	snprintf(s->state->error, sizeof(s->state->error), "%s", why->text);
	exporter_save(s->x);
	pthread_mutex_unlock(&s->x->mutex);
}

/* Send the batch until it is acknowledged. Return 0, -EINTR if the exporter stops, or -EPIPE if the
 * target can never acknowledge a batch again. */
static int batch_send(struct shipper *s)
{
	struct target_error why = {.text = ""};

	while (s->target->send(s->self, &why) < 0) {
		if (exporter_is_stopping(s->x))
			return -EINTR;
		failure_note(s, &why);
		if (why.is_final) {
			s->is_over = true;
			return -EPIPE;
		}
		if (exporter_sleep(s->x, backoff_ms(s->failures, exporter_random())))
			return -EINTR;
	}
	if (s->failures)
		export_log(LOG_NOTICE, "target %s acknowledges rows again after %u failures",
			   s->target->name, s->failures);
	s->failures = 0;
	pthread_mutex_lock(&s->x->mutex);
	s->state->batches++;
	s->state->acknowledged_ms = clock_now_ms();
	if (s->state->error_ms) {
		s->state->error_ms = 0;
		s->state->error[0] = '\0';
		exporter_save(s->x);
	}
	pthread_mutex_unlock(&s->x->mutex);
	return 0;
}

static int made_send(struct shipper *s, const struct feed_table *t, const struct made_row *r,
		     const struct export_origin *origin)
{
	int err;

	if (!s->target->takes(s->self, t, false))
		return 0;
	err = s->target->begin(s->self, origin, t);
	if (err == 0)
		err = s->target->add(s->self, &r->row);
	return err < 0 ? err : batch_send(s);
}

static int gap_send(struct shipper *s, const struct missing *m, const struct export_origin *origin)
{
	struct made_row r;

	gap_row_make(&r, m);
	export_log(LOG_WARNING, "target %s: %s", s->target->name, r.text);
	return made_send(s, &feed_tables[FEED_GAPS], &r, origin);
}

/* --- a batch ------------------------------------------------------------------------- */

/* Note that n more changes, of which the newest has the position `last`, are missing. n -1: an
 * unknown number. `id` is the id of the missing row; 0: unknown. */
static void missing_add(struct reading *r, int64_t last, int64_t n, int64_t id)
{
	struct missing *m = &r->missing;

	if (!r->has_missing)
		m->first_id = m->last_id = id;
	r->has_missing = true;
	m->count = n < 0 || m->count < 0 ? -1 : m->count + n;
	m->last = last;
	if (!id || !m->first_id) {
		m->first_id = m->last_id = 0;
		return;
	}
	if (id < m->first_id)
		m->first_id = id;
	if (id > m->last_id)
		m->last_id = id;
}

/* Process a note of the feed (row->is_pruned): retention has deleted the changes up to
 * row->position. Add those that belong to the batch to the missing changes. */
static void pruned_note(struct reading *r, const struct feed_row *row)
{
	const struct export_state_table *t = &r->s->state->tables[r->table];
	bool is_whole = r->is_again && row->position >= r->end;
	int64_t before = is_whole ? 0 : t->changes, all = is_whole ? t->sent_changes : row->pruned;
	int64_t n = -1;

	if (before >= 0 && r->changes >= 0 && all >= before + r->changes)
		n = all - before - r->changes;
	r->position = row->position < r->end ? row->position : r->end;
	r->changes = n < 0 ? -1 : r->changes + n;
	if (n != 0)
		missing_add(r, r->position, n, 0);
}

static int64_t row_time(const struct feed_table *t, const struct feed_row *row)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (strcmp(t->columns[i].name, t->time) == 0 &&
		    row->values[i].kind == FEED_VALUE_INTEGER)
			return row->values[i].integer;
	return 0;
}

static int row_read(void *data, const struct feed_row *row)
{
	struct reading *r = data;
	int64_t time_ms;

	if (row->is_pruned) {
		pruned_note(r, row);
		return r->position < row->position ? 1 : 0;
	}
	if (row->position > r->end)
		return 1;
	r->position = row->position;
	r->changes += r->changes >= 0;
	if (!row->values) {
		missing_add(r, row->position, 1, row->id);
		return 0;
	}
	r->rows++;
	time_ms = row_time(&feed_tables[r->table], row);
	if (time_ms)
		r->time_ms = time_ms;
	if (!r->first_time_ms)
		r->first_time_ms = time_ms;
	return r->s->target->add(r->s->self, row);
}

/* Read until the batch is full. If the exporter stops meanwhile, return -EINTR, so that the
 * incomplete batch is not sent: a batch that is sent again must contain the same changes. */
static int batch_read(struct shipper *s, struct reading *r)
{
	int64_t before;
	int err = s->target->begin(s->self, &s->origin, &feed_tables[r->table]);

	do {
		before = r->position;
		if (err == 0)
			err = feed_read(s->feed, r->table, r->position, STEP_ROWS, row_read, r);
		if (err >= 0 && exporter_is_stopping(s->x))
			err = -EINTR;
	} while (err == 0 && r->position != before && r->rows + STEP_ROWS <= BATCH_ROWS);
	return err > 0 ? 0 : err;
}

/* Before a batch is sent, save which changes it contains. If the exporter ends before the batch is
 * acknowledged, it sends the same batch at the next start. */
static void batch_note(struct shipper *s, const struct reading *r)
{
	struct export_state_table *t = &s->state->tables[r->table];

	pthread_mutex_lock(&s->x->mutex);
	t->sent = r->position;
	t->sent_changes = r->changes;
	t->sent_missing = r->has_missing ? r->missing.count : 0;
	exporter_save(s->x);
	pthread_mutex_unlock(&s->x->mutex);
}

static void position_move(struct shipper *s, const struct reading *r)
{
	struct export_state_table *t = &s->state->tables[r->table];

	pthread_mutex_lock(&s->x->mutex);
	t->position = t->sent = r->position;
	t->changes = t->changes < 0 || r->changes < 0 ? -1 : t->changes + r->changes;
	t->seen = s->span.tables[r->table];
	t->rows += r->rows;
	t->missing += r->missing.count > 0 ? (uint64_t)r->missing.count : 0;
	if (r->time_ms)
		t->time_ms = r->time_ms;
	exporter_save(s->x);
	pthread_mutex_unlock(&s->x->mutex);
}

/* Report the missing changes of the batch as gaps. If the batch is sent again, report two gaps: one
 * for the changes that were missing when it was first sent, and one for those that were deleted
 * later, which might have arrived. */
static int missing_send(struct shipper *s, struct reading *r)
{
	struct missing *m = &r->missing;
	int64_t all = m->count;
	int64_t before = r->is_again ? s->state->tables[r->table].sent_missing : all;
	int err = 0;

	if (!r->has_missing)
		return 0;
	m->ended_ms = r->first_time_ms ? r->first_time_ms : clock_now_ms();
	if (r->is_again)
		m->first_id = 0;
	if (before) {
		m->count = before;
		m->why = "rows pruned before they were shipped";
		err = gap_send(s, m, &s->origin);
	}
	if (err == 0 && all != before) {
		m->kind = MISSING_UNSURE;
		m->count = -1;
		m->why = "rows pruned before the exporter knew whether they had arrived";
		err = gap_send(s, m, &s->origin);
	}
	m->count = all;
	return err;
}

/* Ship a batch of a table and advance its position. Return 0 or -errno. */
static int table_ship(struct shipper *s, enum feed_table_id table)
{
	const struct export_state_table *t = &s->state->tables[table];
	struct reading r = {
		.s = s,
		.table = table,
		.is_again = t->sent > t->position,
		.position = t->position,
		.end = t->sent > t->position ? t->sent : INT64_MAX,
		.time_ms = t->time_ms,
		.missing = {.table = table, .first = t->position + 1, .started_ms = t->time_ms},
	};
	int err = batch_read(s, &r);

	if (err == 0 && r.rows && !r.is_again)
		batch_note(s, &r);
	if (err == 0 && r.rows)
		err = batch_send(s);
	if (err == 0)
		err = missing_send(s, &r);
	if (err < 0)
		return err;
	if (r.position != t->position || r.is_again)
		position_move(s, &r);
	pace_restart(&s->pace[table]);
	return 0;
}

/* --- interim rows and the heartbeat ----------------------------------------------------- */

static int long_read(void *data, const struct feed_row *row)
{
	struct reading *r = data;

	r->position = row->id;
	r->rows++;
	return r->s->target->add(r->s->self, row);
}

/* Ship interim rows of flows that are live and older than LONG_MS. */
static int long_flows_ship(struct shipper *s)
{
	int64_t before_ms = clock_now_ms() - LONG_MS, from;
	struct reading r = {.s = s};
	int err = 0;

	if (!s->target->takes(s->self, &feed_tables[FEED_FLOWS], true))
		return 0;
	do {
		r.rows = 0;
		err = s->target->begin(s->self, &s->origin, &feed_tables[FEED_FLOWS]);
		do {
			from = r.position;
			if (err == 0)
				err = feed_read_live(s->feed, r.position, before_ms, STEP_ROWS,
						     long_read, &r);
		} while (err == 0 && r.position != from && r.rows + STEP_ROWS <= BATCH_ROWS);
		if (err == 0 && r.rows)
			err = batch_send(s);
	} while (err == 0 && r.rows && r.position != from);
	return err < 0 ? err : 0;
}

static int64_t pending(const struct shipper *s, int table)
{
	int64_t position = s->state->tables[table].position;
	int64_t n = s->span.tables[table] - position;

	if (n <= 0 && position + 1 < s->span.first)
		n = 1; /* retention has removed changes: they must be reported as a gap */
	return n > 0 && s->target->takes(s->self, &feed_tables[table], false) ? n : 0;
}

static int heartbeat_ship(struct shipper *s)
{
	struct heartbeat h = {
		.time_ms = clock_now_ms(),
		.program = PACKAGE_VERSION,
		.config = s->x->config_hash,
		.uplinks = s->x->uplinks,
	};
	struct feed_pulse pulse;
	struct made_row r;
	int err = feed_pulse(s->feed, &pulse);

	if (err < 0)
		return err;
	h.last_flow_id = pulse.last_flow_id;
	h.last_position = pulse.last_position;
	h.alive_ms = pulse.alive_ms;
	for (int i = 0; i < FEED_TABLES; i++)
		h.pending += pending(s, i);
	heartbeat_row_make(&r, &h);
	return made_send(s, &heartbeat_table, &r, &s->origin);
}

/* --- the history -------------------------------------------------------------------- */

static int positions_find(struct shipper *s)
{
	int64_t position = 0;
	int err = feed_find(s->feed, s->x->options->since_ms, &position);

	for (int i = 0; err == 0 && i < FEED_TABLES; i++) {
		struct export_state_table *t = &s->state->tables[i];

		t->position = t->sent = position;
		err = feed_ordinal(s->feed, (enum feed_table_id)i, position, &t->changes);
	}
	s->has_sought = err == 0;
	return err;
}

/* For each table whose number of changes up to the position is unknown, count these changes. */
static int changes_find(struct shipper *s)
{
	int err = 0;

	for (int i = 0; err == 0 && i < FEED_TABLES; i++) {
		struct export_state_table *t = &s->state->tables[i];

		if (t->changes < 0)
			err = feed_ordinal(s->feed, (enum feed_table_id)i, t->position,
					   &t->changes);
	}
	return err;
}

/* The history was replaced. Report the rows of one table of the old history that were not shipped,
 * as gaps. The old history might have grown after it was last read, so the number of these rows is
 * unknown, and for table flows a gap is reported even if no row is known to be missing. */
static int table_leave(struct shipper *s, enum feed_table_id table,
		       const struct export_origin *former)
{
	const struct export_state_table *t = &s->state->tables[table];
	int64_t sent = t->sent > t->position ? t->sent : t->position;
	struct missing m = {
		.table = table,
		.first = t->position + 1,
		.last = sent,
		.started_ms = t->time_ms,
		.ended_ms = clock_now_ms(),
		.why = "the history was replaced before its rows were shipped",
	};
	int err = 0;

	m.count = t->sent_missing;
	if (sent > t->position && m.count)
		err = gap_send(s, &m, former);
	m.count = -1;
	m.kind = MISSING_UNSURE;
	if (err == 0 && sent > t->position)
		err = gap_send(s, &m, former);
	m.kind = MISSING_ROWS;
	m.first = sent + 1;
	m.last = 0;
	return err == 0 && (table == FEED_FLOWS || t->seen > sent) ? gap_send(s, &m, former) : err;
}

static int history_leave(struct shipper *s)
{
	struct export_origin former = {s->x->router, s->state->history};
	int err = 0;

	for (int i = 0; err == 0 && i < FEED_TABLES; i++)
		err = table_leave(s, (enum feed_table_id)i, &former);
	return err;
}

static int history_enter(struct shipper *s)
{
	const char *history = feed_history(s->feed);
	int err = 0;

	if (s->state->history[0] && strcmp(s->state->history, history) != 0 && !s->is_drained)
		err = history_leave(s);
	if (err < 0)
		return err;
	s->is_drained = false;
	pthread_mutex_lock(&s->x->mutex);
	if (strcmp(s->state->history, history) != 0) {
		memset(s->state->tables, 0, sizeof(s->state->tables));
		snprintf(s->state->history, sizeof(s->state->history), "%s", history);
	}
	err = s->x->options->has_since && !s->has_sought ? positions_find(s) : changes_find(s);
	exporter_save(s->x);
	pthread_mutex_unlock(&s->x->mutex);
	s->origin = (struct export_origin){s->x->router, s->state->history};
	return err;
}

static void open_failure_report(struct shipper *s, const char *why)
{
	if (!s->has_reported)
		export_log(LOG_WARNING, "target %s: %.*s", s->target->name, (int)strcspn(why, "\n"),
			   why);
	s->has_reported = true;
}

static int history_open(struct shipper *s)
{
	char *why = NULL;
	size_t size;
	FILE *errors = open_memstream(&why, &size);
	int err = 0;

	if (!errors)
		return -ENOMEM;
	s->feed = feed_open(s->x->config->database, errors);
	if (!s->feed)
		err = -errno;
	fclose(errors);
	if (err < 0)
		open_failure_report(s, why);
	else
		s->has_reported = false;
	free(why);
	if (err == 0)
		err = history_enter(s);
	if (err < 0) {
		feed_close(s->feed);
		s->feed = NULL;
	}
	return err;
}

static void position_set(struct shipper *s, int table, int64_t position)
{
	pthread_mutex_lock(&s->x->mutex);
	s->state->tables[table].position = s->state->tables[table].sent = position;
	s->state->tables[table].seen = s->span.tables[table];
	pthread_mutex_unlock(&s->x->mutex);
}

/* The history ends before the acknowledged position, because a power failure has destroyed its last
 * commits. Report a gap, and move the position back to the end of the history. */
static int regress_handle(struct shipper *s, int table)
{
	struct export_state_table *t = &s->state->tables[table];
	struct missing m = {
		.table = (enum feed_table_id)table,
		.kind = MISSING_SHIPPED,
		.first = s->span.last + 1,
		.last = t->position,
		.count = -1,
		.started_ms = t->time_ms,
		.ended_ms = clock_now_ms(),
		.why = "the history lost rows that had been shipped",
	};
	int err = gap_send(s, &m, &s->origin);

	if (err == 0) {
		position_set(s, table, s->span.last);
		err = feed_ordinal(s->feed, m.table, t->position, &t->changes);
	}
	return err;
}

/* If a table has no pending rows, advance its position to the history's last change, which can be
 * one of another table. If the position stayed behind, later deletions in other tables would be
 * reported as missing rows of this table. */
static int position_follow(struct shipper *s, int table)
{
	struct export_state_table *t = &s->state->tables[table];

	if (t->position > s->span.last)
		return regress_handle(s, table);
	if (t->position >= s->span.tables[table] && t->position + 1 >= s->span.first)
		position_set(s, table, s->span.last);
	return 0;
}

static int spans_read(struct shipper *s)
{
	int err = feed_span(s->feed, &s->span);

	if (err < 0)
		return err;
	pthread_mutex_lock(&s->x->mutex);
	for (int i = 0; i < FEED_TABLES; i++)
		s->state->tables[i].seen = s->span.tables[i];
	pthread_mutex_unlock(&s->x->mutex);
	for (int i = 0; err == 0 && i < FEED_TABLES; i++)
		err = position_follow(s, i);
	return err;
}

/* --- the loop ------------------------------------------------------------------------- */

static bool is_due(struct shipper *s, int table, bool is_draining, int64_t now_ms)
{
	int64_t n = pending(s, table);

	return pace_is_due(&s->pace[table], n, feed_tables[table].is_urgent, now_ms,
			   exporter_random()) ||
	       (is_draining && n);
}

/* Ship each table that is due. Set *has_more to whether more rows are due now. */
static int tables_ship(struct shipper *s, bool is_draining, bool *has_more)
{
	int64_t now_ms = clock_steady_ms();
	int err = spans_read(s);

	*has_more = false;
	for (int i = 0; err == 0 && i < FEED_TABLES; i++) {
		int64_t before = s->state->tables[i].position;

		if (!is_due(s, i, is_draining, now_ms))
			continue;
		err = table_ship(s, i);
		*has_more |= pending(s, i) > 0 && s->state->tables[i].position != before &&
			     (is_draining || pending(s, i) >= BATCH_ROWS);
	}
	return err;
}

static int regular_ship(struct shipper *s, bool is_now)
{
	int64_t now_ms = clock_steady_ms();
	int err = 0;

	if (is_now || now_ms >= s->long_pass_ms) {
		s->long_pass_ms = now_ms + LONG_PASS_MS;
		err = long_flows_ship(s);
	}
	if (err == 0 && (is_now || now_ms >= s->heartbeat_ms)) {
		s->heartbeat_ms = now_ms + HEARTBEAT_MS;
		err = heartbeat_ship(s);
	}
	return err;
}

/* Run one round: open the history if necessary, and ship what is due. If the history was replaced,
 * ship the old one to its end and close it. Set *is_done to whether is_once is set and no row is
 * pending. */
static int round_run(struct shipper *s, bool *is_done)
{
	bool is_once = s->x->options->is_once, is_leaving, has_more;
	int err = s->feed ? 0 : history_open(s);

	if (err < 0)
		return err;
	is_leaving = !feed_is_current(s->feed);
	do {
		err = tables_ship(s, is_once || is_leaving, &has_more);
		if (err == 0 && !is_leaving && !(is_once && has_more))
			err = regular_ship(s, is_once && !has_more);
	} while (err == 0 && has_more && !exporter_is_stopping(s->x));
	if (err == 0 && is_leaving) {
		export_log(LOG_NOTICE, "target %s: the history was replaced by a new one",
			   s->target->name);
		feed_close(s->feed);
		s->feed = NULL;
		s->is_drained = true;
	}
	*is_done = err == 0 && is_once && !is_leaving && !has_more;
	return err;
}

static void history_failure(struct shipper *s, int err)
{
	if (s->feed)
		export_log(LOG_WARNING, "target %s: cannot read the history: %s", s->target->name,
			   feed_error(s->feed)[0] ? feed_error(s->feed) : strerror(-err));
	feed_close(s->feed);
	s->feed = NULL;
}

int shipper_run(struct shipper *s)
{
	bool is_done = false;
	int err = 0;

	while (!is_done && !exporter_is_stopping(s->x)) {
		err = round_run(s, &is_done);
		if (err == -EINTR || s->is_over || (err < 0 && s->x->options->is_once))
			break;
		if (err < 0)
			history_failure(s, err);
		if (!is_done)
			exporter_sleep(s->x, err < 0 ? OPEN_MS : POLL_MS);
	}
	if (is_done)
		return 0;
	if (s->x->options->is_once)
		return err ? err : -EINTR;
	return err == -EINTR ? 0 : err;
}
