/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gap_row.c - makes the rows that are not in the history: gaps in the exported data, and
 * heartbeats.
 */
#include "export/gap_row.h"

#include <string.h>

/* Base of the ids of the exporter's gaps, far below the ids of the history's own gaps. */
#define GAP_ID_BASE (-(INT64_C(1) << 62))

static const struct feed_column heartbeat_columns[] = {
	{"id", FEED_ID, false},
	{"time", FEED_TIME, false},
	{"program", FEED_WORD, false},
	{"config", FEED_WORD, false},
	{"uplinks", FEED_WORD, false},
	{"last_flow_id", FEED_ID, false},
	{"last_position", FEED_ID, false},
	{"pending", FEED_ID, false},
	{"alive", FEED_TIME, true},
};

const struct feed_table heartbeat_table = {
	.name = "heartbeat",
	.columns = heartbeat_columns,
	.n_columns = sizeof(heartbeat_columns) / sizeof(heartbeat_columns[0]),
	.is_urgent = true,
	.day = "time",
	.time = "time",
	.text = "one row per minute of each exporter that runs",
};

static void value_set(struct made_row *r, const struct feed_table *t, const char *name,
		      struct feed_value v)
{
	for (size_t i = 0; i < t->n_columns && i < ROW_VALUES_MAX; i++)
		if (strcmp(t->columns[i].name, name) == 0)
			r->values[i] = v;
}

static struct feed_value integer(int64_t number)
{
	return (struct feed_value){.kind = FEED_VALUE_INTEGER, .integer = number};
}

static struct feed_value integer_or_null(int64_t number, int64_t none)
{
	return number == none ? (struct feed_value){.kind = FEED_VALUE_NULL} : integer(number);
}

static struct feed_value text(const char *t)
{
	return (struct feed_value){.kind = FEED_VALUE_TEXT, .text = t, .size = strlen(t)};
}

void gap_row_make(struct made_row *r, const struct missing *m)
{
	const struct feed_table *t = &feed_tables[FEED_GAPS];

	memset(r, 0, sizeof(*r));
	r->row.id = GAP_ID_BASE + (m->first * MISSING_KINDS + m->kind) * FEED_TABLES + m->table;
	r->row.version = m->last > 0 ? m->last + (m->count > 0 ? m->count : 0) : INT64_MAX;
	r->row.values = r->values;
	if (!m->last)
		snprintf(r->text, sizeof(r->text),
			 "%s: table %s, all changes of the history from number %lld on", m->why,
			 feed_tables[m->table].name, (long long)m->first);
	else if (m->first_id)
		snprintf(r->text, sizeof(r->text), "%s: table %s, ids %lld to %lld", m->why,
			 feed_tables[m->table].name, (long long)m->first_id, (long long)m->last_id);
	else
		snprintf(r->text, sizeof(r->text),
			 "%s: table %s, changes %lld to %lld of the history", m->why,
			 feed_tables[m->table].name, (long long)m->first, (long long)m->last);
	value_set(r, t, "id", integer(r->row.id));
	value_set(r, t, "started", integer_or_null(m->started_ms, 0));
	value_set(r, t, "ended", integer_or_null(m->ended_ms, 0));
	value_set(r, t, "source", text("export"));
	value_set(r, t, "lost", integer_or_null(m->count, -1));
	value_set(r, t, "reason", text(r->text));
}

void heartbeat_row_make(struct made_row *r, const struct heartbeat *h)
{
	const struct feed_table *t = &heartbeat_table;

	memset(r, 0, sizeof(*r));
	r->row.id = h->time_ms / 60000;
	r->row.version = h->time_ms;
	r->row.values = r->values;
	value_set(r, t, "id", integer(r->row.id));
	value_set(r, t, "time", integer(h->time_ms));
	value_set(r, t, "program", text(h->program));
	value_set(r, t, "config", text(h->config));
	value_set(r, t, "uplinks", text(h->uplinks));
	value_set(r, t, "last_flow_id", integer(h->last_flow_id));
	value_set(r, t, "last_position", integer(h->last_position));
	value_set(r, t, "pending", integer(h->pending));
	value_set(r, t, "alive", integer_or_null(h->alive_ms, 0));
}
