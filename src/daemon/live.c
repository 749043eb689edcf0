/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live.c - takes a snapshot of the counters of live flows. It reads them from the kernel, because
 * our flow table does not hold counters, which change with each packet.
 */
#include "daemon/live.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/resync.h"
#include "waymark/audit/audit.h"

/* Maximum number of rows of a snapshot. A snapshot with more rows is given up. The limit is checked
 * only when the array is full, and the array doubles from 1024 rows: so it has at most 2^20 rows of
 * 56 bytes (56 MiB). */
#define ROWS_MAX  1000000
#define ROWS_PART 4096
/* A request for the first part gets a snapshot that is at most FRESH_MS old. A snapshot is freed
 * KEPT_MS after the last request for a part. */
#define FRESH_MS 500
#define KEPT_MS	 10000

struct live_row {
	int64_t id, idle_ms;
	uint64_t packets[2], bytes[2];
	uint8_t tcp_state;
	bool has_counters;
};

struct live {
	bool is_wanted, is_taking, is_too_many;
	struct live_row *rows;
	size_t n, room;
	int64_t begun_ms; /* when the dump of the snapshot began */
	int64_t taken_ms; /* when the dump of the snapshot ended; 0: no snapshot exists */
	int64_t asked_ms;
};

int live_open(struct daemon *d)
{
	d->live = calloc(1, sizeof(*d->live));
	return d->live ? 0 : -ENOMEM;
}

static void forget(struct live *l)
{
	free(l->rows);
	l->rows = NULL;
	l->n = l->room = 0;
	l->taken_ms = 0;
	l->is_too_many = false;
}

void live_close(struct daemon *d)
{
	if (d->live)
		forget(d->live);
	free(d->live);
	d->live = NULL;
}

void live_begin(struct daemon *d, int64_t now_ms)
{
	if (!d->live || !d->live->is_wanted)
		return;
	forget(d->live);
	d->live->begun_ms = now_ms;
	d->live->is_taking = true;
}

static bool room_make(struct live *l)
{
	size_t room = l->room ? 2 * l->room : 1024;
	struct live_row *rows;

	if (l->n < l->room)
		return true;
	rows = l->n < ROWS_MAX ? realloc(l->rows, room * sizeof(*rows)) : NULL;
	l->is_too_many = !rows;
	if (!rows)
		return false;
	l->rows = rows;
	l->room = room;
	return true;
}

void live_take(struct daemon *d, const struct ct_event *entries, size_t n)
{
	struct live *l = d->live;

	for (size_t i = 0; l && l->is_taking && !l->is_too_many && i < n; i++) {
		const struct ct_event *ev = &entries[i];
		int64_t id = audit_live_id(d->audit, ev);

		if (!id || !room_make(l))
			continue;
		l->rows[l->n++] = (struct live_row){
			.id = id,
			.idle_ms = ev->idle_ms,
			.packets = {ev->packets[0], ev->packets[1]},
			.bytes = {ev->bytes[0], ev->bytes[1]},
			.tcp_state = ev->tcp_state,
			.has_counters = ev->has_counters,
		};
	}
}

void live_end(struct daemon *d, int err, int64_t now_ms)
{
	struct live *l = d->live;

	if (!l || !l->is_taking)
		return;
	l->is_taking = false;
	if (err) /* leave is_wanted set: the dump will be repeated */
		return;
	l->is_wanted = false;
	l->taken_ms = now_ms;
}

void live_tick(struct daemon *d, int64_t now_ms)
{
	struct live *l = d->live;

	if (l->is_taking || now_ms - l->asked_ms < KEPT_MS)
		return;
	l->is_wanted = false;
	if (l->rows)
		forget(l);
}

static void rows_print(const struct live *l, size_t from, FILE *out)
{
	for (size_t i = from; i < l->n && i < from + ROWS_PART; i++) {
		const struct live_row *r = &l->rows[i];

		fprintf(out, "%s[%" PRId64 ",%u,%" PRId64, i > from ? "," : "", r->id,
			(unsigned)r->tcp_state, r->idle_ms);
		if (r->has_counters)
			fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, r->packets[0],
				r->bytes[0], r->packets[1], r->bytes[1]);
		fputc(']', out);
	}
}

char *live_answer(struct daemon *d, const char *from, int64_t now_ms)
{
	struct live *l = d->live;
	size_t first = strtoul(from, NULL, 10), size;
	char *text = NULL;
	FILE *out;

	if (!first && (!l->taken_ms || now_ms - l->taken_ms > FRESH_MS || now_ms < l->taken_ms)) {
		l->is_wanted = true;
		resync_look(d, now_ms);
	}
	l->asked_ms = now_ms;
	if (l->is_too_many)
		return strdup("{\"error\":\"too many live flows for a snapshot\"}");
	if (l->is_wanted || l->is_taking || !l->taken_ms)
		return strdup("{\"is_ready\":false}");
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	/* Send the time when the dump began. A client subtracts a flow's idle time from it to get
	 * the time of the last packet. The end of the dump would give too late a time for flows
	 * that were read early. */
	fprintf(out, "{\"is_ready\":true,\"taken_ms\":%" PRId64 ",\"total\":%zu,\"rows\":[",
		l->begun_ms, l->n);
	rows_print(l, first, out);
	fputs("]}", out);
	if (!fclose(out))
		return text;
	free(text);
	errno = ENOMEM;
	return NULL;
}
