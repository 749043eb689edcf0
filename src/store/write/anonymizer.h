/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * anonymizer.h - cuts the addresses of flows that ended more than a day ago to a prefix, in small
 * steps.
 *
 * A pass continues where the previous pass stopped, and stops at the first flow that began less
 * than a day and ten minutes ago. It skips a flow that is live or ended within the last day. A
 * later pass finds the skipped flow through index flow_long, which holds flows that lived for ten
 * minutes or longer. Table meta records the progress, so that a pass also continues where it
 * stopped after a restart.
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
	/* the requested prefix lengths: (IPv6 bits << 8 | IPv4 bits) + 1; 0: do not cut. Any thread
	 * can set this. */
	_Atomic uint32_t asked;

	uint32_t served; /* the value of `asked` that the current or last pass uses */
	struct address_cut cut;
	struct age_clock clock;
	bool is_loaded; /* the progress has been read from the open database */
	int part;	/* the current part of the pass (enum part); below 0: no pass is running */
	/* the pass has done only a part of a slice; postings built now would be deleted again */
	bool is_in_slice;
	int64_t pass_after_ms; /* CLOCK_MONOTONIC time after which the next pass begins */
	/* time_ms: when the pass began; before_ms: the pass cuts flows that ended before this
	 * time */
	int64_t time_ms, before_ms;
	int64_t since_ms;      /* `before_ms` of the last complete pass; 0: none */
	int64_t left_since_ms; /* skipped flows that ended before this time have been cut */
	int64_t flow_id;       /* flows with lower ids have been cut or skipped */
	/* progress in the part: an end time (PART_LEFT), an hour (PART_HOURS) or an id (tables) */
	int64_t at;
};

void anonymizer_init(struct anonymizer *x);
/* Register the SQL functions on a newly opened database. Return SQLite's result code. */
int anonymizer_attach(struct anonymizer *x, sqlite3 *db);
/* Forget the state that was read from the database. */
void anonymizer_reset(struct anonymizer *x);

void anonymizer_set(struct anonymizer *x, bool is_on, struct address_cut cut);

/* Return whether the pass has done only a part of a slice. If so, the writer must not build
 * postings, because the next step would delete them. */
bool anonymizer_is_in_slice(const struct anonymizer *x);

/* If a step is due, do it and set *did to true; otherwise set *did to false. Return SQLite's result
 * code. */
int anonymizer_step(struct anonymizer *x, struct ingest *in, int64_t now_ms, bool *did);

#endif
