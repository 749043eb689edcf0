/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_who.c - `waymark who`: shows which inside host used a public address and port at a
 * given time.
 *
 * It reports that no host used them only if the history covers the given time. The history does not
 * cover gaps, times when no daemon ran, or the time before the oldest stored flow.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cells.h"
#include "cli/database.h"
#include "cli/history.h"
#include "cli/row_copy.h"
#include "waymark/base/clock.h"
#include "waymark/base/times.h"

struct search {
	struct flow_filter filter;
	struct addr address;
	int32_t port; /* -1: any */
	uint64_t n;   /* number of flows found */
	struct cells *cells;
	/* the history does not cover the whole given time, so flows may be missing */
	bool is_unseen;
	/* if is_unseen: a time that the history does not cover, and the reason; from_ms 0: since
	 * the beginning; until_ms 0: until now */
	int64_t from_ms, until_ms;
	char reason[160];
};

static const struct column columns[] = {
	{.name = "host"},
	{.name = "port", .type = COLUMN_NUMBER},
	{.name = "started", .type = COLUMN_TIME},
	{.name = "ended", .type = COLUMN_TIME, .rank = 2},
	{.name = "public", .rank = 4}, /* the address that the user asked for */
	{.name = "public_port", .type = COLUMN_NUMBER, .rank = 5},
	{.name = "proto"},
	{.name = "peer"},
	{.name = "peer_port", .type = COLUMN_NUMBER, .rank = 6},
	{.name = "uplink"},
	{.name = "flow_id", .type = COLUMN_NUMBER, .rank = 1},
};
#define N_COLUMNS (sizeof(columns) / sizeof(*columns))

/* --- flows ------------------------------------------------------------------------------ */

struct side {
	const char *public, *public_port, *inside, *inside_port, *peer, *peer_port;
};
/* The columns that contain the public, inside and peer endpoints of a flow. The first row is used
 * whose public endpoint is the address searched for. Rows 1 and 2 are for flows from inside, with
 * and without SNAT. Rows 3 and 4 are for flows from outside, with and without DNAT. */
static const struct side sides[] = {
	{"nat_src", "nat_sport", "src", "sport", "dst", "dport"},
	{"src", "sport", "src", "sport", "dst", "dport"},
	{"dst", "dport", "nat_dst", "nat_dport", "src", "sport"},
	{"dst", "dport", "dst", "dport", "src", "sport"},
};

static bool side_fits(const struct search *s, const struct side *side, const struct value *values,
		      size_t n)
{
	const char *text = value_text(values, n, side->public);
	struct addr a;

	return text && value_text(values, n, side->inside) && !addr_parse(&a, text) &&
	       addr_is_equal(&a, &s->address) &&
	       (s->port < 0 || value_number(values, n, side->public_port, -1) == s->port);
}

static void text_add(struct cells *r, const struct value *values, size_t n, const char *name)
{
	cells_text(r, value_text(values, n, name), PAINT_NONE);
}

static void number_add(struct cells *r, const struct value *values, size_t n, const char *name)
{
	const struct value *v = value_find(values, n, name);

	if (v)
		cells_number(r, v->integer, PAINT_NONE);
	else
		cells_text(r, NULL, PAINT_NONE);
}

static int flow_take(void *data, const struct value *values, size_t n)
{
	struct search *s = data;
	const struct side *side = NULL;

	for (size_t i = 0; !side && i < sizeof(sides) / sizeof(*sides); i++)
		if (side_fits(s, &sides[i], values, n))
			side = &sides[i];
	if (!side || !filter_fits_row(&s->filter, values, n))
		return 0;
	text_add(s->cells, values, n, side->inside);
	number_add(s->cells, values, n, side->inside_port);
	text_add(s->cells, values, n, "started");
	text_add(s->cells, values, n, "ended");
	text_add(s->cells, values, n, side->public);
	number_add(s->cells, values, n, side->public_port);
	text_add(s->cells, values, n, "proto");
	text_add(s->cells, values, n, side->peer);
	number_add(s->cells, values, n, side->peer_port);
	text_add(s->cells, values, n, "uplink");
	number_add(s->cells, values, n, "id");
	return ++s->n == s->filter.q.limit;
}

