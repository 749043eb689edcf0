/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow_delete.h - deletes flows with a mismatch (on-mismatch = "delete-flow"). */
#ifndef WAYMARK_SRC_DAEMON_FLOW_DELETE_H
#define WAYMARK_SRC_DAEMON_FLOW_DELETE_H

#include <stdint.h>

#include "waymark/base/record.h"

struct flow_delete;
struct daemon;

int flow_delete_open(struct daemon *d); /* 0 or -errno */
void flow_delete_close(struct daemon *d);
/* Call this for each new mismatch of a flow. If on-mismatch is "delete-flow", the flow's conntrack
 * entry is deleted at the next tick. */
void flow_delete_want(struct daemon *d, const struct flow_record *f,
		      const struct mismatch_record *m);
void flow_delete_tick(struct daemon *d, int64_t now_ms);

struct flow_delete_stats {
	uint64_t deleted, not_deleted; /* `not_deleted`: flows that were not deleted because too
					* many were to be deleted at once */
};
void flow_delete_stats(const struct daemon *d, struct flow_delete_stats *out);

#endif
