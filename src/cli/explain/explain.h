/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain.h - what the parts of `waymark explain` share: the flow from the history, and the
 * list of steps to which each part adds.
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
	const struct uplink_config *uplink; /* the uplink that the mark names in the present
					     * configuration, or NULL */
	const char *ingress;		    /* the uplink by which the flow entered, or NULL */
	struct addr src, dst;		    /* of a packet in the direction that the mark
					     * applies to, as the router routes it */
	enum verdict verdict;
	enum reason reason;
	bool is_path_known; /* rules and routes could be read */
	bool is_path_wrong; /* they do not lead out of the flow's uplink now */
	struct narrative story;
};

/* explain_marks.c: add why the flow has this uplink: its mark, each change of the mark, and what
 * may have written it. */
void explain_marks(struct explanation *e);
/* explain_path.c: add the expected rules and routes, and those that packets of the flow meet
 * now. */
void explain_path(struct explanation *e);
/* explain_verdict.c: add the verdict, its reason and the fix (call explain_path() first); add the
 * evidence. */
void explain_verdict(struct explanation *e);
void explain_evidence(struct explanation *e);
/* Return the meaning of a reason: "the ip rule of the flow's mark was missing". */
const char *explain_reason_words(enum reason reason);
/* Return the meaning of a reason in the present tense; NULL if rules and routes cannot show the
 * reason. */
const char *explain_reason_now(enum reason reason);

#endif
