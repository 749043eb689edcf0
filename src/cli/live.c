/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live.c - reads the daemon's snapshot of live flows in parts, and adds the counters of these flows
 * to rows of the history.
 */
#include "cli/live.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "waymark/base/sort.h"
#include "waymark/base/times.h"

/* How many times to ask again while the daemon dumps a large conntrack table. */
#define PAUSES_MAX 200
#define ROW_MAX	   64

static const char *const tcp_names[] = {
	NULL,	      "SYN_SENT", "SYN_RECV",  "ESTABLISHED", "FIN_WAIT",
	"CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",	      "SYN_SENT2",
};

const char *live_tcp_name(uint8_t state)
{
	return state < sizeof(tcp_names) / sizeof(*tcp_names) ? tcp_names[state] : NULL;
}

/* --- requests ------------------------------------------------------------------------ */

static int64_t number_at(const json_t *row, size_t i)
{
	return json_integer_value(json_array_get(row, i));
}

static int rows_take(struct live_flows *l, const json_t *rows)
{
	size_t n = json_array_size(rows);
	struct live_flow *list = realloc(l->list, (l->n + n + 1) * sizeof(*list));

	if (!list)
		return -ENOMEM;
	l->list = list;
	for (size_t i = 0; i < n; i++) {
		const json_t *row = json_array_get(rows, i);
		struct live_flow *f = &l->list[l->n++];

		*f = (struct live_flow){
			.id = number_at(row, 0),
			.tcp_state = (uint8_t)number_at(row, 1),
			.idle_ms = number_at(row, 2),
			.has_counters = json_array_size(row) > 3,
		};
		for (size_t d = 0; f->has_counters && d < 2; d++) {
			f->packets[d] = (uint64_t)number_at(row, 3 + 2 * d);
			f->bytes[d] = (uint64_t)number_at(row, 4 + 2 * d);
		}
	}
	return 0;
}

/* Add one part of the snapshot to *l. Return 1 if another part follows, 0 if the snapshot is
 * complete, -EAGAIN if the daemon has not yet made the snapshot, or another -errno. */
static int part_take(struct live_flows *l, const char *text)
{
	json_t *o = json_loads(text, 0, NULL);
	size_t total = (size_t)json_integer_value(json_object_get(o, "total")), before = l->n;
	int err = o ? 0 : -EPROTO;

	if (!err && json_object_get(o, "error"))
		err = -ENOTSUP;
	else if (!err && !json_is_true(json_object_get(o, "is_ready")))
		err = -EAGAIN;
	if (!err)
		err = rows_take(l, json_object_get(o, "rows"));
	if (!err)
		l->taken_ms = json_integer_value(json_object_get(o, "taken_ms"));
	json_decref(o);
	return err ? err : l->n < total && l->n > before;
}

static int by_id(const void *a, const void *b)
{
	int64_t x = ((const struct live_flow *)a)->id, y = ((const struct live_flow *)b)->id;

	return (x > y) - (x < y);
}

int live_flows_ask(struct live_flows *l, const char *socket)
{
	char command[32], *text;
	int r = 1;

	*l = (struct live_flows){0};
	for (int pauses = 0; r == 1 || (r == -EAGAIN && pauses < PAUSES_MAX);) {
		snprintf(command, sizeof(command), "live %zu", l->n);
		r = client_ask(socket, command, &text);
		if (r)
			break;
		r = part_take(l, text);
		free(text);
		if (r == -EAGAIN) {
			pauses++;
			client_pause();
		}
	}
	if (r) {
		l->taken_ms = 0;
		return r;
	}
	list_sort(l->list, l->n, sizeof(*l->list), by_id);
	return 0;
}

void live_flows_free(struct live_flows *l)
{
	free(l->list);
	*l = (struct live_flows){0};
}

const struct live_flow *live_flows_find(const struct live_flows *l, int64_t id)
{
	struct live_flow key = {.id = id};

	return l->n ? bsearch(&key, l->list, l->n, sizeof(*l->list), by_id) : NULL;
}

/* --- rows ------------------------------------------------------------------------------ */

static void counter_put(struct value *v, const struct live_flow *f)
{
	static const char *const names[] = {"packets", "bytes", "packets_reply", "bytes_reply"};

	for (size_t i = 0; f && f->has_counters && i < 4; i++)
		if (!strcmp(v->name, names[i])) {
			v->kind = VALUE_INTEGER;
			v->integer = (int64_t)(i % 2 ? f->bytes : f->packets)[i / 2];
		}
}

/* Return whether the flow started so long before the snapshot that the snapshot must contain it if
 * it was still live. */
static bool is_older(const struct live_flows *l, const struct value *values, size_t n)
{
	const char *started = value_text(values, n, "started");
	int64_t ms;

	return started && !times_parse_iso(started, &ms) && ms < l->taken_ms - 1000;
}

int live_fill(void *data, const struct value *values, size_t n)
{
	const struct live_filling *to = data;
	const struct live_flow *f = live_flows_find(to->live, values[0].integer);
	const char *state = f ? live_tcp_name(f->tcp_state) : NULL;
	struct value row[ROW_MAX + 1];

	/* An older flow that is missing in the snapshot has ended: omit it. */
	if (to->live->taken_ms && !f && is_older(to->live, values, n))
		return 0;
	if (n > ROW_MAX)
		return -EOVERFLOW;
	memcpy(row, values, n * sizeof(*row));
	for (size_t i = 0; i < n; i++)
		counter_put(&row[i], f);
	row[n] = (struct value){
		.name = "tcp_state", .kind = state ? VALUE_TEXT : VALUE_NULL, .text = state};
	return to->fn(to->data, row, n + 1);
}