static int flows_search(struct query *q, struct search *s)
{
	struct prefix address = {s->address, (uint8_t)(8 * addr_size(s->address.family))};
	struct flow_filter f = s->filter;
	int r;

	f.q.port = s->port;
	f.q.src = address;
	r = history_flows(q, &f, flow_take, s);
	f.q.src = (struct prefix){0};
	f.q.dst = address;
	return r ? r : history_flows(q, &f, flow_take, s);
}

/* --- what the history does not cover ------------------------------------------------------- */

/* Store an interval that the history does not cover, a row of query_unseen(): started, ended (ms),
 * source, lost, reason. Stop the query, because one such interval is enough. */
static int unseen_take(void *data, const struct value *values, size_t n)
{
	struct search *s = data;
	const char *reason = value_text(values, n, "reason");

	s->is_unseen = true;
	s->from_ms = value_number(values, n, "started", 0);
	s->until_ms = value_number(values, n, "ended", 0);
	snprintf(s->reason, sizeof(s->reason), "%s", reason ? reason : "no daemon ran");
	return 1;
}

static int unseen_find(struct query *q, struct search *s)
{
	struct summary_span span = {
		.since_ms = s->filter.q.since_ms, .until_ms = s->filter.q.until_ms, .step_ms = 1};
	int r = query_unseen(q, &span, unseen_take, s);
	int64_t id = 0, started = 0;

	if (r == 0)
		r = query_oldest(q, &id, &started);
	/* If the oldest stored flow is not flow 1, earlier flows were deleted. */
	if (r == 0 && id > 1 && started > s->filter.q.since_ms) {
		s->is_unseen = true;
		s->until_ms = started;
		snprintf(s->reason, sizeof(s->reason), "older flows were deleted by retention");
	}
	return r < 0 ? r : 0;
}

static void unseen_say(const struct search *s, const char *what)
{
	char from[TIMES_STRLEN], until[TIMES_STRLEN];

	cli_error("who: %s, because flows between %s and %s may be missing: %s ('waymark gaps' "
		  "shows the gaps)",
		  what, s->from_ms ? times_format(s->from_ms, TIMES_FULL, from) : "the beginning",
		  s->until_ms ? times_format(s->until_ms, TIMES_FULL, until) : "now", s->reason);
}

static enum exit_status answer(const struct invocation *in, struct query *q, struct search *s)
{
	int r = flows_search(q, s);
	enum exit_status status;
	char at[TIMES_STRLEN];

	if (r >= 0)
		r = unseen_find(q, s);
	status = cells_end(s->cells);
	if (r < 0) {
		cli_error("who: %s", query_error(q));
		return CLI_FAILED;
	}
	if (status != CLI_DONE)
		return status;
	times_format(s->filter.q.since_ms, TIMES_FULL, at);
	if (s->n && s->is_unseen)
		unseen_say(s, "there may have been other users");
	if (!s->n && s->is_unseen) {
		unseen_say(s, "the answer is unknown");
		return CLI_FAILED;
	}
	if (!s->n && in->style.format == RENDER_TABLE)
		printf("nobody used %s at %s\n", in->operand, at);
	return CLI_DONE;
}

static enum exit_status who(const struct invocation *in, struct search *s)
{
	char *path;
	enum exit_status status = database_find(in, &path);
	struct query *q = path ? history_open(path) : NULL;

	if (status == CLI_DONE)
		status = q ? cells_open(&s->cells, in, columns, N_COLUMNS) : CLI_FAILED;
	if (status == CLI_DONE)
		status = answer(in, q, s);
	query_close(q);
	free(path);
	return status;
}

enum exit_status cmd_who(const struct invocation *in)
{
	struct search s = {0};
	enum exit_status status = filter_parse(&s.filter, in, clock_now_ms());

	if (status != CLI_DONE)
		return status;
	if (!in->operand || addr_port_parse(&s.address, &s.port, in->operand)) {
		cli_error("who: \"%s\": expected ADDRESS or ADDRESS:PORT, such as "
			  "203.0.113.10:40001 or [2001:db8::1]:443",
			  in->operand ? in->operand : "");
		return CLI_USAGE;
	}
	if (!s.filter.q.until_ms) {
		s.filter.q.since_ms = s.filter.now_ms;
		s.filter.q.until_ms = s.filter.now_ms + 1;
	}
	return who(in, &s);
}
