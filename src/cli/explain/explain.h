/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain.h - declares what the parts of `waymark explain` share: the flow from the history, and
 * the list of steps to which each part adds.
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
	const char *database; /* the value of --database; NULL: not given */
	const struct row_copy_row *flow;
	struct row_copy mismatches, changes, gaps, tampering, deletions;

	int64_t id;
	uint32_t mark;
	const struct uplink_config *uplink; /* the uplink that the mark names in the present
					     * configuration, or NULL */
	const char *ingress;		    /* the uplink by which the flow entered, or NULL */
	/* the addresses and ports of a packet as routing sees it: after DNAT and before SNAT; if
	 * the flow entered by an uplink, the packet is a reply */
	struct addr src, dst;
	uint8_t proto;
	uint16_t sport, dport;
	enum verdict verdict;
	enum reason reason;
	bool is_path_known; /* the present rules and routes could be read */
	bool is_path_wrong; /* the present rules, routes and links do not lead the packet to the
			     * interface of the flow's uplink */
	struct narrative story;
};

/* explain_marks.c: add steps that say why the flow has its uplink: the mark, each change of the
 * mark, and the rules that might have written the mark. */
void explain_marks(struct explanation *e);
/* explain_path.c: add steps that name the rules and routes that packets of the flow should use, and
 * the rules and routes that they use now. */
void explain_path(struct explanation *e);
/* explain_verdict.c: explain_verdict() adds steps about the verdict, the reason and the fix. Call
 * explain_path() first. explain_evidence() adds steps about the evidence. */
void explain_verdict(struct explanation *e);
void explain_evidence(struct explanation *e);
/* Return the meaning of a reason: "the ip rule of the flow's mark was missing". */
const char *explain_reason_words(enum reason reason);
/* Return the meaning of a reason in the present tense: "the ip rule of the mark is missing". Return
 * NULL if the ip rules, routes and links do not show whether the reason still applies. */
const char *explain_reason_now(enum reason reason);

#endif
