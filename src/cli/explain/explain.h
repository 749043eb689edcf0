/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain.h - what the parts of `waymark explain` share: the flow as the history has
 * it, and the steps that each part adds.
 */
#ifndef WAYMARK_SRC_CLI_EXPLAIN_EXPLAIN_H
#define WAYMARK_SRC_CLI_EXPLAIN_EXPLAIN_H

#include "cli/row_copy.h"
#include "cli/explain/narrative.h"
#include "waymark/base/times.h"
#include "waymark/config/config.h"
#include "waymark/plan/fib.h"

struct explanation {
	const struct config *config;
	const struct row_copy_row *flow;
	struct row_copy mismatches, changes, gaps, tampering, deletions;

	int64_t id;
	uint32_t mark;
	const struct uplink_config *uplink; /* that the mark names now, or NULL */
	const char *ingress;		    /* the uplink that it came in by, or NULL */
	struct addr src, dst;		    /* of a packet of the direction that the mark
					     * stands for, as it is routed */
	enum verdict verdict;
	enum reason reason;
	bool is_path_known; /* rules and routes could be read */
	bool is_path_wrong; /* they do not lead out of the uplink now */
	struct narrative story;
};

/* explain_marks.c: why this uplink: the mark, each change of it, what may have written it. */
void explain_marks(struct explanation *e);
/* explain_path.c: the expected rules and routes, and those that the flow's packets meet now. */
void explain_path(struct explanation *e);
/* explain_verdict.c: the verdict, its reason and the fix, which needs the path first; then the
 * evidence. */
void explain_verdict(struct explanation *e);
void explain_evidence(struct explanation *e);
/* "the ip rule of its mark was missing". */
const char *explain_reason_words(enum reason reason);
/* "the mark's ip rule is missing ..."; NULL: not a reason that rules and routes show. */
const char *explain_reason_now(enum reason reason);

#endif
