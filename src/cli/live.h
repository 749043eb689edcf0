/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live.h - what live flows have carried until now, from the daemon: the history has their
 * counters when they end.
 */
#ifndef WAYMARK_SRC_CLI_LIVE_H
#define WAYMARK_SRC_CLI_LIVE_H

#include "cli/history.h"

struct live_flow {
	int64_t id, idle_ms; /* -1: not known */
	uint64_t packets[2], bytes[2];
	uint8_t tcp_state; /* TCP_CONNTRACK_; 0: none */
	bool has_counters;
};

struct live_flows {
	struct live_flow *list; /* by id */
	size_t n;
	int64_t taken_ms; /* 0: the daemon did not answer */
};

/* Ask the daemon at this socket. 0 or -errno; the caller frees in any case. */
int live_flows_ask(struct live_flows *l, const char *socket);
void live_flows_free(struct live_flows *l);

const struct live_flow *live_flows_find(const struct live_flows *l, int64_t id);

/* "ESTABLISHED", ...; NULL: none. */
const char *live_tcp_name(uint8_t state);

/* Hand rows of flows that live on to fn, with their counters and the column tcp_state. */
struct live_filling {
	const struct live_flows *live;
	query_row_fn *fn;
	void *data;
};
int live_fill(void *data, const struct value *values, size_t n);

#endif
