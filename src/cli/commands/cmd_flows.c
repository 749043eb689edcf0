/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_flows.c - `waymark flows`: the view flows, of the history or of the daemon's memory.
 */
#include "cli/history.h"
#include "waymark/base/times.h"
#include "waymark/base/units.h"

static const struct column columns[] = {
	{.name = "id", .type = COLUMN_NUMBER},
	{.name = "started", .type = COLUMN_TIME},
	{.name = "ended", .type = COLUMN_TIME, .is_detail = true},
	{.name = "state"},
	{.name = "proto"},
	{.name = "src"},
	{.name = "sport", .type = COLUMN_NUMBER},
	{.name = "dst"},
	{.name = "dport", .type = COLUMN_NUMBER},
	{.name = "nat_src", .is_detail = true},
	{.name = "nat_sport", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "nat_dst", .is_detail = true},
	{.name = "nat_dport", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "zone", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "ct_id", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "mark", .type = COLUMN_NUMBER},
	{.name = "uplink"},
	{.name = "ingress", .is_detail = true},
	{.name = "egress"},
	{.name = "egress_reply"},
	{.name = "verdict"},
	{.name = "reason"},
	{.name = "packets", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "bytes", .type = COLUMN_SIZE},
	{.name = "packets_reply", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "bytes_reply", .type = COLUMN_SIZE},
};

static void lived_show(struct render *r, const struct value *values, size_t n)
{
	const char *started = value_text(values, n, "started"),
		   *ended = value_text(values, n, "ended");
	char text[UNITS_STRLEN];
	int64_t from, to;

	if (!started || times_parse_iso(started, &from))
		render_unknown(r);
	else if (!ended || times_parse_iso(ended, &to))
		render_text(r, value_text(values, n, "state"), PAINT_NONE);
	else
		render_text(r, duration_format(to > from ? to - from : 0, text), PAINT_NONE);
}

static void total_show(struct render *r, const struct value *values, size_t n)
{
	int64_t sent = value_number(values, n, "bytes", -1);

	if (sent < 0)
		render_unknown(r);
	else
		render_number(r, sent + value_number(values, n, "bytes_reply", 0), PAINT_NONE);
}

static const struct brief_column brief[] = {
	{{.name = "id", .type = COLUMN_NUMBER}, NULL},
	{{.name = "started", .type = COLUMN_TIME}, NULL},
	{{.name = "lived", .rank = 4}, lived_show},
	{{.name = "flow"}, brief_flow},
	{{.name = "path"}, brief_path},
	{{.name = "verdict"}, NULL},
	{{.name = "reason", .rank = 5}, NULL},
	{{.name = "total", .type = COLUMN_SIZE, .rank = 6}, total_show},
	{{.name = "nat_src", .rank = 8}, NULL},
	{{.name = "ingress", .rank = 7}, NULL},
};

enum exit_status cmd_flows(const struct invocation *in)
{
	static const struct history flows = {
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(*columns),
		.brief = brief,
		.n_brief = sizeof(brief) / sizeof(*brief),
		.query = history_flows,
		.none = "no flows",
	};

	return history_show(in, &flows);
}
