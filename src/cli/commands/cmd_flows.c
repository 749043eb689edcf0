/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_flows.c - `waymark flows`: the view flows, newest first.
 */
#include "cli/history.h"

static const struct column columns[] = {
	{.name = "id", .type = COLUMN_NUMBER},
	{.name = "started"},
	{.name = "ended", .is_detail = true},
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
	{.name = "bytes", .type = COLUMN_NUMBER},
	{.name = "packets_reply", .type = COLUMN_NUMBER, .is_detail = true},
	{.name = "bytes_reply", .type = COLUMN_NUMBER},
};

enum exit_status cmd_flows(const struct invocation *in)
{
	static const struct history flows = {
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(*columns),
		.query = query_flows,
		.none = "no flows",
	};

	return history_show(in, &flows);
}
