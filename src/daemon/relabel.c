/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relabel.c - clears stale labels of flows. Labels are stale if an earlier waymarkd had another
 * label-base, or used the same labels for other interfaces. Stale labels would count as evidence of
 * uplinks that the flows did not use. The next packets of a flow set its labels again.
 *
 * Must not know what each label means.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <stdlib.h>

#include "daemon/daemon.h"
#include "daemon/relabel.h"
#include "daemon/log.h"
#include "waymark/audit/audit.h"
#include "waymark/kernel/conntrack.h"
#include "waymark/steering/steering.h"

struct relabel {
	bool is_relabelling;
	unsigned stale_from; /* number of the first stale label; all higher labels are stale, too */
	uint64_t relabelled; /* number of flows whose labels were cleared */
};

int relabel_open(struct daemon *d)
{
	d->relabel = calloc(1, sizeof(*d->relabel));
	return d->relabel ? 0 : -ENOMEM;
}

void relabel_close(struct daemon *d)
{
	free(d->relabel);
}

bool relabel_begin(struct daemon *d)
{
	d->relabel->relabelled = 0;
	d->relabel->stale_from = steering_labels_stale_from(d->steering);
	/* Labels can be stale only at the start, because a reload keeps their meaning
	 * (config_keep_slots()). */
	d->relabel->is_relabelling = !d->is_ready && d->relabel->stale_from < LABELS_TOTAL;
	audit_set_labels_stale(d->audit, d->relabel->is_relabelling);
	return d->relabel->is_relabelling;
}

bool relabel_is_active(const struct daemon *d)
{
	return d->relabel->is_relabelling;
}

static bool is_stale(const struct connlabels *l, unsigned from)
{
	for (unsigned bit = from; bit < LABELS_TOTAL; bit++)
		if (l->word[bit / 64] >> bit % 64 & 1)
			return true;
	return false;
}

/* Clear a flow's stale labels. -ENOENT from the kernel means that the flow has ended meanwhile. */
void relabel_take(struct daemon *d, const struct ct_event *ev)
{
	int err;

	if (!ev->has_labels || !is_stale(&ev->labels, d->relabel->stale_from))
		return;
	err = conntrack_clear_labels(d->conntrack, ev, d->relabel->stale_from);
	if (err && err != -ENOENT)
		log_err("cannot clear the old labels of a flow: %s; the egress shown for this flow "
			"may be wrong",
			strerror(-err));
	d->relabel->relabelled += !err;
}

void relabel_end(struct daemon *d)
{
	if (d->relabel->relabelled)
		log_notice("the labels now stand for other uplinks: %" PRIu64
			   " flows lost their old labels; their next packets set new ones",
			   d->relabel->relabelled);
	d->relabel->is_relabelling = false;
	audit_set_labels_stale(d->audit, false);
	steering_labels_keep(d->steering);
}
