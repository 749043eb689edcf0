/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_stats.c - `waymark stats --by COLUMN[,COLUMN]`: prints sums over the matching flows,
 * grouped by one or two columns. Memory grows with the number of groups, not with the
 * number of flows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/history.h"
#include "waymark/base/clock.h"
#include "waymark/base/suggest.h"
#include "waymark/base/times.h"

#define BY_MAX	 2
#define KEY_MAX	 128
#define SUMS	 5
#define ROOM_MIN 1024

/* The words by which flows can be grouped: columns of the view `flows`, and the hour or day in
 * which a flow started. */
static const char *const groupings[] = {"uplink", "egress",  "ingress", "src",	 "dst",	 "dport",
					"proto",  "verdict", "reason",	"state", "hour", "day"};
#define GROUPINGS (sizeof(groupings) / sizeof(*groupings))

static const struct column sum_columns[SUMS] = {
	{.name = "flows", .type = COLUMN_NUMBER},
	{.name = "bytes", .type = COLUMN_SIZE},
	{.name = "bytes_reply", .type = COLUMN_SIZE},
	{.name = "mismatches", .type = COLUMN_NUMBER},
	{.name = "unanswered", .type = COLUMN_NUMBER},
};

struct group {
	char *keys[BY_MAX]; /* values of the columns of --by; NULL: unknown or not used */
	uint64_t hash;
	int64_t sums[SUMS];
};

struct grouping {
	const struct flow_filter *filter;
	const char *by[BY_MAX];
	size_t n_by;
	struct group *groups; /* hash table; an entry whose number of flows is 0 is unused */
	size_t n, room;
};

/* --- the columns to group by --------------------------------------------------------------- */

static const char *grouping_find(const char *name, struct suggestion *s)
{
	suggest_start(s, name);
	for (size_t i = 0; i < GROUPINGS; i++) {
		if (!strcmp(groupings[i], name))
			return groupings[i];
		suggest_consider(s, groupings[i]);
	}
	return NULL;
}

static enum exit_status by_parse(const char *text, struct grouping *g)
{
	char copy[KEY_MAX], *rest = copy, *name;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((name = strsep(&rest, ","))) {
		struct suggestion s;
		const char *column = grouping_find(name, &s);

		if (column && g->n_by < BY_MAX) {
			g->by[g->n_by++] = column;
			continue;
		}
		if (column)
			cli_error("stats: --by \"%s\": expected at most two columns", text);
		else
			cli_error("stats: --by \"%s\": cannot group by \"%s\" (%s%s)", text, name,
				  s.best ? "did you mean "
					 : "expected uplink, egress, ingress, src, dst, dport, "
					   "proto, verdict, reason, state, hour or day",
				  s.best ? s.best : "");
		return CLI_USAGE;
	}
	return CLI_DONE;
}

/* --- groups ------------------------------------------------------------------------------ */

/* Round a flow's start time down to the full local hour or day. Write the result to buf as ISO 8601
 * in UTC. Return buf, or NULL if the flow's start is unknown. */
static const char *start_truncate(const char *text, bool is_day, char buf[KEY_MAX])
{
	struct tm tm;
	int64_t ms;
	time_t t;

	if (!text || times_parse_iso(text, &ms))
		return NULL;
	t = (time_t)(ms / 1000);
	if (!localtime_r(&t, &tm))
		return NULL;
	tm.tm_sec = tm.tm_min = 0;
	tm.tm_hour = is_day ? 0 : tm.tm_hour;
	tm.tm_isdst = is_day ? -1 : tm.tm_isdst;
	return times_format_iso((int64_t)mktime(&tm) * 1000, buf);
}

static const char *key_of(const char *by, const struct value *values, size_t n, char buf[KEY_MAX])
{
	const struct value *v;
	bool is_day = !strcmp(by, "day");

	if (is_day || !strcmp(by, "hour"))
		return start_truncate(value_text(values, n, "started"), is_day, buf);
	v = value_find(values, n, by);
	if (!v || v->kind == VALUE_TEXT)
		return v ? v->text : NULL;
	snprintf(buf, KEY_MAX, "%lld", (long long)v->integer);
	return buf;
}

