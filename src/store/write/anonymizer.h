/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * anonymizer.h - cuts the addresses of flows that ended more than a day ago to a prefix, in small
 * steps.
 *
 * A pass continues after the last flow that earlier passes have done. It skips flows that are live
 * or ended within the day if they lived for ten minutes or longer: an index finds these in a later
 * pass. Table meta records the progress, so that a restart continues there.
 */
#ifndef WAYMARK_SRC_STORE_WRITE_ANONYMIZER_H
#define WAYMARK_SRC_STORE_WRITE_ANONYMIZER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/write/address_cut.h"
#include "store/write/age_clock.h"
#include "store/write/ingest.h"

struct anonymizer {
	_Atomic uint32_t asked; /* set by any thread: IPv6 bits << 8 | IPv4 bits, + 1; 0: off */

	uint32_t served; /* of asked: that the pass is of */
	struct address_cut cut;
	struct age_clock clock;
	bool is_loaded;		    /* the state below was read from the open database */
	int part;		    /* of the pass; below 0: none is on its way */
	bool is_in_slice;	    /* a part of a slice is done: postings would be made twice */
	int64_t pass_after_ms;	    /* CLOCK_MONOTONIC */
	int64_t time_ms, before_ms; /* when the pass began, by the clock; flows that ended before
				     * before_ms are cut */
	int64_t since_ms;	    /* before_ms of the last pass that came to its end; 0: none */
	int64_t left_since_ms;	    /* skipped flows that ended before it are cut */
	int64_t flow_id;	    /* flows before this id are cut, or were skipped */
	int64_t at;		    /* rows of the part up to it are done */
};

void anonymizer_init(struct anonymizer *x);
/* Attach to a newly opened database. Return SQLite's result code. */
int anonymizer_attach(struct anonymizer *x, sqlite3 *db);
/* Forget the state that was read from the database. */
void anonymizer_reset(struct anonymizer *x);

void anonymizer_set(struct anonymizer *x, bool is_on, struct address_cut cut);

/* Return whether postings have to wait for the next step. */
bool anonymizer_is_in_slice(const struct anonymizer *x);

/* Do one step if anything is due. Return SQLite's result code. */
int anonymizer_step(struct anonymizer *x, struct ingest *in, int64_t now_ms, bool *did);

#endif
