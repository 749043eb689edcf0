/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_usage.c - `waymark usage`: lists for each uplink and direction the bytes, the peak rate and
 * the 95th percentile, and for each uplink the remaining quota. The bytes come from the kernel's
 * counters. The history stores them in bins of 5 minutes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cells.h"
#include "cli/commands/usage_sum.h"
#include "cli/database.h"
#include "cli/history.h"
#include "cli/running.h"
#include "cli/uplink_name.h"
#include "waymark/base/clock.h"
#include "waymark/base/times.h"

static const struct column columns[] = {
	{.name = "time", .type = COLUMN_TIME},
	{.name = "uplink"},
	{.name = "bytes_sent", .type = COLUMN_SIZE},
	{.name = "bytes_received", .type = COLUMN_SIZE},
	{.name = "peak_sent", .type = COLUMN_RATE, .rank = 7},
	{.name = "peak_received", .type = COLUMN_RATE, .rank = 6},
	{.name = "p95_sent", .type = COLUMN_RATE, .rank = 5},
	{.name = "p95_received", .type = COLUMN_RATE, .rank = 4},
	{.name = "quota_left", .type = COLUMN_SIZE},
};
#define N_COLUMNS (sizeof(columns) / sizeof(*columns))

static const char *const periods[] = {
	[USAGE_5MIN] = "5min",
	[USAGE_HOUR] = "hour",
	[USAGE_DAY] = "day",
	[USAGE_MONTH] = "month",
};

/* --- reading bins ---------------------------------------------------------------------------- */

static int bin_take(void *data, const struct value *values, size_t n)
{
	struct usage_bins *bins = data;
	const char *uplink = value_text(values, n, "uplink");

	return usage_add(bins, uplink ? uplink : "?", value_number(values, n, "time_ms", 0),
			 value_number(values, n, "bytes_sent", 0),
			 value_number(values, n, "bytes_received", 0));
}

/* --- quota -------------------------------------------------------------------------------- */

static const struct uplink_config *uplink_find(const struct config *c, const char *name)
{
	for (size_t i = 0; c && i < c->n_uplinks; i++)
		if (!strcmp(c->uplinks[i].name, name))
			return &c->uplinks[i];
	return NULL;
}

/* Add the cell with the remaining quota. It has a value only in the row of the present period. */
static void quota_show(struct cells *r, const struct usage_sum *sum, const struct config *c,
		       const struct usage_bins *bins, int64_t now_ms)
{
	const struct uplink_config *u = uplink_find(c, sum->uplink);
	int64_t used;

	if (!u || !u->quota_bytes || sum->until_ms <= now_ms) {
		cells_text(r, NULL, PAINT_NONE);
		return;
	}
	used = usage_since(bins, sum->uplink, times_period_start(now_ms, u->quota_day));
	cells_number(r, (int64_t)u->quota_bytes - used,
		     used > (int64_t)u->quota_bytes ? PAINT_BAD : PAINT_NONE);
}

/* --- printing ------------------------------------------------------------------------------ */

/* Format the start of a period. In tables, a day is "2026-11-26" and a month is "2026-11". In wide
 * tables and in other formats, the start is a time. */
static const char *period_format(const struct render_style *style, enum usage_period period,
				 int64_t time_ms, char time[TIMES_STRLEN])
{
	static const size_t lengths[] = {
		[USAGE_DAY] = sizeof("2026-11-26"), [USAGE_MONTH] = sizeof("2026-11")};

	if (style->format != RENDER_TABLE || style->is_wide || period < USAGE_DAY)
		return times_format_iso(time_ms, time);
	times_format(time_ms, TIMES_FULL, time);
	time[lengths[period] - 1] = '\0';
	return time;
}

static void sum_show(struct cells *r, const struct usage_sum *s, const struct render_style *style,
		     enum usage_period period)
{
	char time[TIMES_STRLEN];

	cells_text(r, period_format(style, period, s->time_ms, time), PAINT_NONE);
	cells_text(r, s->uplink, PAINT_NONE);
	cells_number(r, s->bytes[0], PAINT_NONE);
	cells_number(r, s->bytes[1], PAINT_NONE);
	for (int d = 0; d < 2; d++)
		cells_number(r, s->peak[d], PAINT_NONE);
	for (int d = 0; d < 2; d++)
		cells_number(r, s->p95[d], PAINT_NONE);
}

static enum exit_status usage_print(const struct invocation *in, struct usage_bins *bins,
				    const struct flow_filter *f, enum usage_period period)
{
	bool is_alone = in->values[OPTION_DATABASE] && !in->values[OPTION_SOCKET];
	struct usage_sum *sums = NULL;
	enum exit_status status = CLI_FAILED;
	struct config *c = NULL;
	struct cells *r = NULL;
	size_t n = 0;

	if (!is_alone)
		running_config(in, &c);
	if (usage_sums(bins, period, f->q.since_ms, &sums, &n))
		cli_error("cannot add up the usage: out of memory");
	else
		status = cells_open(&r, in, columns, N_COLUMNS);
	for (size_t i = 0; r && i < n; i++) {
		sum_show(r, &sums[i], &in->style, period);
		quota_show(r, &sums[i], c, bins, f->now_ms);
	}
	free(sums);
	config_free(c);
	if (!r)
		return status;
	if (!n && in->style.format == RENDER_TABLE)
		cli_error("no matching usage in the history");
	return cells_end(r);
}

static enum exit_status usage_read(const struct invocation *in, struct query *q,
				   struct flow_filter *f, enum usage_period period)
{
	enum exit_status status = uplink_name_check_history(in, q);
	struct query_filter wanted = f->q;
	struct usage_bins bins = {0};

	if (status != CLI_DONE)
		return status;
	/* Read also the bins of a month before --since: the quota's month may begin before
	 * --since, and the used quota is counted from there. */
	wanted.since_ms = f->q.since_ms ? f->q.since_ms - 32 * INT64_C(86400000) : 0;
	wanted.limit = 0;
	if (query_usage(q, &wanted, "5min", bin_take, &bins) < 0) {
		cli_error("usage: %s", query_error(q));
		status = CLI_FAILED;
	} else {
		status = usage_print(in, &bins, f, period);
	}
	usage_clear(&bins);
	return status;
}

static enum exit_status usage(const struct invocation *in, struct flow_filter *f,
			      enum usage_period period)
{
	char *path;
	enum exit_status status = database_find(in, &path);
	struct query *q = path ? history_open(path) : NULL;

	if (status == CLI_DONE)
		status = q ? usage_read(in, q, f, period) : CLI_FAILED;
	query_close(q);
	free(path);
	return status;
}

enum exit_status cmd_usage(const struct invocation *in)
{
	const char *by = in->values[OPTION_BY] ? in->values[OPTION_BY] : periods[USAGE_MONTH];
	struct flow_filter filter;
	enum exit_status status = filter_parse(&filter, in, clock_now_ms());

	if (status != CLI_DONE)
		return status;
	for (int i = USAGE_5MIN; i <= USAGE_MONTH; i++)
		if (!strcmp(by, periods[i]))
			return usage(in, &filter, (enum usage_period)i);
	cli_error("usage: --by \"%s\": expected 5min, hour, day or month", by);
	return CLI_USAGE;
}
