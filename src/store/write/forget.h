/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forget.h - deletes the data about a host when an administrator asks for it. A step deletes from
 * one slice of flows, so that writing continues between steps.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_FORGET_H
#define WAYMARK_SRC_STORE_WRITE_FORGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/write/ingest.h"

struct forget {
	/* the data of 'host' is to be deleted. Any thread may set is_on, after it has set
	 * 'host'. */
	_Atomic bool is_on;
	struct addr host;
	int64_t flow_id; /* flows with lower ids are done */
};

void forget_init(struct forget *x);

/* Ask for the deletion of a host. Return false if another host is being deleted. */
bool forget_ask(struct forget *x, const struct addr *host);
bool forget_has_work(struct forget *x);

/* Do one step. Return SQLite's result code. */
int forget_step(struct forget *x, struct ingest *in);

#endif
