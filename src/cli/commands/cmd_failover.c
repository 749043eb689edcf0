/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_failover.c - `waymark failover`: shows what happened to an uplink's flows when the uplink
 * last went down. If --since or --until is given, it shows each time that the uplink went down in
 * this interval. It counts the flows that moved, were deleted, are stranded, or started on another
 * uplink (enum failover_class), and shows how the failure was detected.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands/failover_count.h"
#include "cli/history.h"
#include "waymark/base/times.h"

#define NOT_COUNTED  "not counted"
#define NOT_MEASURED "not measured"

static const struct column sum_columns[] = {
	{.name = "uplink"},
	{.name = "down", .type = COLUMN_TIME},
	{.name = "back", .type = COLUMN_TIME},
	{.name = "class"},
	{.name = "by"},
	{.name = "flows", .type = COLUMN_NUMBER},
	{.name = "live", .type = COLUMN_NUMBER},
	{.name = "bytes", .type = COLUMN_SIZE},
	{.name = "bytes_unknown", .type = COLUMN_NUMBER, .rank = 2},
	{.name = "cause", .rank = 1},
	{.name = "decision", .rank = 2},
	{.name = "user", .rank = 3},
	{.name = "detail", .rank = 1},
	{.name = "detected_by", .rank = 1},
	{.name = "began", .type = COLUMN_TIME, .rank = 2},
	{.name = "detection_ms", .type = COLUMN_NUMBER, .rank = 1, .unknown = NOT_MEASURED},
	{.name = "unanswered", .type = COLUMN_NUMBER, .rank = 2, .unknown = NOT_COUNTED},
	{.name = "packets_lost", .type = COLUMN_NUMBER, .rank = 1, .unknown = NOT_COUNTED},
};
#define N_SUM_COLUMNS (sizeof(sum_columns) / sizeof(*sum_columns))

static const struct column flow_columns[] = {
	{.name = "id", .type = COLUMN_NUMBER},
	{.name = "started", .type = COLUMN_TIME, .is_detail = true},
	{.name = "ended", .type = COLUMN_TIME, .is_detail = true},
	{.name = "state"},
	{.name = "proto"},
	{.name = "src"},
	{.name = "sport", .type = COLUMN_NUMBER},
	{.name = "dst"},
	{.name = "dport", .type = COLUMN_NUMBER},
	{.name = "uplink"},
	{.name = "egress"},
	{.name = "egress_reply"},
	{.name = "verdict"},
	{.name = "reason"},
	{.name = "bytes", .type = COLUMN_SIZE},
	{.name = "bytes_reply", .type = COLUMN_SIZE},
};

/* --- reading the failover --------------------------------------------------------------- */

/* The path of the daemon's control socket; NULL: do not ask the daemon. */
static char *socket_path;

/* Whether --since or --until is given. If so, show all failovers in the interval. */
static bool is_span;

/* Add the counters of the failover's live flows: the history has counters of ended flows only. */
static void failover_complete(struct failover *f)
{
	int err = failover_count(f, socket_path);

	if (err == -EPERM)
		cli_error("failover: cannot read the byte counts of live flows: CAP_NET_ADMIN is "
			  "missing (run it as root)");
	else if (err)
		cli_error("failover: cannot read the byte counts of live flows: %s",
			  strerror(-err));
}

/* Read the newest failover that matches the filter, and the counters of its live flows. Return 0 on
 * success, 1 if no failover matches, or -errno. */
static int failover_find(struct query *q, const struct flow_filter *filter, struct failover *f)
{
	int64_t until_ms = filter->q.until_ms;
	int err = query_failover(q, filter->q.uplink,
				 is_span && until_ms > 0 ? until_ms - 1 : until_ms, f);

	if (err)
		return err == -ENOENT ? 1 : err;
	if (is_span && f->down_ms < filter->q.since_ms) {
		failover_free(f);
		return 1;
	}
	failover_complete(f);
	return 0;
}

/* --- sums ---------------------------------------------------------------------------------- */

static struct value text_value(const char *text)
{
	return (struct value){.kind = *text ? VALUE_TEXT : VALUE_NULL, .text = text};
}

