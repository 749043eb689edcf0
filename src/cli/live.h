/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live.h - reads the counters of live flows from the daemon. The history gets the counters of a
 * flow only when the flow ends.
 */
#ifndef WAYMARK_SRC_CLI_LIVE_H
#define WAYMARK_SRC_CLI_LIVE_H

#include "cli/history.h"

struct live_flow {
	int64_t id, idle_ms; /* idle_ms: time since the last packet; -1: unknown */
	uint64_t packets[2], bytes[2];
	uint8_t tcp_state; /* a TCP_CONNTRACK_ constant; 0: none */
	bool has_counters;
};

struct live_flows {
	struct live_flow *list; /* sorted by id */
	size_t n;
	int64_t taken_ms; /* when the daemon read the flows; 0: the daemon did not answer */
};

/* Read the live flows from the daemon at socket. Return 0 or -errno; the caller calls
 * live_flows_free() in both cases. */
int live_flows_ask(struct live_flows *l, const char *socket);
void live_flows_free(struct live_flows *l);

const struct live_flow *live_flows_find(const struct live_flows *l, int64_t id);

/* Return the name of a TCP state, such as "ESTABLISHED"; NULL if the state is 0 or unknown. */
const char *live_tcp_name(uint8_t state);

/* live_fill() is a query_row_fn whose data is a struct live_filling. It adds the daemon's counters
 * of the flow and column tcp_state to each row, and passes the row to fn. It omits flows that
 * are no longer live in the daemon. */
struct live_filling {
	const struct live_flows *live;
	query_row_fn *fn;
	void *data;
};
int live_fill(void *data, const struct value *values, size_t n);

#endif