static uint64_t hash_of(uint64_t hash, const char *text)
{
	for (text = text ? text : "\n"; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static struct group *place_find(const struct grouping *g, const char *const keys[BY_MAX],
				uint64_t hash)
{
	size_t at = hash & (g->room - 1);

	for (;; at = (at + 1) & (g->room - 1)) {
		struct group *group = &g->groups[at];

		if (!group->sums[0] || (group->hash == hash && is_same(group->keys[0], keys[0]) &&
					is_same(group->keys[1], keys[1])))
			return group;
	}
}

static int room_make(struct grouping *g)
{
	struct grouping grown = *g;

	if (g->room && g->n < g->room / 2)
		return 0;
	grown.room = g->room ? 2 * g->room : ROOM_MIN;
	grown.groups = calloc(grown.room, sizeof(*grown.groups));
	if (!grown.groups)
		return -ENOMEM;
	for (size_t i = 0; i < g->room; i++) {
		struct group *group = &g->groups[i];

		if (group->sums[0])
			*place_find(&grown, (const char *const *)group->keys, group->hash) = *group;
	}
	free(g->groups);
	*g = grown;
	return 0;
}

static int group_take(struct grouping *g, const char *const keys[BY_MAX], struct group **out)
{
	uint64_t hash = hash_of(hash_of(1469598103934665603U, keys[0]), keys[1]);
	int err = room_make(g);

	if (err)
		return err;
	*out = place_find(g, keys, hash);
	if ((*out)->sums[0])
		return 0;
	(*out)->hash = hash;
	g->n++;
	for (int i = 0; i < BY_MAX; i++) {
		(*out)->keys[i] = keys[i] ? strdup(keys[i]) : NULL;
		if (keys[i] && !(*out)->keys[i])
			return -ENOMEM;
	}
	return 0;
}

static int flow_take(void *data, const struct value *values, size_t n)
{
	struct grouping *g = data;
	char buf[BY_MAX][KEY_MAX];
	const char *keys[BY_MAX] = {NULL, NULL}, *verdict = value_text(values, n, "verdict");
	struct group *group;
	int err;

	if (!filter_fits_row(g->filter, values, n) || !filter_fits_flow(g->filter, values, n))
		return 0;
	for (size_t i = 0; i < g->n_by; i++)
		keys[i] = key_of(g->by[i], values, n, buf[i]);
	err = group_take(g, keys, &group);
	if (err)
		return err;
	group->sums[0]++;
	group->sums[1] += value_number(values, n, "bytes", 0);
	group->sums[2] += value_number(values, n, "bytes_reply", 0);
	group->sums[3] += verdict && !strcmp(verdict, "mismatch");
	group->sums[4] += value_number(values, n, "packets_reply", 1) == 0;
	return 0;
}

/* --- printing groups --------------------------------------------------------------------- */

static int group_show(const struct grouping *g, const struct group *group, query_row_fn *fn,
		      void *data)
{
	struct value values[BY_MAX + SUMS] = {0};
	size_t n = 0;

	for (; n < g->n_by; n++) {
		values[n].name = g->by[n];
		values[n].kind = group->keys[n] ? VALUE_TEXT : VALUE_NULL;
		values[n].text = group->keys[n];
	}
	for (size_t i = 0; i < SUMS; i++, n++) {
		values[n].name = sum_columns[i].name;
		values[n].kind = VALUE_INTEGER;
		values[n].integer = group->sums[i];
	}
	return fn(data, values, n);
}

static int stats_query(struct query *q, const struct flow_filter *f, query_row_fn *fn, void *data)
{
	struct grouping g = {.filter = f};
	struct flow_filter all = *f;
	int r;

	by_parse(f->by, &g);
	all.q.limit = 0;
	r = history_flows(q, &all, flow_take, &g);
	for (size_t i = 0; i < g.room; i++) {
		if (r == 0 && g.groups[i].sums[0])
			r = group_show(&g, &g.groups[i], fn, data);
		free(g.groups[i].keys[0]);
		free(g.groups[i].keys[1]);
	}
	free(g.groups);
	return r;
}

enum exit_status cmd_stats(const struct invocation *in)
{
	struct column columns[BY_MAX + SUMS] = {0};
	struct history stats = {
		.columns = columns, .query = stats_query, .rows_name = "flows", .sort = "flows"};
	struct flow_filter filter;
	struct grouping g = {0};
	enum exit_status status = filter_parse(&filter, in, clock_now_ms());

	if (status != CLI_DONE)
		return status;
	filter.by = filter.by ? filter.by : "uplink";
	if (by_parse(filter.by, &g) != CLI_DONE)
		return CLI_USAGE;
	for (size_t i = 0; i < g.n_by; i++) {
		bool is_time = !strcmp(g.by[i], "hour") || !strcmp(g.by[i], "day");

		columns[i].name = g.by[i];
		columns[i].type = is_time		      ? COLUMN_TIME
				  : !strcmp(g.by[i], "dport") ? COLUMN_NUMBER
							      : COLUMN_TEXT;
	}
	memcpy(&columns[g.n_by], sum_columns, sizeof(sum_columns));
	stats.n_columns = g.n_by + SUMS;
	if (!strcmp(g.by[0], "hour") || !strcmp(g.by[0], "day"))
		stats.sort = g.by[0];
	return history_show_filtered(in, &stats, &filter);
}