static struct value number_value(uint64_t number)
{
	return (struct value){.kind = VALUE_INTEGER, .integer = (int64_t)number};
}

static struct value known_value(uint64_t number, bool is_known)
{
	return is_known ? number_value(number) : (struct value){.kind = VALUE_NULL};
}

static int sum_show(const struct failover *f, const struct failover_sum *s, query_row_fn *fn,
		    void *data)
{
	char down[TIMES_STRLEN], back[TIMES_STRLEN], began[TIMES_STRLEN];
	bool is_known = !s->flows || s->unknown < s->flows;
	struct value values[N_SUM_COLUMNS] = {
		text_value(f->uplink),
		text_value(times_format_iso(f->down_ms, down)),
		text_value(f->back_ms ? times_format_iso(f->back_ms, back) : ""),
		text_value(failover_class_name(s->class)),
		text_value(s->by),
		number_value(s->flows),
		number_value(s->live),
		known_value(s->bytes, is_known),
		number_value(s->unknown),
		text_value(f->cause),
		text_value(f->decision),
		text_value(f->user),
		text_value(f->detail),
		text_value(f->detected_by),
		text_value(f->began_ms ? times_format_iso(f->began_ms, began) : ""),
		known_value((uint64_t)(f->down_ms - f->began_ms), f->began_ms),
		known_value(f->unanswered, f->began_ms),
		known_value(f->packets_lost, f->began_ms),
	};

	for (size_t i = 0; i < N_SUM_COLUMNS; i++)
		values[i].name = sum_columns[i].name;
	return fn(data, values, N_SUM_COLUMNS);
}

/* Show the sums of a failover, and free the failover. */
static int sums_show(struct failover *f, query_row_fn *fn, void *data)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->n_sums; i++)
		r = sum_show(f, &f->sums[i], fn, data);
	failover_free(f);
	return r;
}

/* Show all failovers between --since and --until, oldest first. */
static int span_show(struct query *q, const struct flow_filter *filter, query_row_fn *fn,
		     void *data)
{
	struct failover f;
	int64_t *ids;
	size_t n;
	int r = query_failovers(q, filter->q.uplink, filter->q.since_ms, filter->q.until_ms, &ids,
				&n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = query_failover_of(q, ids[i], &f);
		if (r)
			break;
		failover_complete(&f);
		r = sums_show(&f, fn, data);
	}
	free(ids);
	return r;
}

static int sums_query(struct query *q, const struct flow_filter *filter, query_row_fn *fn,
		      void *data)
{
	struct failover f;
	int r;

	if (is_span)
		return span_show(q, filter, fn, data);
	r = failover_find(q, filter, &f);
	return r ? r : sums_show(&f, fn, data);
}

/* --- flows --------------------------------------------------------------------------------- */

/* The arguments of flow_fill(), which adds the counters of live flows to rows of the history and
 * passes the rows to fn. */
struct filling {
	const struct failover *failover;
	/* which rows to pass to fn: those of class FAILOVER_STRANDED or FAILOVER_IDLE;
	 * FAILOVER_CLASSES: all rows */
	enum failover_class class;
	query_row_fn *fn;
	void *data;
};

static int flow_fill(void *data, const struct value *values, size_t n)
{
	const struct filling *to = data;
	const struct failover_live *l = failover_live_find(to->failover, values[0].integer);
	struct value row[64];

	if (to->class != FAILOVER_CLASSES && (l && l->is_idle) != (to->class == FAILOVER_IDLE))
		return 0;
	if (!l || !l->is_counted || n > sizeof(row) / sizeof(*row))
		return to->fn(to->data, values, n);
	for (size_t i = 0; i < n; i++) {
		bool is_reply = !strcmp(values[i].name, "bytes_reply");

		row[i] = values[i];
		if (row[i].kind != VALUE_NULL || (!is_reply && strcmp(values[i].name, "bytes")))
			continue;
		row[i].kind = VALUE_INTEGER;
		row[i].integer = (int64_t)l->bytes[is_reply ? DIR_REPLY : DIR_ORIGINAL];
	}
	return to->fn(to->data, row, n);
}

