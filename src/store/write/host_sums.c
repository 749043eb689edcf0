/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host_sums.c - adds up the ended flows by hour, inside host and uplink.
 */
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/write/host_sums.h"

#define HOUR_MS	  INT64_C(3600000)
#define HOSTS_MAX 65536
#define CAPACITY  1024

int host_sums_load(struct host_sums *s, sqlite3 *db)
{
	*s = (struct host_sums){0};
	return db_prepare(db, &s->add,
			  "INSERT INTO host_hour VALUES (?, ?, ?, ?, ?, ?, ?)"
			  " ON CONFLICT (hour, host, uplink) DO UPDATE SET"
			  " flows = flows + excluded.flows,"
			  " unanswered = unanswered + excluded.unanswered,"
			  " bytes_sent = bytes_sent + excluded.bytes_sent,"
			  " bytes_received = bytes_received + excluded.bytes_received");
}

void host_sums_unload(struct host_sums *s)
{
	free(s->table);
	free(s->dirty);
	sqlite3_finalize(s->add);
	*s = (struct host_sums){0};
}

static size_t place(const struct host_sums *s, const struct host_sum *key)
{
	uint64_t hash = (uint64_t)(key->hour + key->uplink) * UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = 0; i < sizeof(key->host.bytes); i++)
		hash = (hash ^ key->host.bytes[i]) * UINT64_C(0x100000001b3);
	hash ^= hash >> 32;
	for (size_t i = hash & (s->capacity - 1);; i = (i + 1) & (s->capacity - 1)) {
		const struct host_sum *at = &s->table[i];

		if (!at->hour || (at->hour == key->hour && at->uplink == key->uplink &&
				  addr_is_equal(&at->host, &key->host)))
			return i;
	}
}

/* Make room for one more entry. When the table grows, its entries get new indexes, and the indexes
 * in `dirty` become wrong. Therefore first write all collected sums, which empties `dirty`. */
static int table_grow(struct host_sums *s)
{
	size_t capacity = s->capacity ? 2 * s->capacity : CAPACITY, before = s->capacity;
	struct host_sum *old, *table;
	uint32_t *dirty;
	int rc;

	if (2 * (s->used + 1) <= s->capacity)
		return SQLITE_OK;
	rc = host_sums_flush(s);
	table = rc == SQLITE_OK ? calloc(capacity, sizeof(*table)) : NULL;
	dirty = table ? realloc(s->dirty, capacity * sizeof(*dirty)) : NULL;
	if (!dirty) {
		free(table);
		return rc == SQLITE_OK ? SQLITE_NOMEM : rc;
	}
	old = s->table;
	s->dirty = dirty;
	s->table = table;
	s->capacity = capacity;
	for (size_t i = 0; old && i < before; i++)
		if (old[i].hour)
			s->table[place(s, &old[i])] = old[i];
	free(old);
	return SQLITE_OK;
}

static int sum_get(struct host_sums *s, const struct host_sum *key, struct host_sum **out)
{
	struct host_sum wanted = *key;
	int rc = table_grow(s);
	size_t i;

	if (rc != SQLITE_OK)
		return rc;
	i = place(s, &wanted);
	if (!s->table[i].hour && s->used >= HOSTS_MAX) {
		wanted.host = (struct addr){0};
		i = place(s, &wanted);
	}
	if (!s->table[i].hour) {
		s->table[i] = wanted;
		s->used++;
	}
	if (!s->table[i].flows)
		s->dirty[s->n_dirty++] = (uint32_t)i;
	*out = &s->table[i];
	return SQLITE_OK;
}

int host_sums_add(struct host_sums *s, const struct flow_record *f, int64_t uplink)
{
	bool is_inward = f->ingress != SLOT_NONE;
	enum direction out = is_inward ? DIR_REPLY : DIR_ORIGINAL;
	const struct endpoints *t = &f->tuple[out];
	struct host_sum key = {.uplink = uplink, .host = t->src}, *sum;
	int64_t ended_ms = f->ended_ms ? f->ended_ms : f->started_ms;
	int rc;

	if (ended_ms < HOUR_MS)
		return SQLITE_OK;
	key.hour = ended_ms / HOUR_MS;
	if (is_inward && addr_is_none(&key.host))
		key.host = f->tuple[DIR_ORIGINAL].dst;
	rc = sum_get(s, &key, &sum);
	if (rc != SQLITE_OK)
		return rc;
	sum->flows++;
	if (!f->has_counters)
		return SQLITE_OK;
	sum->unanswered += f->packets[DIR_REPLY] == 0;
	sum->sent += f->bytes[out];
	sum->received += f->bytes[!out];
	return SQLITE_OK;
}

static int sum_write(struct host_sums *s, struct host_sum *sum)
{
	sqlite3_bind_int64(s->add, 1, sum->hour * HOUR_MS);
	if (addr_is_none(&sum->host))
		sqlite3_bind_text(s->add, 2, "", 0, SQLITE_STATIC);
	else
		db_bind_addr(s->add, 2, &sum->host);
	sqlite3_bind_int64(s->add, 3, sum->uplink);
	sqlite3_bind_int64(s->add, 4, sum->flows);
	sqlite3_bind_int64(s->add, 5, sum->unanswered);
	sqlite3_bind_int64(s->add, 6, (int64_t)sum->sent);
	sqlite3_bind_int64(s->add, 7, (int64_t)sum->received);
	sum->flows = sum->unanswered = 0;
	sum->sent = sum->received = 0;
	return db_run(s->add);
}

int host_sums_flush(struct host_sums *s)
{
	int64_t newest = s->hour;
	int rc = SQLITE_OK;

	for (size_t i = 0; rc == SQLITE_OK && i < s->n_dirty; i++) {
		struct host_sum *sum = &s->table[s->dirty[i]];

		if (sum->hour > newest)
			newest = sum->hour;
		rc = sum_write(s, sum);
	}
	s->n_dirty = 0;
	if (newest != s->hour && s->table) {
		memset(s->table, 0, s->capacity * sizeof(*s->table));
		s->used = 0;
	}
	s->hour = newest;
	return rc;
}
