/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_flows.c - `waymark flows`: lists the flows in the history (view `flows`). If --live is given,
 * the counters and TCP states of live flows come from the daemon, because the history gets them
 * only when a flow ends.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/live.h"
#include "waymark/base/times.h"
#include "waymark/base/units.h"

#define DETAIL true
#define COMMON false

static const struct column columns[] = {
#define FLOW_SHOWN(column, kind, is_nullable, in_listings, rarely)                                 \
	{.name = #column, .type = COLUMN_##in_listings, .is_detail = (rarely)},
#include "waymark/store/flow_columns.def"
	{.name = "tcp_state"}, /* last, because cmd_flows() drops the last one without --live */
};
#define N_COLUMNS (sizeof(columns) / sizeof(*columns))

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
	{{.name = "flow", .is_flow = true}, brief_flow},
	{{.name = "path"}, brief_path},
	{{.name = "verdict"}, NULL},
	{{.name = "reason", .rank = 5}, NULL},
	{{.name = "total", .type = COLUMN_SIZE, .rank = 6}, total_show},
	{{.name = "nat_src", .rank = 8}, NULL},
	{{.name = "ingress", .rank = 7}, NULL},
	{{.name = "tcp_state", .rank = 9}, NULL}, /* last, as in `columns` */
};
#define N_BRIEF (sizeof(brief) / sizeof(*brief))

/* --- live flows ---------------------------------------------------------------------- */

/* The daemon's live flows, for live_query(). */
static struct live_flows live;

/* Query live flows. The history has no counters of live flows, so the query omits the conditions on
 * counters. The listing tests them on each row after live_fill() has added the counters. */
static int live_query(struct query *q, const struct flow_filter *f, query_row_fn *fn, void *data)
{
	struct live_filling to = {.live = &live, .fn = fn, .data = data};
	struct flow_filter wide = *f;

	wide.min_bytes = 0;
	wide.is_unanswered = false;
	return history_flows(q, &wide, live_fill, &to);
}

static enum exit_status live_show(const struct invocation *in, const struct history *flows)
{
	bool is_alone = in->values[OPTION_DATABASE] && !in->values[OPTION_SOCKET];
	char *path = is_alone ? NULL : cli_socket(in);
	enum exit_status status;
	int err = path ? live_flows_ask(&live, path) : 0;

	if (!path && !is_alone)
		return CLI_FAILED;
	if (err) {
		client_explain(path, err);
		cli_error("flows: live flows are shown from the history, whose counts may be out "
			  "of date");
	}
	status = history_show(in, flows);
	live_flows_free(&live);
	free(path);
	return status;
}

enum exit_status cmd_flows(const struct invocation *in)
{
	bool is_live = in->values[OPTION_LIVE] != NULL;
	struct history flows = {
		.columns = columns,
		.n_columns = N_COLUMNS - !is_live,
		.brief = brief,
		.n_brief = N_BRIEF - !is_live,
		.query = is_live ? live_query : history_flows,
		.is_flows = true,
		.rows_name = "flows",
	};

	return is_live ? live_show(in, &flows) : history_show(in, &flows);
}