static int flows_query(struct query *q, const struct flow_filter *filter, enum failover_class c,
		       query_row_fn *fn, void *data)
{
	struct failover f;
	struct filling to = {.failover = &f, .class = FAILOVER_CLASSES, .fn = fn, .data = data};
	uint64_t limit = filter->q.limit;
	int r = failover_find(q, filter, &f);

	/* The history cannot distinguish idle from stranded flows: a query for stranded flows
	 * returns both, and flow_fill() drops the rows of the other class. The query has no limit,
	 * because the limit would also count the dropped rows. */
	if (c == FAILOVER_STRANDED || c == FAILOVER_IDLE) {
		to.class = c;
		c = FAILOVER_STRANDED;
		limit = 0;
	}

	if (r)
		return r;
	r = query_failover_flows(q, &f, c, limit, flow_fill, &to);
	failover_free(&f);
	return r;
}

static int moved_query(struct query *q, const struct flow_filter *f, query_row_fn *fn, void *data)
{
	return flows_query(q, f, FAILOVER_MOVED, fn, data);
}

static int deleted_query(struct query *q, const struct flow_filter *f, query_row_fn *fn, void *data)
{
	return flows_query(q, f, FAILOVER_DELETED, fn, data);
}

static int stranded_query(struct query *q, const struct flow_filter *f, query_row_fn *fn,
			  void *data)
{
	return flows_query(q, f, FAILOVER_STRANDED, fn, data);
}

static int idle_query(struct query *q, const struct flow_filter *f, query_row_fn *fn, void *data)
{
	return flows_query(q, f, FAILOVER_IDLE, fn, data);
}

static int ended_query(struct query *q, const struct flow_filter *f, query_row_fn *fn, void *data)
{
	return flows_query(q, f, FAILOVER_ENDED, fn, data);
}

static int backup_query(struct query *q, const struct flow_filter *f, query_row_fn *fn, void *data)
{
	return flows_query(q, f, FAILOVER_BACKUP, fn, data);
}

static int returned_query(struct query *q, const struct flow_filter *f, query_row_fn *fn,
			  void *data)
{
	return flows_query(q, f, FAILOVER_RETURNED, fn, data);
}

static history_query_fn *const class_queries[FAILOVER_CLASSES] = {
	[FAILOVER_MOVED] = moved_query,	      [FAILOVER_DELETED] = deleted_query,
	[FAILOVER_STRANDED] = stranded_query, [FAILOVER_IDLE] = idle_query,
	[FAILOVER_ENDED] = ended_query,	      [FAILOVER_BACKUP] = backup_query,
	[FAILOVER_RETURNED] = returned_query,
};

/* --- the command ----------------------------------------------------------------------------- */

static enum exit_status flows_show(const struct invocation *in, const char *name)
{
	struct history flows = {
		.columns = flow_columns,
		.n_columns = sizeof(flow_columns) / sizeof(*flow_columns),
		.rows_name = "flows of a failover",
	};
	int class = failover_class_parse(name);

	if (class < 0) {
		cli_error("failover: --list \"%s\": expected one of moved, deleted, stranded, "
			  "idle, ended, backup, returned",
			  name);
		return CLI_USAGE;
	}
	flows.query = class_queries[class];
	return history_show(in, &flows);
}

enum exit_status cmd_failover(const struct invocation *in)
{
	static const struct history sums = {
		.columns = sum_columns,
		.n_columns = N_SUM_COLUMNS,
		.query = sums_query,
		.rows_name = "failovers",
		.is_newest_last = true,
	};
	const char *class = in->values[OPTION_LIST];
	bool is_alone = in->values[OPTION_DATABASE] && !in->values[OPTION_SOCKET];
	enum exit_status status;

	is_span = in->values[OPTION_SINCE] || in->values[OPTION_UNTIL];
	socket_path = is_alone ? NULL : cli_socket(in);
	if (!socket_path && !is_alone)
		return CLI_FAILED;
	status = class ? flows_show(in, class) : history_show(in, &sums);
	free(socket_path);
	return status;
}
