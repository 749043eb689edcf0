/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow_delete.c - on-mismatch = "delete-flow": deletes the entry of a flow that left by the
 * wrong uplink, so that it begins anew.
 *
 * Wished for while packets and events are read, done at the next tick, so that those who
 * read never wait for the kernel; so many in any second and no more. Must not know what a
 * mismatch is (the audit tells), nor how the flow's end is told: its verdict and reason
 * are those of the mismatch.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/log.h"

#define SECOND_MS 1000

/* Of a flow whose uplink is down nothing is gained: that it leaves by another is what
 * on-uplink-down = "hold" means, and "flush" sees to it by itself. */
static bool is_curable(const struct daemon *d, uint8_t expected)
{
	return d->config->on_mismatch == ON_MISMATCH_DELETE && expected < UPLINKS_MAX &&
	       d->is_uplink_up[expected];
}

void flow_delete_want(struct daemon *d, const struct flow_record *f,
		      const struct mismatch_record *m)
{
	struct wanted_deletion *w;

	if (!is_curable(d, m->expected) || f->state != FLOW_LIVE)
		return;
	if (d->n_deletions == DELETIONS_MAX) {
		d->not_deleted++;
		return;
	}
	w = &d->deletions[d->n_deletions++];
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

static void cure_tell(struct daemon *d, const struct wanted_deletion *w, int64_t now_ms)
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

	log_notice("flow %" PRId64 ": its conntrack entry is deleted, as on-mismatch says",
		   w->flow_id);
	publish_record(d, &r);
}

/* The one before so many others was a second ago. */
static bool may_cure(const struct daemon *d, int64_t steady_ms)
{
	return d->deleted < DELETIONS_A_SECOND ||
	       steady_ms - d->deleted_ms[d->deleted % DELETIONS_A_SECOND] >= SECOND_MS;
}

/* The kernel compares tuple, zone and id; but an id comes again with the same tuple in
 * the same place of memory, so that one that is known to have ended is left alone. */
static void cure(struct daemon *d, const struct wanted_deletion *w, int64_t now_ms)
{
	int64_t steady_ms = clock_steady_ms();
	int err;

	if (!is_curable(d, w->expected) || !audit_is_live(d->audit, &w->entry, w->flow_id))
		return;
	if (!may_cure(d, steady_ms)) {
		d->not_deleted++;
		return;
	}
	err = conntrack_delete(d->conntrack, &w->entry);
	if (err == -ENOENT)
		return;
	if (err) {
		log_err("flow %" PRId64 ": its conntrack entry cannot be deleted: %s", w->flow_id,
			strerror(-err));
		return;
	}
	d->deleted_ms[d->deleted++ % DELETIONS_A_SECOND] = steady_ms;
	cure_tell(d, w, now_ms);
}

static void not_cured_tell(struct daemon *d)
{
	int64_t steady_ms = clock_steady_ms();

	if (d->not_deleted == d->not_deleted_reported ||
	    steady_ms - d->not_deleted_reported_ms < SECOND_MS)
		return;
	log_warning("%" PRIu64
		    " mismatching flows are not deleted: that would be more than %d in a "
		    "second",
		    d->not_deleted - d->not_deleted_reported, DELETIONS_A_SECOND);
	d->not_deleted_reported = d->not_deleted;
	d->not_deleted_reported_ms = steady_ms;
}

void flow_delete_tick(struct daemon *d, int64_t now_ms)
{
	for (unsigned i = 0; i < d->n_deletions; i++)
		cure(d, &d->deletions[i], now_ms);
	d->n_deletions = 0;
	not_cured_tell(d);
}
