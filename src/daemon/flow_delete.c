/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow_delete.c - if on-mismatch is "delete-flow", deletes the conntrack entry of each flow that
 * left by the wrong uplink, so that the flow is re-established.
 *
 * While packets and events are read, a deletion is only queued, so that reading does not wait for
 * the kernel. The next tick deletes the flows, at most DELETIONS_A_SECOND per second. Must not know
 * what a mismatch is (the audit decides), nor how the end of the flow is recorded.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <stdlib.h>

#include "daemon/daemon.h"
#include "daemon/flow_delete.h"
#include "daemon/publish.h"
#include "daemon/log.h"
#include "daemon/uplink_states.h"
#include "waymark/audit/audit.h"
#include "waymark/kernel/conntrack.h"

#define DELETIONS_MAX	   64
#define DELETIONS_A_SECOND 10
#define SECOND_MS	   1000

struct wanted_deletion {
	int64_t flow_id, mismatch_id;
	uint8_t expected;      /* slot of the uplink that the flow's mark names */
	struct ct_event entry; /* the flow's tuple, zone and id */
};

struct flow_delete {
	struct wanted_deletion wanted[DELETIONS_MAX];
	unsigned n_wanted;
	int64_t deleted_ms[DELETIONS_A_SECOND]; /* times of the latest deletions (steady clock), as
						 * a ring */
	uint64_t deleted, not_deleted;		/* `not_deleted`: flows that were not deleted
						 * because of DELETIONS_MAX or
						 * DELETIONS_A_SECOND */
	uint64_t not_deleted_reported;
	int64_t not_deleted_reported_ms; /* steady clock */
};

int flow_delete_open(struct daemon *d)
{
	d->flow_delete = calloc(1, sizeof(*d->flow_delete));
	return d->flow_delete ? 0 : -ENOMEM;
}

void flow_delete_close(struct daemon *d)
{
	free(d->flow_delete);
}

void flow_delete_stats(const struct daemon *d, struct flow_delete_stats *out)
{
	out->deleted = d->flow_delete->deleted;
	out->not_deleted = d->flow_delete->not_deleted;
}

/* Return whether to delete a mismatching flow whose mark names the uplink of slot `expected`. If
 * that uplink is down, return false, because the key on-uplink-down decides about its flows: "hold"
 * lets them use another uplink, and "flush" makes flush.c delete them. */
static bool is_deletable(const struct daemon *d, uint8_t expected)
{
	return d->config->on_mismatch == ON_MISMATCH_DELETE && expected < UPLINKS_MAX &&
	       uplink_states_is_up(d, expected);
}

void flow_delete_want(struct daemon *d, const struct flow_record *f,
		      const struct mismatch_record *m)
{
	struct wanted_deletion *w;

	if (!is_deletable(d, m->expected) || f->state != FLOW_LIVE)
		return;
	if (d->flow_delete->n_wanted == DELETIONS_MAX) {
		d->flow_delete->not_deleted++;
		return;
	}
	w = &d->flow_delete->wanted[d->flow_delete->n_wanted++];
	*w = (struct wanted_deletion){
		.flow_id = f->id,
		.mismatch_id = m->id,
		.expected = m->expected,
		.entry =
			{
				.id = f->ct_id,
				.zone = f->zone,
				.proto = f->proto,
				.tuple = {f->tuple[0], f->tuple[1]},
			},
	};
}

static void deletion_publish(struct daemon *d, const struct wanted_deletion *w, int64_t now_ms)
{
	struct record r = {
		.type = RECORD_DELETED_FLOW,
		.deleted_flow =
			{
				.time_ms = now_ms,
				.flow_id = w->flow_id,
				.mismatch_id = w->mismatch_id,
				.action = "deleted",
			},
	};

	log_notice("flow %" PRId64 ": conntrack entry deleted (on-mismatch = delete-flow)",
		   w->flow_id);
	publish_record(d, &r);
}

/* Return whether fewer than DELETIONS_A_SECOND flows were deleted in the last second. */
static bool may_delete(const struct daemon *d, int64_t steady_ms)
{
	return d->flow_delete->deleted < DELETIONS_A_SECOND ||
	       steady_ms - d->flow_delete
				       ->deleted_ms[d->flow_delete->deleted % DELETIONS_A_SECOND] >=
		       SECOND_MS;
}

/* Delete one flow, unless the audit knows that it has ended. The kernel finds the entry by tuple,
 * zone and id. This alone could delete a later flow with the same tuple: its id can be equal, too,
 * because the id is derived from a memory address. */
static void flow_delete_one(struct daemon *d, const struct wanted_deletion *w, int64_t now_ms)
{
	int64_t steady_ms = clock_steady_ms();
	int err;

	if (!is_deletable(d, w->expected) || !audit_is_live(d->audit, &w->entry, w->flow_id))
		return;
	if (!may_delete(d, steady_ms)) {
		d->flow_delete->not_deleted++;
		return;
	}
	err = conntrack_delete(d->conntrack, &w->entry);
	if (err == -ENOENT)
		return;
	if (err) {
		log_err("flow %" PRId64 ": cannot delete the conntrack entry: %s", w->flow_id,
			strerror(-err));
		return;
	}
	d->flow_delete->deleted_ms[d->flow_delete->deleted++ % DELETIONS_A_SECOND] = steady_ms;
	deletion_publish(d, w, now_ms);
}

static void not_deleted_report(struct daemon *d)
{
	int64_t steady_ms = clock_steady_ms();

	if (d->flow_delete->not_deleted == d->flow_delete->not_deleted_reported ||
	    steady_ms - d->flow_delete->not_deleted_reported_ms < SECOND_MS)
		return;
	log_warning("%" PRIu64 " mismatching flows were not deleted: the limit is %d per second",
		    d->flow_delete->not_deleted - d->flow_delete->not_deleted_reported,
		    DELETIONS_A_SECOND);
	d->flow_delete->not_deleted_reported = d->flow_delete->not_deleted;
	d->flow_delete->not_deleted_reported_ms = steady_ms;
}

void flow_delete_tick(struct daemon *d, int64_t now_ms)
{
	for (unsigned i = 0; i < d->flow_delete->n_wanted; i++)
		flow_delete_one(d, &d->flow_delete->wanted[i], now_ms);
	d->flow_delete->n_wanted = 0;
	not_deleted_report(d);
}
