/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forget.h - deletes the data about a host, at the request of an administrator: a slice of flows
 * per step, so that ingest continues.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_FORGET_H
#define WAYMARK_SRC_STORE_WRITE_FORGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/write/ingest.h"

struct forget {
	_Atomic bool is_on; /* set by any thread, with the address before it */
	struct addr host;
	int64_t flow_id; /* flows before it are done */
};

void forget_init(struct forget *x);

/* False: another host is being forgotten. */
bool forget_ask(struct forget *x, const struct addr *host);
bool forget_has_work(struct forget *x);

/* Do one step. Return SQLite's result code. */
int forget_step(struct forget *x, struct ingest *in);

#endif
