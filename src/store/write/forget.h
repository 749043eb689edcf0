/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forget.h - deletes the data about a host when an administrator asks for it. Each step handles one
 * slice of flows (slices.h), so that new records can be written between the steps.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_FORGET_H
#define WAYMARK_SRC_STORE_WRITE_FORGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/write/ingest.h"

struct forget {
	/* true: the data of 'host' is to be deleted. Any thread can set is_on, after it has set
	 * 'host'. The writer thread clears it when the data is deleted. */
	_Atomic bool is_on;
	struct addr host;
	int64_t flow_id; /* flows with lower ids have been handled */
};

void forget_init(struct forget *x);

/* Ask for the deletion of a host's data. Return false if an earlier deletion is not complete. */
bool forget_ask(struct forget *x, const struct addr *host);
bool forget_has_work(struct forget *x);

/* Do one step. Return SQLite's result code. */
int forget_step(struct forget *x, struct ingest *in);

#endif
